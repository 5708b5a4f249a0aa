#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/conv.h>
#include <mica/ops/autocast.h>
#include <mica/ops/conv.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/rearrange.h>
#include <mica/ops/sizes.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Layout;

namespace {

// A convolution and the sizes of what takes part in it.
struct Conv {
  kernels::Convolution k;
  Shape x, y, weight;
};

// The three products of a convolution; each is differentiable in its two arguments through the other two.
Tensor forward(const Conv& c, const Tensor& x, const Tensor& weight);
Tensor backward_input(const Conv& c, const Tensor& grad, const Tensor& weight);
Tensor backward_weight(const Conv& c, const Tensor& x, const Tensor& grad);

constexpr const char* conv_names[] = {"conv1d", "conv2d", "conv3d"};
constexpr const char* transpose_names[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};

// Without history. The kernels have no narrow floats; what is saved for backward stays narrow.
Tensor converted(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : ops::convert(x, dtype); }
Tensor kernel_input(const Conv& c, const Tensor& x) {
  return ops::arranged(converted(x, c.k.dtype), c.k.x_layout);
}
Tensor kernel_output(const Conv& c, const Tensor& y) {
  return ops::arranged(converted(y, c.k.dtype), c.k.y_layout);
}
Tensor kernel_weight(const Conv& c, const Tensor& w) { return converted(w, c.k.dtype).detach().contiguous(); }

Tensor run_forward(const Conv& c, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor input = kernel_input(c, x);
  const Tensor w = kernel_weight(c, weight);
  const Tensor b = bias.defined() ? kernel_weight(c, bias) : Tensor();
  Tensor y = ops::empty_arranged(c.y, c.k.dtype, c.k.y_layout);
  kernels::conv(c.k, input.raw_data(), w.raw_data(), b.defined() ? b.raw_data() : nullptr, y.raw_data());
  return converted(y, x.dtype());
}

Tensor forward(const Conv& c, const Tensor& x, const Tensor& weight) {
  Tensor y = run_forward(c, x, weight, {});
  if (!recording(x, weight)) return y;
  return record(
      "conv", y, {&x, &weight},
      [c, x = Saved(x), w = Saved(weight)](const Node& node, const Tensor& grad) -> std::array<Tensor, 2> {
        return {node.needs(0) ? backward_input(c, grad, w.get(node)) : Tensor(),
                node.needs(1) ? backward_weight(c, x.get(node), grad) : Tensor()};
      });
}

Tensor backward_input(const Conv& c, const Tensor& grad, const Tensor& weight) {
  const Tensor g = kernel_output(c, grad);
  const Tensor w = kernel_weight(c, weight);
  Tensor grad_x = ops::empty_arranged(c.x, c.k.dtype, c.k.x_layout);
  kernels::conv_backward_input(c.k, g.raw_data(), w.raw_data(), grad_x.raw_data());
  grad_x = converted(grad_x, weight.dtype());
  if (!recording(grad, weight)) return grad_x;
  return record(
      "conv_transpose", grad_x, {&grad, &weight},
      [c, g = Saved(grad), w = Saved(weight)](const Node& node, const Tensor& gg) -> std::array<Tensor, 2> {
        return {node.needs(0) ? forward(c, gg, w.get(node)) : Tensor(),
                node.needs(1) ? backward_weight(c, gg, g.get(node)) : Tensor()};
      });
}

Tensor backward_weight(const Conv& c, const Tensor& x, const Tensor& grad) {
  const Tensor input = kernel_input(c, x);
  const Tensor g = kernel_output(c, grad);
  Tensor grad_weight = empty(c.weight, c.k.dtype);
  kernels::conv_backward_weight(c.k, input.raw_data(), g.raw_data(), grad_weight.raw_data(), nullptr);
  grad_weight = converted(grad_weight, x.dtype());
  if (!recording(x, grad)) return grad_weight;
  return record(
      "conv_backward_weight", grad_weight, {&x, &grad},
      [c, x = Saved(x), g = Saved(grad)](const Node& node, const Tensor& gg) -> std::array<Tensor, 2> {
        return {node.needs(0) ? backward_input(c, g.get(node), gg) : Tensor(),
                node.needs(1) ? forward(c, x.get(node), gg) : Tensor()};
      });
}

// The gradients of weight and bias from one pass over x and grad, when nobody asks for second derivatives.
std::array<Tensor, 2> backward_weight_and_bias(const Conv& c, const Tensor& x, const Tensor& grad) {
  const Tensor input = kernel_input(c, x);
  const Tensor g = kernel_output(c, grad);
  std::array<Tensor, 2> grads{empty(c.weight, c.k.dtype), empty(Shape(c.k.out_channels), c.k.dtype)};
  kernels::conv_backward_weight(c.k, input.raw_data(), g.raw_data(), grads[0].raw_data(),
                                grads[1].raw_data());
  return grads;
}

Tensor backward_bias(const Tensor& grad) {
  Shape dims = 0;
  for (int d = 2; d < grad.sizes().size(); ++d) dims.push_back(d);
  return grad.sum(dims);
}

// A call, its sizes one for each dimension.
struct Call {
  const char* operation;
  const Tensor& x;
  const Tensor& weight;
  const Tensor& bias;
  Shape stride, padding, dilation;
  std::int64_t groups;
  Shape output_padding;

  int dims() const { return stride.size(); }
  [[noreturn]] void fail(const std::string& what, const char* hint = "") const {
    const std::string output =
        output_padding.empty() ? "" : fmt::format(", output_padding {}", to_string(output_padding));
    throw Error(operation,
                fmt::format("{} (input {}, weight {}, stride {}, padding {}, dilation {}, groups {}{})", what,
                            to_string(x.sizes()), to_string(weight.sizes()), to_string(stride),
                            to_string(padding), to_string(dilation), groups, output),
                hint);
  }
};

void check_ranges(const Call& call) {
  if (call.weight.dim() != call.dims() + 2) {
    call.fail(fmt::format("expected a weight of {} dimensions, got {}", call.dims() + 2, call.weight.dim()));
  }
  for (int d = 0; d < call.dims(); ++d) {
    if (call.stride[d] < 1 || call.dilation[d] < 1) call.fail("stride and dilation must be at least 1");
    if (call.padding[d] < 0) call.fail("padding must not be negative");
    // So that a product of two, or twice one, is a number.
    for (const std::int64_t size :
         {call.stride[d], call.padding[d], call.dilation[d], call.weight.size(d + 2)})
      if (size > INT32_MAX) call.fail("a kernel, stride, padding or dilation is 2^31 or more");
    if (call.weight.size(d + 2) < 1) call.fail("the kernel is empty");
  }
  if (call.groups < 1) call.fail("groups must be at least 1");
}

void check_bias(const Call& call, std::int64_t out_channels) {
  if (call.bias.defined() && call.bias.sizes() != Shape(out_channels)) {
    call.fail(
        fmt::format("bias of shape {} for {} output channels", to_string(call.bias.sizes()), out_channels));
  }
}

// The convolution from images of sizes x to images of sizes y, (N, C, ...).
Conv describe(const Call& call, const Shape& x, const Shape& y) {
  // Of depth, height and width; `otherwise` where there is none.
  const auto dhw = [&](const Shape& sizes, std::int64_t otherwise) {
    std::array<std::int64_t, 3> all{otherwise, otherwise, otherwise};
    std::copy(sizes.end() - call.dims(), sizes.end(), all.end() - call.dims());
    return all;
  };
  // oneDNN is fastest with channels last; the plain loops of f64 walk row-major memory.
  const DType dtype = ops::compute_type(call.x.dtype());
  const Layout layout = dtype == f32 ? Layout::channels_last : Layout::channels_first;
  const auto in = dhw(x, 1), out = dhw(y, 1), kernel = dhw(call.weight.sizes(), 1);
  const auto stride = dhw(call.stride, 1), pad = dhw(call.padding, 0), dilation = dhw(call.dilation, 1);
  const kernels::Convolution k{.dtype = dtype,
                               .x_layout = layout,
                               .y_layout = layout,
                               .batch = x[0],
                               .in_channels = x[1],
                               .out_channels = y[1],
                               .groups = call.groups,
                               .in_d = in[0],
                               .kernel_d = kernel[0],
                               .out_d = out[0],
                               .stride_d = stride[0],
                               .pad_d = pad[0],
                               .dilation_d = dilation[0],
                               .in_h = in[1],
                               .in_w = in[2],
                               .kernel_h = kernel[1],
                               .kernel_w = kernel[2],
                               .out_h = out[1],
                               .out_w = out[2],
                               .stride_h = stride[1],
                               .stride_w = stride[2],
                               .pad_h = pad[1],
                               .pad_w = pad[2],
                               .dilation_h = dilation[1],
                               .dilation_w = dilation[2]};
  return {k, x, y, call.weight.sizes()};
}

Conv describe_forward(const Call& call) {
  check_ranges(call);
  const Shape& xs = call.x.sizes();
  const Shape& ws = call.weight.sizes();
  if (xs[1] % call.groups != 0 || ws[1] != xs[1] / call.groups) {
    call.fail(fmt::format("input has {} channels, weight expects {}{}", xs[1], ws[1],
                          call.groups == 1 ? "" : fmt::format(" for each of {} groups", call.groups)));
  }
  if (ws[0] % call.groups != 0)
    call.fail(fmt::format("{} output channels are not divisible by groups", ws[0]));
  check_bias(call, ws[0]);
  Shape ys = {xs[0], ws[0]};
  for (int d = 0; d < call.dims(); ++d) {
    const std::int64_t span = xs[d + 2] + 2 * call.padding[d] - call.dilation[d] * (ws[d + 2] - 1) - 1;
    if (span < 0) call.fail("the kernel is larger than the padded input");
    ys.push_back(span / call.stride[d] + 1);
  }
  return describe(call, xs, ys);
}

Conv describe_transposed(const Call& call) {
  check_ranges(call);
  const Shape& xs = call.x.sizes();
  const Shape& ws = call.weight.sizes();
  if (ws[0] != xs[1]) call.fail(fmt::format("input has {} channels, weight expects {}", xs[1], ws[0]));
  if (xs[1] % call.groups != 0)
    call.fail(fmt::format("{} input channels are not divisible by groups", xs[1]));
  check_bias(call, ws[1] * call.groups);
  Shape ys = {xs[0], ws[1] * call.groups};
  for (int d = 0; d < call.dims(); ++d) {
    const std::int64_t more = call.output_padding[d];
    if (more < 0 || (more >= call.stride[d] && more >= call.dilation[d]))
      call.fail("output_padding must be smaller than stride or dilation, and not negative");
    if (xs[d + 2] < 1) call.fail("the input is empty");
    std::int64_t size = 0;
    if (__builtin_mul_overflow(xs[d + 2] - 1, call.stride[d], &size) || size > INT64_MAX / 8)
      call.fail("the output is too large");
    size += call.dilation[d] * (ws[d + 2] - 1) - 2 * call.padding[d] + more + 1;
    if (size < 1) call.fail("the padding leaves nothing of the output");
    ys.push_back(size);
  }
  return describe(call, ys, xs);
}

// What comes before the sizes: one image is a batch of one.
template <class Run>
Tensor convolve(const char* operation, int dims, const Tensor& x, const Tensor& weight, const Tensor& bias,
                const Run& run) {
  if (x.dim() == dims + 1) return convolve(operation, dims, x.unsqueeze(0), weight, bias, run).squeeze(0);
  ops::check_floating(operation, x);
  ops::check_same_dtype(operation, x, "the input", weight, "the weight");
  if (bias.defined()) ops::check_same_dtype(operation, bias, "the bias", weight, "the weight");
  if (x.dim() != dims + 2) {
    throw Error(operation,
                fmt::format("expected an input of {} or {} dimensions, got {} (input {})", dims + 1, dims + 2,
                            x.dim(), to_string(x.sizes())),
                "(N, C, ...) or (C, ...)");
  }
  return run(x, weight, bias);
}

// The numbers of zeros that `options` ask for on both sides. Adds to x what is needed behind alone.
Shape resolve_padding(const char* operation, int dims, Tensor& x, const Tensor& weight,
                      const ConvOptions& options) {
  if (options.padding.name != Padding::same)
    return options.padding.name ? Shape::filled(dims, 0)
                                : ops::for_each_dim(operation, "padding", options.padding.sizes, dims);
  const Shape stride = ops::for_each_dim(operation, "stride", options.stride, dims);
  const Shape dilation = ops::for_each_dim(operation, "dilation", options.dilation, dims);
  Shape padding;
  std::vector<std::int64_t> behind;
  bool odd = false;
  for (int d = 0; d < dims && weight.dim() == dims + 2; ++d) {
    if (stride[d] != 1) {
      throw Error(operation, fmt::format("Padding::same with stride {}", to_string(stride)),
                  "only a stride of 1 gives an output of the input's size");
    }
    std::int64_t total = 0;
    if (__builtin_mul_overflow(dilation[d], weight.size(d + 2) - 1, &total)) total = 0;  // refused later
    total = std::max<std::int64_t>(total, 0);
    padding.push_back(total / 2);
    behind.insert(behind.begin(), {0, total % 2});
    odd = odd || total % 2 != 0;
  }
  if (padding.empty()) return Shape::filled(dims, 0);  // a weight that is refused later
  if (odd) x = pad(x, behind);
  return padding;
}

Tensor conv(int dims, const Tensor& given, const Tensor& weight, const Tensor& bias, const ConvOptions& o) {
  const char* operation = conv_names[dims - 1];
  Tensor x = given;
  const Shape padding = resolve_padding(operation, dims, x, weight, o);
  const Conv c = describe_forward({operation,
                                   x,
                                   weight,
                                   bias,
                                   ops::for_each_dim(operation, "stride", o.stride, dims),
                                   padding,
                                   ops::for_each_dim(operation, "dilation", o.dilation, dims),
                                   o.groups,
                                   {}});
  Tensor y = run_forward(c, x, weight, bias);
  if (!recording(x, weight, bias)) return y;
  return record(
      "conv", y, {&x, &weight, &bias},
      [c, x = Saved(x), w = Saved(weight)](const Node& node, const Tensor& grad) -> std::array<Tensor, 3> {
        std::array<Tensor, 3> grads;
        if (node.needs(0)) grads[0] = backward_input(c, grad, w.get(node));
        if (node.needs(1) && node.needs(2) && !autograd::grad_enabled()) {
          auto both = backward_weight_and_bias(c, x.get(node), grad);
          grads[1] = std::move(both[0]);
          grads[2] = std::move(both[1]);
          return grads;
        }
        if (node.needs(1)) grads[1] = backward_weight(c, x.get(node), grad);
        if (node.needs(2)) grads[2] = backward_bias(grad);
        return grads;
      });
}

Tensor conv_transpose(int dims, const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const ConvTransposeOptions& o) {
  const char* operation = transpose_names[dims - 1];
  const auto each = [&](const char* what, const Shape& sizes) {
    return ops::for_each_dim(operation, what, sizes, dims);
  };
  const Conv c =
      describe_transposed({operation, x, weight, bias, each("stride", o.stride), each("padding", o.padding),
                           each("dilation", o.dilation), o.groups, each("output_padding", o.output_padding)});
  Tensor y = backward_input(c, x, weight);
  if (!bias.defined()) return y;
  Shape column = Shape::filled(dims + 1, 1);
  column[0] = bias.numel();
  return add(std::move(y), bias.view(column));
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(conv1d, x, weight, bias, options);
  return convolve(conv_names[0], 1, x, weight, bias,
                  [&](const auto&... operands) { return conv(1, operands..., options); });
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(conv2d, x, weight, bias, options);
  return convolve(conv_names[1], 2, x, weight, bias,
                  [&](const auto&... operands) { return conv(2, operands..., options); });
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(conv3d, x, weight, bias, options);
  return convolve(conv_names[2], 3, x, weight, bias,
                  [&](const auto&... operands) { return conv(3, operands..., options); });
}
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(conv_transpose1d, x, weight, bias, options);
  return convolve(transpose_names[0], 1, x, weight, bias,
                  [&](const auto&... operands) { return conv_transpose(1, operands..., options); });
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(conv_transpose2d, x, weight, bias, options);
  return convolve(transpose_names[1], 2, x, weight, bias,
                  [&](const auto&... operands) { return conv_transpose(2, operands..., options); });
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<bf16>(conv_transpose3d, x, weight, bias, options);
  return convolve(transpose_names[2], 3, x, weight, bias,
                  [&](const auto&... operands) { return conv_transpose(3, operands..., options); });
}

}  // namespace mica
