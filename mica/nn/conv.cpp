#include <cmath>

#include <fmt/format.h>

#include <mica/nn/conv.h>
#include <mica/nn/init.h>

namespace mica::nn {

Conv2d::Conv2d(const char* type, std::int64_t in, std::int64_t out, IntPair kernel, const Conv2dOptions& o)
    : in_channels(in),
      out_channels(out),
      kernel_size(kernel),
      stride(o.stride),
      padding(o.padding),
      dilation(o.dilation),
      groups(o.groups) {
  detail::forbid_construction_inside_forward(type);
  if (groups < 1) throw Error("Conv2d", fmt::format("groups {} must be positive", groups));
  if (in < 0 || out < 1 || in % groups != 0 || out % groups != 0) {
    throw Error("Conv2d",
                fmt::format("in_channels {} and out_channels {} must be positive and divisible by groups {}",
                            in, out, groups));
  }
  if (kernel.h < 1 || kernel.w < 1 || stride.h < 1 || stride.w < 1 || dilation.h < 1 || dilation.w < 1) {
    throw Error("Conv2d",
                fmt::format("kernel_size {}, stride {} and dilation {} must be at least 1",
                            mica::to_string(kernel), mica::to_string(stride), mica::to_string(dilation)));
  }
  if (padding.h < 0 || padding.w < 0) {
    throw Error("Conv2d", fmt::format("padding {} must not be negative", mica::to_string(padding)));
  }
}

Conv2d::Conv2d(std::int64_t in, std::int64_t out, IntPair kernel, const Conv2dOptions& o)
    : Conv2d("nn::Conv2d", in, out, kernel, o) {
  if (in < 1) throw Error("Conv2d", fmt::format("in_channels {} must be positive", in));
  weight = Parameter(empty({out, in / groups, kernel.h, kernel.w}, o.dtype));
  if (o.bias) bias = Parameter(empty(Shape(out), o.dtype));
  reset_parameters();
}

void Conv2d::reset_parameters() {
  if (!weight.defined()) return;
  reset_weight();
  reset_bias();
}

void Conv2d::reset_weight() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));  // with this slope the bound is 1 / sqrt(fan_in)
}

void Conv2d::reset_bias() {
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(init::fans(weight).in));
  init::uniform_(bias, -bound, bound);
}

Tensor Conv2d::forward(const Tensor& x) {
  return conv2d(x, weight, bias,
                {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}

std::int64_t Conv2d::flops(const Arguments&, const Value& result) const {
  return 2 * result.tensor().numel() * (in_channels / groups) * kernel_size.h * kernel_size.w;
}

std::string Conv2d::extra_repr() const {
  std::string out = fmt::format("{}, {}, kernel_size={}, stride={}", in_channels, out_channels,
                                mica::to_string(kernel_size), mica::to_string(stride));
  if (padding != IntPair(0)) out += fmt::format(", padding={}", mica::to_string(padding));
  if (dilation != IntPair(1)) out += fmt::format(", dilation={}", mica::to_string(dilation));
  if (groups != 1) out += fmt::format(", groups={}", groups);
  if (bias.is_absent()) out += ", bias=False";
  return out;
}

}  // namespace mica::nn
