#include <fmt/format.h>

#include <mica/nn/dropout.h>

namespace mica::nn {

void detail::check_dropout(std::string_view type, double p) {
  const std::string name = fmt::format("nn::{}", type);
  forbid_construction_inside_forward(name.c_str());
  if (p >= 0 && p <= 1) return;
  throw Error(name, fmt::format("probability {} is not between 0 and 1", p));
}

std::string detail::describe_dropout(double p) { return fmt::format("p={}, inplace=False", p); }

}  // namespace mica::nn
