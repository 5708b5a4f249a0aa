#include <fmt/format.h>

#include <mica/nn/pooling.h>

namespace mica::nn {

namespace {
// One number where PyTorch users would have given one.
std::string brief(IntPair pair) {
  return pair.h == pair.w ? fmt::format("{}", pair.h) : mica::to_string(pair);
}
}  // namespace

std::string MaxPool2d::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}", brief(kernel_size),
                     brief(options.stride.value_or(kernel_size)), brief(options.padding),
                     brief(options.dilation), detail::show(options.ceil_mode));
}

std::string AvgPool2d::extra_repr() const {
  return fmt::format("kernel_size={}, stride={}, padding={}", brief(kernel_size),
                     brief(options.stride.value_or(kernel_size)), brief(options.padding));
}

}  // namespace mica::nn
