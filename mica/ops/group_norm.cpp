#include <array>
#include <limits>
#include <span>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/kernels/norm.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/group_norm.h>
#include <mica/ops/norm.h>
#include <mica/ops/norm_backward.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/pool.h>
#include <mica/ops/rearrange.h>

namespace mica {

using autograd::Node;
using autograd::record;
using autograd::recording;
using autograd::Saved;
using kernels::Layout;

namespace {

void check_channels(const char* operation, const Tensor& x, int dims, const char* expected) {
  ops::check_floating(operation, x);
  if (x.dim() >= dims) return;
  throw Error(operation, fmt::format("input of shape {} has too few dimensions", to_string(x.sizes())),
              fmt::format("expected {}", expected));
}

// bf16 and f16 inputs may have f32 weights and statistics, as in mixed precision.
void check_vector(const char* operation, const char* what, const Tensor& v, const Tensor& x,
                  const Shape& sizes) {
  if (!v.defined()) return;
  const bool fits = v.dtype() == x.dtype() || v.dtype() == ops::compute_type(x.dtype());
  if (v.sizes() == sizes && fits) return;
  throw Error(operation, fmt::format("{} is {} {}, expected {} {}", what, name(v.dtype()),
                                     to_string(v.sizes()), name(x.dtype()), to_string(sizes)));
}

// (C) seen as (1, C, 1, ...)
Tensor per_channel(const Tensor& v, const Tensor& x) {
  Shape sizes = Shape::filled(static_cast<int>(x.dim()), 1);
  sizes[1] = v.numel();
  return v.reshape(sizes);
}

// (1, n, d1, ...): batch norm of it has statistics for each of n parts of a batch.
Tensor in_parts(const Tensor& x, std::int64_t n) {
  const std::int64_t rest = n == 0 ? 0 : x.numel() / n;
  return x.reshape({1, n, rest});
}

// What lies between 1 and the next number.
double epsilon(DType dtype) {
  if (dtype == f64) return std::numeric_limits<double>::epsilon();
  return dtype == f32 ? std::numeric_limits<float>::epsilon() : dtype == bf16 ? 0x1p-7 : 0x1p-10;
}

Tensor widened(const Tensor& v) { return v.defined() ? v.to(f32) : v; }

}  // namespace

namespace {

// A batch seen as one sample: all its groups, or all its channels, side by side.
struct GroupNormShapes {
  kernels::BatchNormShape groups, channels;
};

// Of a vector for channels, one after the other for all samples, without its history.
Tensor each_sample(const Tensor& v, std::int64_t batch) {
  return v.defined() ? v.detach().repeat({batch}).contiguous() : v;
}
void* data_or_null(const Tensor& x) { return x.defined() ? x.raw_data() : nullptr; }

std::array<Tensor, 3> group_norm_backward(const Node& node, const GroupNormShapes& s, const Tensor& x,
                                          const Tensor& weight, const Tensor& grad, const Tensor& mean,
                                          const Tensor& rstd, double eps) {
  const std::int64_t batch = x.size(0), channels = x.size(1), parts = mean.numel();
  const Tensor h = weight.defined() ? grad * per_channel(weight, x) : grad;
  std::array<Tensor, 3> grads;
  if (autograd::grad_enabled()) {
    const Shape grouped{parts, s.groups.spatial};
    const auto over_groups = [&](const Tensor& g) {
      return ops::normalize_backward(x.reshape(grouped), {}, g.reshape(grouped), {1}, eps);
    };
    Shape others;
    for (int i = 0; i < x.sizes().size(); ++i) {
      if (i != 1) others.push_back(i);
    }
    grads[0] = over_groups(h)[0].reshape(x.sizes());
    if (node.needs(1)) grads[1] = over_groups(grad)[1].reshape(x.sizes()).sum(others);
    if (node.needs(2)) grads[2] = grad.sum(others);
    return grads;
  }
  if (node.needs(0)) {
    grads[0] = empty(x.sizes(), x.dtype());
    const Tensor dense = h.contiguous();
    kernels::batch_norm_backward(s.groups, true, dense.raw_data(), x.raw_data(), mean.raw_data(),
                                 rstd.raw_data(), nullptr, grads[0].raw_data(), nullptr, nullptr);
  }
  if (node.needs(1) || node.needs(2)) {
    const Tensor dense = grad.contiguous();
    const std::int64_t size = parts == 0 ? 1 : batch * channels / parts;
    const Tensor means = mean.repeat_interleave(size), rstds = rstd.repeat_interleave(size);
    for (std::size_t i = 1; i < 3; ++i) {
      if (node.needs(i)) grads[i] = empty(means.sizes(), x.dtype());
    }
    kernels::batch_norm_backward(s.channels, true, dense.raw_data(), x.raw_data(), means.raw_data(),
                                 rstds.raw_data(), nullptr, nullptr, data_or_null(grads[1]),
                                 data_or_null(grads[2]));
    for (std::size_t i = 1; i < 3; ++i) {
      if (node.needs(i)) grads[i] = grads[i].view({batch, channels}).sum(0);
    }
  }
  return grads;
}

}  // namespace

Tensor group_norm(const Tensor& x, std::int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  check_channels("group_norm", x, 2, "(N, C, ...)");
  const std::int64_t batch = x.size(0), channels = x.size(1);
  if (num_groups < 1 || channels % num_groups != 0) {
    throw Error("group_norm", fmt::format("{} channels in {} groups", channels, num_groups),
                "the number of channels must be divisible by the number of groups");
  }
  check_vector("group_norm", "weight", weight, x, Shape(channels));
  check_vector("group_norm", "bias", bias, x, Shape(channels));
  if (ops::compute_type(x.dtype()) != x.dtype())
    return group_norm(x.to(f32), num_groups, widened(weight), widened(bias), eps).to(x.dtype());
  const std::int64_t parts = batch * num_groups;
  if (x.numel() == num_groups) {
    throw Error(
        "group_norm",
        fmt::format("one value per group, input shape {}, {} groups", to_string(x.sizes()), num_groups),
        "a value alone has no variance: use fewer groups");
  }
  const Tensor input = x.contiguous();
  const GroupNormShapes s{
      .groups = {x.dtype(), Layout::channels_first, 1, parts, parts == 0 ? 0 : x.numel() / parts},
      .channels = {x.dtype(), Layout::channels_first, 1, batch * channels,
                   x.numel() == 0 ? 0 : x.numel() / (batch * channels)}};
  const Tensor mean = empty(Shape(parts), x.dtype()), var = empty(Shape(parts), x.dtype());
  kernels::batch_norm_stats(s.groups, input.raw_data(), mean.raw_data(), var.raw_data());
  const Tensor rstd = [&] {
    const NoGrad no_grad;
    return rsqrt(var + eps);
  }();
  const std::int64_t size = channels / num_groups;
  const Tensor gamma = each_sample(weight, batch), beta = each_sample(bias, batch);
  const Tensor means = mean.repeat_interleave(size), rstds = rstd.repeat_interleave(size);
  Tensor y = empty(x.sizes(), x.dtype());
  kernels::batch_norm_apply(s.channels, input.raw_data(), means.raw_data(), rstds.raw_data(),
                            data_or_null(gamma), data_or_null(beta), y.raw_data());
  if (!recording(input, weight, bias)) return y;
  return record(
      "group_norm", y, {&input, &weight, &bias},
      [s, mean, rstd, eps, x = Saved(input), w = Saved(weight)](const Node& node, const Tensor& grad) {
        return group_norm_backward(node, s, x.get(node), w.get(node), grad, mean, rstd, eps);
      });
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& options) {
  check_channels("instance_norm", x, 2, "(N, C, d1, ...)");
  const std::int64_t batch = x.size(0), channels = x.size(1);
  for (const auto& [what, v] : {std::pair<const char*, const Tensor&>{"running_mean", running_mean},
                                {"running_var", running_var},
                                {"weight", weight},
                                {"bias", bias}})
    check_vector("instance_norm", what, v, x, Shape(channels));
  if (!options.use_input_stats && (!running_mean.defined() || !running_var.defined()))
    throw Error("instance_norm", "without the input's statistics there must be running ones");
  const std::int64_t parts = batch * channels;
  std::int64_t spatial = 1;
  for (int i = 2; i < x.sizes().size(); ++i) spatial *= x.sizes()[i];
  if (options.use_input_stats && spatial == 1) {
    throw Error("instance_norm", fmt::format("one value per channel, input shape {}", to_string(x.sizes())),
                "a value alone has no variance: use a larger input, or eval() with running statistics");
  }
  const auto each = [&](const Tensor& v) { return v.defined() ? v.repeat({batch}) : v; };
  const Tensor mean = each(running_mean.defined() ? running_mean.detach() : running_mean);
  const Tensor var = each(running_var.defined() ? running_var.detach() : running_var);
  const Tensor y =
      batch_norm(in_parts(x, parts), mean, var, each(weight), each(bias),
                 {.training = options.use_input_stats, .momentum = options.momentum, .eps = options.eps});
  if (options.use_input_stats && batch > 0) {
    const NoGrad no_grad;
    for (const auto& [running, own] : {std::pair(running_mean, mean), std::pair(running_var, var)}) {
      if (running.defined()) Tensor(running).copy_(own.view({batch, channels}).mean(0));
    }
  }
  return y.reshape(x.sizes());
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  ops::check_floating("rms_norm", x);
  const int rank = normalized_shape.size();
  const int kept = static_cast<int>(x.dim()) - rank;
  bool fits = kept >= 0 && rank > 0;
  Shape dims;
  for (int i = 0; fits && i < rank; ++i) {
    fits = x.sizes()[kept + i] == normalized_shape[i];
    dims.push_back(kept + i);
  }
  if (!fits) {
    throw Error("rms_norm", fmt::format("input of shape {} does not end with the normalized shape {}",
                                        to_string(x.sizes()), to_string(normalized_shape)));
  }
  check_vector("rms_norm", "weight", weight, x, normalized_shape);
  const Tensor wide = x.to(ops::compute_type(x.dtype()));
  const Tensor scale = rsqrt(square(wide).mean(dims, true) + eps.value_or(epsilon(x.dtype())));
  const Tensor y = (wide * scale).to(x.dtype());
  return weight.defined() ? y * weight : y;  // f32 for bf16 with an f32 weight, as PyTorch
}

Tensor local_response_norm(const Tensor& x, std::int64_t size, const LocalResponseNormOptions& o) {
  check_channels("local_response_norm", x, 3, "(N, C, d1, ...)");
  if (size < 1) throw Error("local_response_norm", fmt::format("size {} is not positive", size));
  if (x.numel() == 0) return x;
  // Means over `size` rows of planes (C, d1 d2...), padded so that there are C of them.
  const Tensor planes = square(x).reshape({x.size(0), 1, x.size(1), -1});
  const Tensor padded = pad(planes, {0, 0, size / 2, (size - 1) / 2});
  const Tensor means = avg_pool2d(padded, {size, 1}, {.stride = 1}).reshape(x.sizes());
  return x / (means * o.alpha + o.k).pow(o.beta);
}

}  // namespace mica
