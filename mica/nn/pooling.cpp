#include <cmath>

#include <fmt/format.h>

#include <mica/nn/pooling.h>
#include <mica/nn/tuple.h>

namespace mica::nn::detail {

namespace {
const Shape& stride_of(const Shape& kernel_size, const Shape& stride) {
  return stride.empty() ? kernel_size : stride;
}
}  // namespace

std::string describe(const Shape& kernel_size, const MaxPoolOptions& o) {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
                     show_sizes(kernel_size), show_sizes(stride_of(kernel_size, o.stride)),
                     show_sizes(o.padding), show_sizes(o.dilation), show(o.ceil_mode));
}

std::string describe(int dims, const Shape& kernel_size, const AvgPoolOptions& o) {
  const auto shown = dims == 1 ? show_tuple : show_sizes;  // as PyTorch has it
  return fmt::format("kernel_size={}, stride={}, padding={}", shown(kernel_size),
                     shown(stride_of(kernel_size, o.stride)), shown(o.padding));
}

std::string describe(double norm_type, const Shape& kernel_size, const LPPoolOptions& o) {
  // A whole number as PyTorch's users write it.
  const std::string norm =
      std::floor(norm_type) == norm_type ? fmt::format("{:.0f}", norm_type) : show(norm_type);
  return fmt::format("norm_type={}, kernel_size={}, stride={}, ceil_mode={}", norm, show_sizes(kernel_size),
                     o.stride.empty() ? "None" : show_sizes(o.stride), show(o.ceil_mode));
}

}  // namespace mica::nn::detail
