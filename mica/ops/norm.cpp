#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/norm.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/norm.h>
#include <mica/ops/norm_backward.h>
#include <mica/ops/pointwise.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::BatchNormShape;
using kernels::Layout;
using Triple = std::array<Tensor, 3>;

namespace {

void* data_or_null(const Tensor& x) { return x.defined() ? x.raw_data() : nullptr; }
Tensor dense_or_undefined(const Tensor& x) { return x.defined() ? x.detach().contiguous() : Tensor(); }
Tensor if_needed(bool needed, const Tensor& like) {
  return needed ? empty(like.sizes(), like.dtype()) : Tensor();
}

void check_vector(const char* operation, const char* what, const Tensor& v, const Shape& sizes, DType dtype) {
  if (!v.defined() || (v.sizes() == sizes && v.dtype() == dtype)) return;
  throw Error(operation, fmt::format("{} is {} {}, expected {} {}", what, name(v.dtype()),
                                     to_string(v.sizes()), name(dtype), to_string(sizes)));
}

}  // namespace

std::array<Tensor, 3> ops::normalize_backward(const Tensor& x, const Tensor& weight, const Tensor& grad,
                                              const Shape& dims, double eps) {
  const Tensor centered = x - x.mean(dims, true);
  const Tensor rstd = rsqrt(square(centered).mean(dims, true) + eps);
  const Tensor xhat = centered * rstd;
  const Tensor h = weight.defined() ? grad * weight : grad;
  const Tensor grad_x = rstd * (h - h.mean(dims, true) - xhat * (h * xhat).mean(dims, true));
  return {grad_x, grad * xhat, grad};  // the engine sums the last two to the shape of weight and bias
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  ops::check_floating("layer_norm", x);
  const int kept = x.sizes().size() - normalized_shape.size();
  bool fits = kept >= 0 && !normalized_shape.empty();
  for (int i = 0; fits && i < normalized_shape.size(); ++i) fits = x.sizes()[kept + i] == normalized_shape[i];
  if (!fits) {
    throw Error("layer_norm", fmt::format("input of shape {} does not end with the normalized shape {}",
                                          to_string(x.sizes()), to_string(normalized_shape)));
  }
  for (const auto& [what, vector] : {std::pair("weight", &weight), std::pair("bias", &bias)}) {
    // bf16 and f16 inputs may have f32 ones, as in mixed precision.
    const bool is_wide = vector->defined() && vector->dtype() == ops::compute_type(x.dtype());
    check_vector("layer_norm", what, *vector, normalized_shape, is_wide ? vector->dtype() : x.dtype());
  }
  if (ops::compute_type(x.dtype()) != x.dtype()) {
    const auto wide = [](const Tensor& v) { return v.defined() ? v.to(f32) : v; };
    return layer_norm(x.to(f32), normalized_shape, wide(weight), wide(bias), eps).to(x.dtype());
  }
  const std::int64_t n = normalized_shape.numel();
  const std::int64_t rows =
      Shape(std::span<const std::int64_t>(x.sizes().begin(), static_cast<std::size_t>(kept))).numel();

  const Tensor input = x.contiguous();
  const Tensor gamma = dense_or_undefined(weight);
  const Tensor beta = dense_or_undefined(bias);
  Tensor y = empty(x.sizes(), x.dtype());
  const Tensor mean = empty(Shape(rows), x.dtype());
  const Tensor rstd = empty(Shape(rows), x.dtype());
  kernels::layer_norm(x.dtype(), rows, n, input.raw_data(), data_or_null(gamma), data_or_null(beta), eps,
                      y.raw_data(), mean.raw_data(), rstd.raw_data());
  if (!recording(input, weight, bias)) return y;
  return record(
      "layer_norm", y, {&input, &weight, &bias},
      [rows, n, eps, mean, rstd, rank = normalized_shape.size(), x = Saved(input), w = Saved(weight)](
          const Node& node, const Tensor& grad) -> Triple {
        const Tensor input = x.get(node);
        const Tensor weight = w.get(node);
        if (autograd::grad_enabled()) {
          Shape dims;
          for (int i = rank; i > 0; --i) dims.push_back(-i);
          return ops::normalize_backward(input, weight, grad, dims, eps);
        }
        const Tensor g = grad.contiguous();
        const Tensor gamma = dense_or_undefined(weight);
        const Shape own(
            std::span<const std::int64_t>(input.sizes().end() - rank, static_cast<std::size_t>(rank)));
        Triple grads{if_needed(node.needs(0), input), node.needs(1) ? empty(own, input.dtype()) : Tensor(),
                     node.needs(2) ? empty(own, input.dtype()) : Tensor()};
        kernels::layer_norm_backward(input.dtype(), rows, n, g.raw_data(), input.raw_data(),
                                     data_or_null(gamma), mean.raw_data(), rstd.raw_data(),
                                     data_or_null(grads[0]), data_or_null(grads[1]), data_or_null(grads[2]));
        return grads;
      });
}

namespace {

BatchNormShape describe(const Tensor& x) {
  const Shape& s = x.sizes();
  BatchNormShape out{.dtype = x.dtype(), .batch = s[0], .channels = s[1], .spatial = 1};
  for (int i = 2; i < s.size(); ++i) out.spatial *= s[i];
  const bool last = !x.is_contiguous() && ops::is_channels_last(x);
  out.layout = last || out.spatial == 1 ? Layout::channels_last : Layout::channels_first;  // (N, C) is both
  return out;
}

Tensor arranged(const Tensor& x, const BatchNormShape& s) {
  const bool last = s.layout == Layout::channels_last && x.dim() == 4;
  return last ? ops::to_channels_last(x.detach()) : x.detach().contiguous();
}

// (C) seen as (1, C, 1, ...)
Tensor per_channel(const Tensor& v, std::int64_t rank) {
  Shape sizes = Shape::filled(static_cast<int>(rank), 1);
  sizes[1] = v.numel();
  return v.reshape(sizes);
}

void update_running(const Tensor& running, const Tensor& batch, double momentum) {
  if (!running.defined()) return;
  const NoGrad no_grad;
  Tensor r = running;
  r.mul_(1 - momentum).add_(batch, momentum);
}

Triple batch_norm_backward(const Node& node, const Tensor& x, const Tensor& weight, const Tensor& grad,
                           bool own_stats, const Tensor& mean, const Tensor& rstd, double eps) {
  if (autograd::grad_enabled()) {
    const Tensor w = weight.defined() ? per_channel(weight, x.dim()) : Tensor();
    Shape dims;
    for (int i = 0; i < x.dim(); ++i) {
      if (i != 1) dims.push_back(i);
    }
    Triple grads;
    if (own_stats) {
      grads = ops::normalize_backward(x, w, grad, dims, eps);
    } else {
      const Tensor scale = per_channel(rstd, x.dim());
      grads = {(w.defined() ? grad * w : grad) * scale, grad * ((x - per_channel(mean, x.dim())) * scale),
               grad};
    }
    for (std::size_t i = 1; i < 3; ++i) grads[i] = node.needs(i) ? grads[i].sum(dims) : Tensor();
    return grads;
  }
  const BatchNormShape s = describe(x);
  const Tensor input = arranged(x, s);
  const Tensor g = arranged(grad, s);
  const Tensor gamma = dense_or_undefined(weight);
  Triple grads{node.needs(0) ? empty_like(input) : Tensor(), if_needed(node.needs(1), mean),
               if_needed(node.needs(2), mean)};
  kernels::batch_norm_backward(s, own_stats, g.raw_data(), input.raw_data(), mean.raw_data(), rstd.raw_data(),
                               data_or_null(gamma), data_or_null(grads[0]), data_or_null(grads[1]),
                               data_or_null(grads[2]));
  return grads;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& o) {
  ops::check_floating("batch_norm", x);
  if (x.dim() < 2) {
    throw Error("batch_norm", fmt::format("input of shape {} has no channels", to_string(x.sizes())),
                "expected (N, C, ...)");
  }
  const Shape channels(x.sizes()[1]);
  if (ops::compute_type(x.dtype()) != x.dtype()) {
    const auto wide = [](const Tensor& v) { return v.defined() ? v.to(f32) : v; };
    const Tensor mean = wide(running_mean);
    const Tensor var = wide(running_var);
    const Tensor y = batch_norm(x.to(f32), mean, var, wide(weight), wide(bias), o).to(x.dtype());
    const NoGrad no_grad;
    if (o.training && running_mean.defined() && !mean.is_same(running_mean)) Tensor(running_mean).copy_(mean);
    if (o.training && running_var.defined() && !var.is_same(running_var)) Tensor(running_var).copy_(var);
    return y;
  }
  check_vector("batch_norm", "weight", weight, channels, x.dtype());
  check_vector("batch_norm", "bias", bias, channels, x.dtype());
  check_vector("batch_norm", "running_mean", running_mean, channels, x.dtype());
  check_vector("batch_norm", "running_var", running_var, channels, x.dtype());
  const bool own_stats = o.training || !running_mean.defined() || !running_var.defined();
  const std::int64_t count = x.sizes()[1] == 0 ? 0 : x.numel() / x.sizes()[1];
  if (o.training && count == 1) {
    throw Error("batch_norm",
                fmt::format("one value per channel when training, input shape {}", to_string(x.sizes())),
                "use a larger batch (drop_last), or eval()");
  }

  const BatchNormShape s = describe(x);
  const Tensor input = arranged(x, s);
  Tensor mean = dense_or_undefined(running_mean);
  Tensor var = dense_or_undefined(running_var);
  if (own_stats) {
    mean = empty(channels, x.dtype());
    var = empty(channels, x.dtype());
    kernels::batch_norm_stats(s, input.raw_data(), mean.raw_data(), var.raw_data());
  }
  Tensor rstd;
  {
    const NoGrad no_grad;
    if (o.training && count > 0) {
      update_running(running_mean, mean, o.momentum);
      update_running(
          running_var,
          var * (static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(count - 1, 1))),
          o.momentum);
    }
    rstd = rsqrt(var + o.eps);
    if (!own_stats)
      mean = mean.clone();  // backward needs today's statistics, whatever happens to the running ones
  }
  const Tensor gamma = dense_or_undefined(weight);
  const Tensor beta = dense_or_undefined(bias);
  Tensor y = empty_like(input);
  kernels::batch_norm_apply(s, input.raw_data(), mean.raw_data(), rstd.raw_data(), data_or_null(gamma),
                            data_or_null(beta), y.raw_data());
  if (!recording(x, weight, bias)) return y;
  return record("batch_norm", y, {&x, &weight, &bias},
                [own_stats, mean, rstd, eps = o.eps, x = Saved(x), w = Saved(weight)](const Node& node,
                                                                                      const Tensor& grad) {
                  return batch_norm_backward(node, x.get(node), w.get(node), grad, own_stats, mean, rstd,
                                             eps);
                });
}

Tensor normalize(const Tensor& x, const NormalizeOptions& options) {
  ops::check_floating("normalize", x);
  return x / x.norm(options.p, {options.dim}, true).clamp(options.eps, {});
}

}  // namespace mica
