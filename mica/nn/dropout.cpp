#include <fmt/format.h>

#include <mica/nn/dropout.h>

namespace mica::nn {

detail::Dropout::Dropout(const char* type, double probability) : p(probability) {
  forbid_construction_inside_forward(type);
  if (!(p >= 0 && p <= 1)) throw Error(type, fmt::format("probability {} is not between 0 and 1", p));
}

std::string detail::Dropout::extra_repr() const { return fmt::format("p={}, inplace=False", p); }

}  // namespace mica::nn
