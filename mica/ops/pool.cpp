#include <algorithm>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/pool.h>
#include <mica/ops/activation.h>
#include <mica/ops/autocast.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/pool.h>
#include <mica/ops/pooled.h>
#include <mica/ops/rounding.h>
#include <mica/ops/sizes.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Layout;
using kernels::Pool2d;

namespace {

constexpr const char* max_names[] = {"max_pool1d", "max_pool2d", "max_pool3d"};
constexpr const char* avg_names[] = {"avg_pool1d", "avg_pool2d", "avg_pool3d"};
constexpr const char* lp_names[] = {"lp_pool1d", "lp_pool2d", "lp_pool3d"};

// ---- planes: what the kernels do ----

// How a window moves along one dimension. By default it is one element and leaves the dimension alone.
struct Axis {
  std::int64_t in, out, kernel = 1, stride = 1, pad = 0, dilation = 1;
};

Pool2d describe(const Tensor& x, const Axis& h, const Axis& w) {
  const bool last = !x.is_contiguous() && ops::is_channels_last(x);
  return {.dtype = x.dtype(),
          .layout = last ? Layout::channels_last : Layout::channels_first,
          .batch = x.size(0),
          .channels = x.size(1),
          .in_h = h.in,
          .in_w = w.in,
          .out_h = h.out,
          .out_w = w.out,
          .kernel_h = h.kernel,
          .kernel_w = w.kernel,
          .stride_h = h.stride,
          .stride_w = w.stride,
          .pad_h = h.pad,
          .pad_w = w.pad,
          .dilation_h = h.dilation,
          .dilation_w = w.dilation};
}

Shape in_sizes(const Pool2d& p) { return {p.batch, p.channels, p.in_h, p.in_w}; }
Shape out_sizes(const Pool2d& p) { return {p.batch, p.channels, p.out_h, p.out_w}; }

// Reads the input's positions that max pooling picked: the derivative of max_backward.
Tensor pick(const Pool2d& p, const Tensor& x, const Tensor& indices);

Tensor max_backward(const Pool2d& p, const Tensor& grad, const Tensor& indices) {
  const Tensor g = ops::arranged(grad, p.layout);
  Tensor grad_x = ops::empty_arranged(in_sizes(p), p.dtype, p.layout);
  kernels::max_pool2d_backward(p, g.raw_data(), static_cast<const std::int32_t*>(indices.raw_data()),
                               grad_x.raw_data());
  if (!recording(grad)) return grad_x;
  return record("max_pool_backward", grad_x, {&grad},
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
      to[i] = where[i] < 0 ? T(0) : from[static_cast<std::size_t>(plane * plane_in + where[i])];
    }
  };
  if (p.dtype == f64)
    gather.operator()<double>();
  else
    gather.operator()<float>();
  if (!recording(x)) return y;
  return record("max_pool_pick", y, {&x},
                [p, indices](const Node&, const Tensor& grad) { return max_backward(p, grad, indices); });
}

struct Pooled {
  Tensor values, indices;  // indices: i32, undefined if nobody needs them
};

Pooled max_planes(const char* name, const Tensor& x, const Axis& h, const Axis& w, bool wants_indices) {
  const Pool2d p = describe(x, h, w);
  if (p.in_h > INT32_MAX / std::max<std::int64_t>(p.in_w, 1)) {
    throw Error(name,
                fmt::format("planes of {} x {} elements (input {})", p.in_h, p.in_w, to_string(x.sizes())),
                "positions are counted up to 2^31");
  }
  const Tensor input = ops::arranged(x, p.layout);
  Tensor y = ops::empty_arranged(out_sizes(p), p.dtype, p.layout);
  const bool tracked = recording(x);
  const bool indexed = tracked || wants_indices;
  const Tensor indices = indexed ? ops::empty_arranged(out_sizes(p), i32, p.layout) : Tensor();
  kernels::max_pool2d(p, input.raw_data(), y.raw_data(),
                      indexed ? static_cast<std::int32_t*>(indices.raw_data()) : nullptr);
  if (!tracked) return {y, indices};
  y = record("max_pool", y, {&x},
             [p, indices](const Node&, const Tensor& grad) { return max_backward(p, grad, indices); });
  return {y, indices};
}

Tensor avg_forward(const Pool2d& p, const Tensor& x);

Tensor avg_backward(const Pool2d& p, const Tensor& grad) {
  const Tensor g = ops::arranged(grad, p.layout);
  Tensor grad_x = ops::empty_arranged(in_sizes(p), p.dtype, p.layout);
  kernels::avg_pool2d_backward(p, g.raw_data(), grad_x.raw_data());
  if (!recording(grad)) return grad_x;
  return record("avg_pool_backward", grad_x, {&grad},
                [p](const Node&, const Tensor& gg) { return avg_forward(p, gg); });
}

Tensor avg_forward(const Pool2d& p, const Tensor& x) {
  const Tensor input = ops::arranged(x, p.layout);
  Tensor y = ops::empty_arranged(out_sizes(p), p.dtype, p.layout);
  kernels::avg_pool2d(p, input.raw_data(), y.raw_data());
  if (!recording(x)) return y;
  return record("avg_pool", y, {&x}, [p](const Node&, const Tensor& grad) { return avg_backward(p, grad); });
}

// ---- calls, of any number of dimensions ----

// Sizes are one for each dimension.
struct Call {
  const char* operation;
  const Tensor& x;
  Shape kernel, stride, padding, dilation;
  bool ceil_mode;
};

Call make_call(const char* operation, int dims, const Tensor& x, const Shape& kernel, const Shape& stride,
               const Shape& padding, const Shape& dilation, bool ceil_mode) {
  const auto each = [&](const char* what, const Shape& sizes) {
    return ops::for_each_dim(operation, what, sizes, dims);
  };
  return {operation,
          x,
          each("kernel_size", kernel),
          each("stride", stride.empty() ? kernel : stride),
          each("padding", padding),
          each("dilation", dilation),
          ceil_mode};
}

std::int64_t pooled_size(std::int64_t n, std::int64_t k, std::int64_t stride, std::int64_t pad,
                         std::int64_t dilation, bool ceil_mode) {
  const std::int64_t span = n + 2 * pad - dilation * (k - 1) - 1;
  if (span < 0) return 0;
  std::int64_t out = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= n + pad)
    --out;  // the last window must start inside the input or left padding
  return out;
}

// The window along dimension d of the last ones.
Axis axis(const Call& call, int d) {
  const auto fail = [&](const std::string& what) {
    throw Error(call.operation,
                fmt::format("{} (input {}, kernel {}, stride {}, padding {}, dilation {})", what,
                            to_string(call.x.sizes()), to_string(call.kernel), to_string(call.stride),
                            to_string(call.padding), to_string(call.dilation)));
  };
  Axis a{.in = call.x.size(d + 2),
         .out = 0,
         .kernel = call.kernel[d],
         .stride = call.stride[d],
         .pad = call.padding[d],
         .dilation = call.dilation[d]};
  if (a.kernel < 1) fail("the kernel must be at least 1");
  if (a.stride < 1 || a.dilation < 1) fail("stride and dilation must be at least 1");
  if (a.pad < 0) fail("padding must not be negative");
  if (a.pad > a.kernel / 2) fail("padding is more than half the kernel");
  for (const std::int64_t size : {a.kernel, a.stride, a.dilation})
    if (size > INT32_MAX) fail("a kernel, stride or dilation is 2^31 or more");
  a.out = pooled_size(a.in, a.kernel, a.stride, a.pad, a.dilation, call.ceil_mode);
  if (a.out < 1) fail("the window is larger than the padded input");
  return a;
}

ValuesIndices max_pool(int dims, const Tensor& given, const Shape& kernel, const MaxPoolOptions& o,
                       bool wants_indices) {
  const char* name = max_names[dims - 1];
  return ops::pooled(name, dims, given, [&](const Tensor& x) -> ValuesIndices {
    const Call call = make_call(name, dims, x, kernel, o.stride, o.padding, o.dilation, o.ceil_mode);
    const auto positions = [](const Tensor& i) { return i.defined() ? i.to(i64) : i; };
    if (dims == 1) {
      const auto [y, at] =
          max_planes(name, x.unsqueeze(2), {.in = 1, .out = 1}, axis(call, 0), wants_indices);
      return {y.squeeze(2), wants_indices ? positions(at.squeeze(2)) : at};
    }
    if (dims == 2) {
      const auto [y, at] = max_planes(name, x, axis(call, 0), axis(call, 1), wants_indices);
      return {y, wants_indices ? positions(at) : at};
    }
    // The maximum of a box is that over its depth of the maxima of planes, the first one of equals included.
    const Axis d = axis(call, 0), h = axis(call, 1), w = axis(call, 2);
    const std::int64_t n = x.size(0), c = x.size(1), plane = h.out * w.out;
    const auto [planes, in_plane] = max_planes(name, x.flatten(1, 2), h, w, wants_indices);
    const auto [y, deep] =
        max_planes(name, planes.reshape({n, c, d.in, plane}), d, {.in = plane, .out = plane}, wants_indices);
    const Shape sizes = {n, c, d.out, h.out, w.out};
    if (!wants_indices) return {y.reshape(sizes), {}};
    const Tensor depth = div(positions(deep), plane, Rounding::floor).clamp(0, {});
    const Tensor at = positions(in_plane).reshape({n, c, d.in, plane}).gather(2, depth);
    return {y.reshape(sizes), (at + depth * (h.in * w.in)).reshape(sizes)};
  });
}

Tensor avg_pool(int dims, const Tensor& given, const Shape& kernel, const AvgPoolOptions& o) {
  const char* name = avg_names[dims - 1];
  if (o.divisor_override && *o.divisor_override == 0) throw Error(name, "divisor_override must not be 0");
  const auto run = [&](const Tensor& x) -> ValuesIndices {
    const Call call = make_call(name, dims, x, kernel, o.stride, o.padding, 1, o.ceil_mode);
    const auto planes = [&](const Tensor& input, const Axis& h, const Axis& w, std::int64_t divisor) {
      Pool2d p = describe(input, h, w);
      p.count_include_pad = o.count_include_pad;
      p.divisor_override = divisor;
      return avg_forward(p, input);
    };
    const std::int64_t divisor = o.divisor_override.value_or(0);
    if (dims == 1)
      return {planes(x.unsqueeze(2), {.in = 1, .out = 1}, axis(call, 0), divisor).squeeze(2), {}};
    if (dims == 2) return {planes(x, axis(call, 0), axis(call, 1), divisor), {}};
    // The mean of a box is that over its depth of the means of planes.
    const Axis d = axis(call, 0), h = axis(call, 1), w = axis(call, 2);
    const std::int64_t n = x.size(0), c = x.size(1), plane = h.out * w.out;
    const Tensor y = planes(x.flatten(1, 2), h, w, divisor == 0 ? 0 : 1);
    return {planes(y.reshape({n, c, d.in, plane}), d, {.in = plane, .out = plane}, divisor)
                .reshape({n, c, d.out, h.out, w.out}),
            {}};
  };
  return ops::pooled(name, dims, given, run).values;
}

Tensor lp_pool(int dims, const Tensor& x, double p, const Shape& kernel, const LPPoolOptions& o) {
  const Shape each = ops::for_each_dim(lp_names[dims - 1], "kernel_size", kernel, dims);
  const Tensor mean = avg_pool(dims, x.pow(p), each, {.stride = o.stride, .ceil_mode = o.ceil_mode});
  return pow(mul(sign(mean) * relu(abs(mean)), each.numel()), 1 / p);
}

}  // namespace

ValuesIndices ops::pooled(const char* operation, int dims, const Tensor& x,
                          FunctionRef<ValuesIndices(const Tensor&)> run) {
  ops::check_floating(operation, x);
  if (x.dim() == dims + 1) {
    const auto [y, at] = pooled(operation, dims, x.unsqueeze(0), run);
    return {y.squeeze(0), at.defined() ? at.squeeze(0) : at};
  }
  if (x.dim() != dims + 2) {
    throw Error(operation,
                fmt::format("expected an input of {} or {} dimensions, got {} (input {})", dims + 1, dims + 2,
                            x.dim(), to_string(x.sizes())),
                "(N, C, ...) or (C, ...)");
  }
  if (ops::compute_type(x.dtype()) == x.dtype()) return run(x);
  const auto [y, at] = run(x.to(f32));
  return {y.to(x.dtype()), at};
}

Tensor max_pool1d(const Tensor& x, const Shape& kernel_size, const MaxPoolOptions& options) {
  return max_pool(1, x, kernel_size, options, false).values;
}
ValuesIndices max_pool1d_with_indices(const Tensor& x, const Shape& kernel_size,
                                      const MaxPoolOptions& options) {
  return max_pool(1, x, kernel_size, options, true);
}
Tensor avg_pool1d(const Tensor& x, const Shape& kernel_size, const AvgPoolOptions& options) {
  return avg_pool(1, x, kernel_size, options);
}
Tensor lp_pool1d(const Tensor& x, double norm_type, const Shape& kernel_size, const LPPoolOptions& options) {
  return lp_pool(1, x, norm_type, kernel_size, options);
}
Tensor max_pool2d(const Tensor& x, const Shape& kernel_size, const MaxPoolOptions& options) {
  return max_pool(2, x, kernel_size, options, false).values;
}
ValuesIndices max_pool2d_with_indices(const Tensor& x, const Shape& kernel_size,
                                      const MaxPoolOptions& options) {
  return max_pool(2, x, kernel_size, options, true);
}
Tensor avg_pool2d(const Tensor& x, const Shape& kernel_size, const AvgPoolOptions& options) {
  return avg_pool(2, x, kernel_size, options);
}
Tensor lp_pool2d(const Tensor& x, double norm_type, const Shape& kernel_size, const LPPoolOptions& options) {
  return lp_pool(2, x, norm_type, kernel_size, options);
}
Tensor max_pool3d(const Tensor& x, const Shape& kernel_size, const MaxPoolOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(max_pool3d, x, kernel_size, options);
  return max_pool(3, x, kernel_size, options, false).values;
}
ValuesIndices max_pool3d_with_indices(const Tensor& x, const Shape& kernel_size,
                                      const MaxPoolOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(max_pool3d_with_indices, x, kernel_size, options);
  return max_pool(3, x, kernel_size, options, true);
}
Tensor avg_pool3d(const Tensor& x, const Shape& kernel_size, const AvgPoolOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(avg_pool3d, x, kernel_size, options);
  return avg_pool(3, x, kernel_size, options);
}
Tensor lp_pool3d(const Tensor& x, double norm_type, const Shape& kernel_size, const LPPoolOptions& options) {
  return lp_pool(3, x, norm_type, kernel_size, options);
}

}  // namespace mica
