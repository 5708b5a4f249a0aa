#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <mica/nn/conv.h>
#include <mica/nn/init.h>
#include <mica/nn/tuple.h>
#include <mica/ops/sizes.h>

namespace mica::nn::detail {

std::string_view conv_type(bool lazy, bool transposed, int dims) {
  static constexpr std::string_view names[2][2][3] = {
      {{"Conv1d", "Conv2d", "Conv3d"}, {"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"}},
      {{"LazyConv1d", "LazyConv2d", "LazyConv3d"},
       {"LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"}}};
  return names[lazy][transposed][dims - 1];
}

namespace {

// One number for each dimension of a layer. Errors: another count, named after the layer.
Shape each(std::string_view type, const char* what, const Shape& sizes, int dims) {
  return ops::for_each_dim(std::string(type).c_str(), what, sizes, dims);
}
bool all_at_least(const Shape& sizes, std::int64_t least) {
  return std::ranges::all_of(sizes, [&](std::int64_t n) { return n >= least; });
}
// How many elements keep the size: half of them in front, behind one more if the number is odd.
std::int64_t same_padding(std::int64_t kernel, std::int64_t dilation) { return dilation * (kernel - 1); }

}  // namespace

ConvLayer::ConvLayer(bool lazy, bool transposed, int dims, std::int64_t in, std::int64_t out,
                     const Shape& kernel, const Shape& strides, const Shape& pads, const Shape& dilations,
                     std::int64_t group_count)
    : in_channels(in), out_channels(out), groups(group_count) {
  const std::string type(conv_type(lazy, transposed, dims));
  forbid_construction_inside_forward(("nn::" + type).c_str());
  kernel_size = each(type, "kernel_size", kernel, dims);
  stride = each(type, "stride", strides, dims);
  padding = each(type, "padding", pads, dims);
  dilation = each(type, "dilation", dilations, dims);
  if (groups < 1) throw Error(type, fmt::format("groups {} must be positive", groups));
  if (in < (lazy ? 0 : 1) || out < 1 || in % groups != 0 || out % groups != 0) {
    throw Error(type,
                fmt::format("in_channels {} and out_channels {} must be positive and divisible by groups {}",
                            in, out, groups));
  }
  if (!all_at_least(kernel_size, 1) || !all_at_least(stride, 1) || !all_at_least(dilation, 1)) {
    throw Error(type, fmt::format("kernel_size {}, stride {} and dilation {} must be at least 1",
                                  show_tuple(kernel_size), show_tuple(stride), show_tuple(dilation)));
  }
  for (const Shape& sizes : {kernel_size, stride, dilation, padding}) {
    if (!std::ranges::all_of(sizes, [](std::int64_t n) { return n <= INT32_MAX; }))
      throw Error(type, "a kernel_size, stride, dilation or padding is 2^31 or more");
  }
  if (!all_at_least(padding, 0))
    throw Error(type, fmt::format("padding {} must not be negative", show_tuple(padding)));
}

void ConvLayer::make_parameters(bool lazy, bool transposed, bool has_bias, DType dtype) {
  const std::int64_t in = lazy ? -1 : in_channels;
  Shape sizes = transposed ? Shape{in, out_channels / groups} : Shape{out_channels, lazy ? -1 : in / groups};
  for (const std::int64_t k : kernel_size) sizes.push_back(k);
  if (lazy) {
    weight = Parameter::uninitialized(sizes, dtype);
    if (has_bias) bias = Parameter::uninitialized(Shape(out_channels), dtype);
    return;
  }
  weight = Parameter(empty(sizes, dtype));
  if (has_bias) bias = Parameter(empty(Shape(out_channels), dtype));
  reset_parameters();
}

void ConvLayer::reset_parameters() {
  if (!weight.defined()) return;
  reset_weight();
  reset_bias();
}

void ConvLayer::reset_weight() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));  // with this slope the bound is 1 / sqrt(fan_in)
}

void ConvLayer::reset_bias() {
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(init::fans(weight).in));
  init::uniform_(bias, -bound, bound);
}

std::string ConvLayer::describe(const std::string& pads, const Shape& output_padding, PadMode mode) const {
  static constexpr const char* modes[] = {"zeros", "reflect", "replicate", "circular"};
  std::string out = fmt::format("{}, {}, kernel_size={}, stride={}", in_channels, out_channels,
                                show_tuple(kernel_size), show_tuple(stride));
  if (!pads.empty()) out += ", padding=" + pads;
  if (dilation != Shape::filled(dilation.size(), 1)) out += ", dilation=" + show_tuple(dilation);
  if (output_padding != Shape::filled(output_padding.size(), 0))
    out += ", output_padding=" + show_tuple(output_padding);
  if (groups != 1) out += fmt::format(", groups={}", groups);
  if (bias.is_absent()) out += ", bias=False";
  if (mode != PadMode::constant) out += fmt::format(", padding_mode={}", modes[static_cast<int>(mode)]);
  return out;
}

ForwardConv::ForwardConv(bool lazy, int dims, std::int64_t in, std::int64_t out, const Shape& kernel,
                         const ConvOptions& o)
    : ConvLayer(lazy, false, dims, in, out, kernel, o.stride, o.padding.name ? Shape(0) : o.padding.sizes,
                o.dilation, o.groups),
      padding_name(o.padding.name),
      padding_mode(o.padding_mode) {
  if (padding_name == Padding::same && stride != Shape::filled(dims, 1)) {
    throw Error(std::string(conv_type(lazy, false, dims)),
                fmt::format("Padding::same with stride {}", show_tuple(stride)),
                "only a stride of 1 gives an output of the input's size");
  }
  make_parameters(lazy, false, o.bias, o.dtype);
}

Tensor ForwardConv::convolve(const Tensor& x) const {
  const auto run = [&](const Tensor& input, const ConvPadding& pads) {
    const mica::ConvOptions options{
        .stride = stride, .padding = pads, .dilation = dilation, .groups = groups};
    switch (kernel_size.size()) {
      case 1: return conv1d(input, weight, bias, options);
      case 2: return conv2d(input, weight, bias, options);
      default: return conv3d(input, weight, bias, options);
    }
  };
  const ConvPadding pads = padding_name ? ConvPadding(*padding_name) : ConvPadding(padding);
  const int dims = kernel_size.size();
  if (padding_mode == PadMode::constant || padding_name == Padding::valid || x.dim() < dims)
    return run(x, pads);
  std::vector<std::int64_t> sides;  // of the last dimension first
  for (int d = dims - 1; d >= 0; --d) {
    const std::int64_t total = padding_name ? same_padding(kernel_size[d], dilation[d]) : 2 * padding[d];
    sides.insert(sides.end(), {total / 2, total - total / 2});
  }
  return run(pad(x, sides, {.mode = padding_mode}), 0);
}

std::int64_t ForwardConv::flops(const Arguments&, const Value& result) const {
  return 2 * result.tensor().numel() * (in_channels / groups) * window();
}

std::string ForwardConv::extra_repr() const {
  std::string pads;
  if (padding_name)
    pads = padding_name == Padding::same ? "same" : "valid";
  else if (padding != Shape::filled(padding.size(), 0))
    pads = show_tuple(padding);
  return describe(pads, {}, padding_mode);
}

TransposedConv::TransposedConv(bool lazy, int dims, std::int64_t in, std::int64_t out, const Shape& kernel,
                               const ConvTransposeOptions& o)
    : ConvLayer(lazy, true, dims, in, out, kernel, o.stride, o.padding, o.dilation, o.groups),
      output_padding(each(conv_type(lazy, true, dims), "output_padding", o.output_padding, dims)) {
  if (!all_at_least(output_padding, 0)) {
    throw Error(std::string(conv_type(lazy, true, dims)),
                fmt::format("output_padding {} must not be negative", show_tuple(output_padding)));
  }
  make_parameters(lazy, true, o.bias, o.dtype);
}

Tensor TransposedConv::convolve(const Tensor& x, const Shape& output_size) const {
  const int dims = kernel_size.size();
  mica::ConvTransposeOptions options{.stride = stride,
                                     .padding = padding,
                                     .output_padding = output_padding,
                                     .groups = groups,
                                     .dilation = dilation};
  if (!output_size.empty() && x.dim() >= dims) {
    const std::string type(conv_type(false, true, dims));
    const int given = output_size.size();
    if (given != dims && given != x.dim()) {
      throw Error(type, fmt::format("output_size {} for {} dimensions", mica::to_string(output_size), dims),
                  "one number for each dimension, those of batch and channels may come before");
    }
    for (int d = 0; d < dims; ++d) {
      const std::int64_t n = x.size(x.dim() - dims + d), wanted = output_size[given - dims + d];
      const std::int64_t least =
          (n - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel_size[d] - 1) + 1;
      if (wanted < least || wanted >= least + stride[d]) {
        throw Error(
            type,
            fmt::format("output_size {} of dimension {}, where sizes from {} to {} are possible (input {})",
                        wanted, d, least, least + stride[d] - 1, mica::to_string(x.sizes())));
      }
      options.output_padding[d] = wanted - least;
    }
  }
  switch (dims) {
    case 1: return conv_transpose1d(x, weight, bias, options);
    case 2: return conv_transpose2d(x, weight, bias, options);
    default: return conv_transpose3d(x, weight, bias, options);
  }
}

std::int64_t TransposedConv::flops(const Arguments& args, const Value&) const {
  return 2 * args.tensor(0).numel() * (out_channels / groups) * window();
}

std::string TransposedConv::extra_repr() const {
  return describe(padding == Shape::filled(padding.size(), 0) ? "" : show_tuple(padding), output_padding);
}

}  // namespace mica::nn::detail
