#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/pool.h>
#include <mica/ops/detail.h>
#include <mica/ops/pool.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Layout;
using kernels::Pool2d;

namespace {

struct Window {
  IntPair kernel, stride, padding, dilation;
  bool ceil_mode;
};

std::int64_t pooled_size(std::int64_t n, std::int64_t k, std::int64_t stride, std::int64_t pad,
                         std::int64_t dilation, bool ceil_mode) {
  const std::int64_t span = n + 2 * pad - dilation * (k - 1) - 1;
  if (span < 0) return 0;
  std::int64_t out = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= n + pad)
    --out;  // the last window must start inside the input or left padding
  return out;
}

Pool2d describe(const char* operation, const Tensor& x, const Window& w) {
  const auto fail = [&](const std::string& what, const char* hint = "") {
    throw Error(operation,
                fmt::format("{} (input {}, kernel {}, stride {}, padding {}, dilation {})", what,
                            to_string(x.sizes()), to_string(w.kernel), to_string(w.stride),
                            to_string(w.padding), to_string(w.dilation)),
                hint);
  };
  if (x.dim() != 4)
    fail(fmt::format("expected an input of 3 or 4 dimensions, got {}", x.dim()), "(N, C, H, W) or (C, H, W)");
  if (w.kernel.h < 1 || w.kernel.w < 1) fail("the kernel must be at least 1");
  if (w.stride.h < 1 || w.stride.w < 1 || w.dilation.h < 1 || w.dilation.w < 1)
    fail("stride and dilation must be at least 1");
  if (w.padding.h < 0 || w.padding.w < 0) fail("padding must not be negative");
  if (w.padding.h > w.kernel.h / 2 || w.padding.w > w.kernel.w / 2)
    fail("padding is more than half the kernel");
  for (const IntPair& size : {w.kernel, w.stride, w.dilation})
    if (!size.fits_int32()) fail("a kernel, stride or dilation is 2^31 or more");
  const Shape& s = x.sizes();
  Pool2d p{.dtype = x.dtype(),
           .batch = s[0],
           .channels = s[1],
           .in_h = s[2],
           .in_w = s[3],
           .out_h = pooled_size(s[2], w.kernel.h, w.stride.h, w.padding.h, w.dilation.h, w.ceil_mode),
           .out_w = pooled_size(s[3], w.kernel.w, w.stride.w, w.padding.w, w.dilation.w, w.ceil_mode),
           .kernel_h = w.kernel.h,
           .kernel_w = w.kernel.w,
           .stride_h = w.stride.h,
           .stride_w = w.stride.w,
           .pad_h = w.padding.h,
           .pad_w = w.padding.w,
           .dilation_h = w.dilation.h,
           .dilation_w = w.dilation.w};
  if (p.out_h < 1 || p.out_w < 1) fail("the window is larger than the padded input");
  p.layout = !x.is_contiguous() && ops::is_channels_last(x) ? Layout::channels_last : Layout::channels_first;
  return p;
}

Shape in_sizes(const Pool2d& p) { return {p.batch, p.channels, p.in_h, p.in_w}; }
Shape out_sizes(const Pool2d& p) { return {p.batch, p.channels, p.out_h, p.out_w}; }

// Reads the input's positions that max pooling picked: the derivative of max_pool2d_backward.
Tensor pick(const Pool2d& p, const Tensor& x, const Tensor& indices);

Tensor max_backward(const Pool2d& p, const Tensor& grad, const Tensor& indices) {
  const Tensor g = ops::arranged(grad, p.layout);
  Tensor grad_x = ops::empty_arranged(in_sizes(p), p.dtype, p.layout);
  kernels::max_pool2d_backward(p, g.raw_data(), static_cast<const std::int32_t*>(indices.raw_data()),
                               grad_x.raw_data());
  if (!recording(grad)) return grad_x;
  return record("max_pool2d_backward", grad_x, {&grad},
                [p, indices](const Node&, const Tensor& gg) { return pick(p, gg, indices); });
}

Tensor pick(const Pool2d& p, const Tensor& x, const Tensor& indices) {
  const Tensor input = x.detach().contiguous();
  const Tensor at = indices.contiguous();
  Tensor y = empty(out_sizes(p), p.dtype);
  const std::int64_t plane_in = p.in_h * p.in_w;
  const std::int64_t plane_out = p.out_h * p.out_w;
  const auto gather = [&]<class T>() {
    const auto from = input.data<T>();
    const auto where = at.data<std::int32_t>();
    const auto to = y.data<T>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const auto plane = static_cast<std::int64_t>(i) / plane_out;
      to[i] = from[static_cast<std::size_t>(plane * plane_in + where[i])];
    }
  };
  if (p.dtype == f64)
    gather.operator()<double>();
  else
    gather.operator()<float>();
  if (!recording(x)) return y;
  return record("max_pool2d_pick", y, {&x},
                [p, indices](const Node&, const Tensor& grad) { return max_backward(p, grad, indices); });
}

Tensor avg_forward(const Pool2d& p, const Tensor& x);

Tensor avg_backward(const Pool2d& p, const Tensor& grad) {
  const Tensor g = ops::arranged(grad, p.layout);
  Tensor grad_x = ops::empty_arranged(in_sizes(p), p.dtype, p.layout);
  kernels::avg_pool2d_backward(p, g.raw_data(), grad_x.raw_data());
  if (!recording(grad)) return grad_x;
  return record("avg_pool2d_backward", grad_x, {&grad},
                [p](const Node&, const Tensor& gg) { return avg_forward(p, gg); });
}

Tensor avg_forward(const Pool2d& p, const Tensor& x) {
  const Tensor input = ops::arranged(x, p.layout);
  Tensor y = ops::empty_arranged(out_sizes(p), p.dtype, p.layout);
  kernels::avg_pool2d(p, input.raw_data(), y.raw_data());
  if (!recording(x)) return y;
  return record("avg_pool2d", y, {&x},
                [p](const Node&, const Tensor& grad) { return avg_backward(p, grad); });
}

}  // namespace

Tensor max_pool2d(const Tensor& x, IntPair kernel_size, const MaxPool2dOptions& o) {
  if (x.dim() == 3) return max_pool2d(x.unsqueeze(0), kernel_size, o).squeeze(0);
  ops::check_floating("max_pool2d", x);
  if (ops::compute_type(x.dtype()) != x.dtype()) return max_pool2d(x.to(f32), kernel_size, o).to(x.dtype());
  const Pool2d p = describe(
      "max_pool2d", x, {kernel_size, o.stride.value_or(kernel_size), o.padding, o.dilation, o.ceil_mode});
  const Tensor input = ops::arranged(x, p.layout);
  Tensor y = ops::empty_arranged(out_sizes(p), p.dtype, p.layout);
  const bool tracked = recording(x);
  const Tensor indices = tracked ? ops::empty_arranged(out_sizes(p), i32, p.layout) : Tensor();
  kernels::max_pool2d(p, input.raw_data(), y.raw_data(),
                      tracked ? static_cast<std::int32_t*>(indices.raw_data()) : nullptr);
  if (!tracked) return y;
  return record("max_pool2d", y, {&x},
                [p, indices](const Node&, const Tensor& grad) { return max_backward(p, grad, indices); });
}

Tensor avg_pool2d(const Tensor& x, IntPair kernel_size, const AvgPool2dOptions& o) {
  if (x.dim() == 3) return avg_pool2d(x.unsqueeze(0), kernel_size, o).squeeze(0);
  ops::check_floating("avg_pool2d", x);
  if (ops::compute_type(x.dtype()) != x.dtype()) return avg_pool2d(x.to(f32), kernel_size, o).to(x.dtype());
  if (o.divisor_override && *o.divisor_override == 0)
    throw Error("avg_pool2d", "divisor_override must not be 0");
  Pool2d p =
      describe("avg_pool2d", x, {kernel_size, o.stride.value_or(kernel_size), o.padding, 1, o.ceil_mode});
  p.count_include_pad = o.count_include_pad;
  p.divisor_override = o.divisor_override.value_or(0);
  return avg_forward(p, x);
}

}  // namespace mica
