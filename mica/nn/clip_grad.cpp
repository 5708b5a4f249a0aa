#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/clip_grad.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {

namespace {

std::vector<Tensor> gradients_of(std::span<const Tensor> parameters) {
  std::vector<Tensor> grads;
  grads.reserve(parameters.size());
  for (const Tensor& p : parameters) {
    if (p.grad().defined()) grads.push_back(p.grad().detach());
  }
  return grads;
}

void check_limit(const char* name, const char* what, double limit) {
  if (!(limit >= 0)) throw Error(name, fmt::format("{} is {}", what, limit), "it must not be negative");
}

}  // namespace

Tensor get_total_norm(std::span<const Tensor> tensors, const ClipGradOptions& options) {
  const NoGrad no_grad;
  std::vector<Tensor> norms;
  norms.reserve(tensors.size());
  DType type = f32;
  for (const Tensor& x : tensors) {
    if (x.numel() == 0) continue;
    norms.push_back(x.to(ops::compute_type(x.dtype())).norm(options.norm_type));
    type = ops::promote(type, norms.back().dtype());
  }
  if (norms.empty()) return zeros({});
  for (Tensor& norm : norms) norm = norm.to(type);
  Tensor total = stack(norms).norm(options.norm_type);
  if (options.error_if_nonfinite && !std::isfinite(total.item())) {
    throw Error("get_total_norm", fmt::format("the norm of order {} is {}", options.norm_type, total.item()),
                "some gradient is infinite, or not a number");
  }
  return total;
}

void clip_grads_with_norm_(std::span<const Tensor> parameters, double max_norm, const Tensor& total_norm) {
  check_limit("clip_grads_with_norm_", "max_norm", max_norm);
  const NoGrad no_grad;
  const double scale = max_norm / (total_norm.item() + 1e-6);
  if (scale >= 1) return;  // NaN goes on, and shows
  for (Tensor& grad : gradients_of(parameters)) grad.mul_(scale);
}

Tensor clip_grad_norm_(std::span<const Tensor> parameters, double max_norm, const ClipGradOptions& options) {
  check_limit("clip_grad_norm_", "max_norm", max_norm);
  Tensor total = get_total_norm(gradients_of(parameters), options);
  clip_grads_with_norm_(parameters, max_norm, total);
  return total;
}

void clip_grad_value_(std::span<const Tensor> parameters, double clip_value) {
  check_limit("clip_grad_value_", "clip_value", clip_value);
  const NoGrad no_grad;
  for (Tensor& grad : gradients_of(parameters)) grad.clamp_(-clip_value, clip_value);
}

Tensor parameters_to_vector(std::span<const Tensor> parameters) {
  if (parameters.empty()) throw Error("parameters_to_vector", "there are no parameters");
  std::vector<Tensor> flat;
  flat.reserve(parameters.size());
  for (const Tensor& p : parameters) flat.push_back(p.reshape({-1}));
  return cat(flat);
}

void vector_to_parameters(const Tensor& vector, std::span<const Tensor> parameters) {
  std::int64_t count = 0;
  for (const Tensor& p : parameters) count += p.numel();
  if (vector.dim() != 1 || vector.numel() != count) {
    throw Error("vector_to_parameters",
                fmt::format("a tensor of shape {} for {} numbers", to_string(vector.sizes()), count));
  }
  const NoGrad no_grad;
  std::int64_t first = 0;
  for (const Tensor& p : parameters) {
    Tensor(p).copy_(vector.detach().narrow(0, first, p.numel()).view(p.sizes()));
    first += p.numel();
  }
}

}  // namespace mica::nn
