#include <fmt/format.h>

#include <mica/nn/dropout.h>
#include <mica/ops/dropout.h>

namespace mica::nn {

Dropout::Dropout(double probability) : p(probability) {
  detail::forbid_construction_inside_forward("nn::Dropout");
  if (!(p >= 0 && p <= 1)) throw Error("Dropout", fmt::format("probability {} is not between 0 and 1", p));
}

Tensor Dropout::forward(const Tensor& x) { return dropout(x, p, mode.training); }

std::string Dropout::extra_repr() const { return fmt::format("p={}, inplace=False", p); }

}  // namespace mica::nn
