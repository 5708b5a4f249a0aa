#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/conv.h>
#include <mica/ops/conv.h>
#include <mica/ops/detail.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Layout;

std::string to_string(const IntPair& pair) { return fmt::format("({}, {})", pair.h, pair.w); }

namespace {

// The three products of a convolution; each is differentiable in its two arguments through the other two.
Tensor forward(const kernels::Conv2d& c, const Tensor& x, const Tensor& weight);
Tensor backward_input(const kernels::Conv2d& c, const Tensor& grad, const Tensor& weight);
Tensor backward_weight(const kernels::Conv2d& c, const Tensor& x, const Tensor& grad);

// oneDNN is fastest with channels last; the plain loops of f64 walk row-major memory.
Layout layout_of(DType dtype) { return dtype == f32 ? Layout::channels_last : Layout::channels_first; }
Shape x_sizes(const kernels::Conv2d& c) { return {c.batch, c.in_channels, c.in_h, c.in_w}; }
Shape y_sizes(const kernels::Conv2d& c) { return {c.batch, c.out_channels, c.out_h, c.out_w}; }
Shape weight_sizes(const kernels::Conv2d& c) {
  return {c.out_channels, c.in_channels / c.groups, c.kernel_h, c.kernel_w};
}

Tensor run_forward(const kernels::Conv2d& c, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor input = ops::arranged(x, c.x_layout);
  const Tensor w = weight.detach().contiguous();
  const Tensor b = bias.defined() ? bias.detach().contiguous() : Tensor();
  Tensor y = ops::empty_arranged(y_sizes(c), c.dtype, c.y_layout);
  kernels::conv2d(c, input.raw_data(), w.raw_data(), b.defined() ? b.raw_data() : nullptr, y.raw_data());
  return y;
}

Tensor forward(const kernels::Conv2d& c, const Tensor& x, const Tensor& weight) {
  Tensor y = run_forward(c, x, weight, {});
  if (!recording(x, weight)) return y;
  return record(
      "conv2d", y, {&x, &weight},
      [c, x = Saved(x), w = Saved(weight)](const Node& node, const Tensor& grad) -> std::array<Tensor, 2> {
        return {node.needs(0) ? backward_input(c, grad, w.get(node)) : Tensor(),
                node.needs(1) ? backward_weight(c, x.get(node), grad) : Tensor()};
      });
}

Tensor backward_input(const kernels::Conv2d& c, const Tensor& grad, const Tensor& weight) {
  const Tensor g = ops::arranged(grad, c.y_layout);
  const Tensor w = weight.detach().contiguous();
  Tensor grad_x = ops::empty_arranged(x_sizes(c), c.dtype, c.x_layout);
  kernels::conv2d_backward_input(c, g.raw_data(), w.raw_data(), grad_x.raw_data());
  if (!recording(grad, weight)) return grad_x;
  return record(
      "conv2d_backward_input", grad_x, {&grad, &weight},
      [c, g = Saved(grad), w = Saved(weight)](const Node& node, const Tensor& gg) -> std::array<Tensor, 2> {
        return {node.needs(0) ? forward(c, gg, w.get(node)) : Tensor(),
                node.needs(1) ? backward_weight(c, gg, g.get(node)) : Tensor()};
      });
}

Tensor backward_weight(const kernels::Conv2d& c, const Tensor& x, const Tensor& grad) {
  const Tensor input = ops::arranged(x, c.x_layout);
  const Tensor g = ops::arranged(grad, c.y_layout);
  Tensor grad_weight = empty(weight_sizes(c), c.dtype);
  kernels::conv2d_backward_weight(c, input.raw_data(), g.raw_data(), grad_weight.raw_data(), nullptr);
  if (!recording(x, grad)) return grad_weight;
  return record(
      "conv2d_backward_weight", grad_weight, {&x, &grad},
      [c, x = Saved(x), g = Saved(grad)](const Node& node, const Tensor& gg) -> std::array<Tensor, 2> {
        return {node.needs(0) ? backward_input(c, g.get(node), gg) : Tensor(),
                node.needs(1) ? forward(c, x.get(node), gg) : Tensor()};
      });
}

// The gradients of weight and bias from one pass over x and grad, when nobody asks for second derivatives.
std::array<Tensor, 2> backward_weight_and_bias(const kernels::Conv2d& c, const Tensor& x,
                                               const Tensor& grad) {
  const Tensor input = ops::arranged(x, c.x_layout);
  const Tensor g = ops::arranged(grad, c.y_layout);
  std::array<Tensor, 2> grads{empty(weight_sizes(c), c.dtype), empty(Shape(c.out_channels), c.dtype)};
  kernels::conv2d_backward_weight(c, input.raw_data(), g.raw_data(), grads[0].raw_data(),
                                  grads[1].raw_data());
  return grads;
}

kernels::Conv2d describe(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& o) {
  const auto fail = [&](const std::string& what, const char* hint = "") {
    throw Error("conv2d",
                fmt::format("{} (input {}, weight {}, stride {}, padding {}, dilation {}, groups {})", what,
                            to_string(x.sizes()), to_string(weight.sizes()), to_string(o.stride),
                            to_string(o.padding), to_string(o.dilation), o.groups),
                hint);
  };
  if (x.dim() != 4)
    fail(fmt::format("expected an input of 3 or 4 dimensions, got {}", x.dim()), "(N, C, H, W) or (C, H, W)");
  if (weight.dim() != 4) fail(fmt::format("expected a weight of 4 dimensions, got {}", weight.dim()));
  if (o.stride.h < 1 || o.stride.w < 1 || o.dilation.h < 1 || o.dilation.w < 1)
    fail("stride and dilation must be at least 1");
  if (o.padding.h < 0 || o.padding.w < 0) fail("padding must not be negative");
  if (o.groups < 1) fail("groups must be at least 1");
  const Shape& xs = x.sizes();
  const Shape& ws = weight.sizes();
  for (const IntPair& size : {o.stride, o.padding, o.dilation, IntPair(ws[2], ws[3])})
    if (!size.fits_int32()) fail("a kernel, stride, padding or dilation is 2^31 or more");
  if (xs[1] % o.groups != 0 || ws[1] != xs[1] / o.groups) {
    fail(fmt::format("input has {} channels, weight expects {}{}", xs[1], ws[1],
                     o.groups == 1 ? "" : fmt::format(" for each of {} groups", o.groups)));
  }
  if (ws[0] % o.groups != 0) fail(fmt::format("{} output channels are not divisible by groups", ws[0]));
  if (bias.defined() && bias.sizes() != Shape(ws[0])) {
    fail(fmt::format("bias of shape {} for {} output channels", to_string(bias.sizes()), ws[0]));
  }
  const auto length = [](std::int64_t n, std::int64_t k, std::int64_t s, std::int64_t p, std::int64_t d) {
    const std::int64_t span = n + 2 * p - d * (k - 1) - 1;
    return span < 0 ? 0 : span / s + 1;
  };
  const std::int64_t out_h = length(xs[2], ws[2], o.stride.h, o.padding.h, o.dilation.h);
  const std::int64_t out_w = length(xs[3], ws[3], o.stride.w, o.padding.w, o.dilation.w);
  if (out_h < 1 || out_w < 1 || ws[2] < 1 || ws[3] < 1) fail("the kernel is larger than the padded input");
  const Layout layout = layout_of(x.dtype());
  return {.dtype = x.dtype(),
          .x_layout = layout,
          .y_layout = layout,
          .batch = xs[0],
          .in_channels = xs[1],
          .out_channels = ws[0],
          .groups = o.groups,
          .in_h = xs[2],
          .in_w = xs[3],
          .kernel_h = ws[2],
          .kernel_w = ws[3],
          .out_h = out_h,
          .out_w = out_w,
          .stride_h = o.stride.h,
          .stride_w = o.stride.w,
          .pad_h = o.padding.h,
          .pad_w = o.padding.w,
          .dilation_h = o.dilation.h,
          .dilation_w = o.dilation.w};
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  if (x.dim() == 3) return conv2d(x.unsqueeze(0), weight, bias, options).squeeze(0);
  ops::check_floating("conv2d", x);
  ops::check_same_dtype("conv2d", x, "the input", weight, "the weight");
  if (bias.defined()) ops::check_same_dtype("conv2d", bias, "the bias", weight, "the weight");
  if (ops::compute_type(x.dtype()) != x.dtype()) {
    return conv2d(x.to(f32), weight.to(f32), bias.defined() ? bias.to(f32) : bias, options).to(x.dtype());
  }
  const kernels::Conv2d c = describe(x, weight, bias, options);
  Tensor y = run_forward(c, x, weight, bias);
  if (!recording(x, weight, bias)) return y;
  return record(
      "conv2d", y, {&x, &weight, &bias},
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
        if (node.needs(2)) grads[2] = grad.sum({0, 2, 3});
        return grads;
      });
}

}  // namespace mica
