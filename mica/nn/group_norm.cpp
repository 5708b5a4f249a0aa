#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/group_norm.h>
#include <mica/nn/init.h>
#include <mica/nn/norm.h>
#include <mica/nn/tuple.h>
#include <mica/ops/creation.h>

namespace mica::nn {

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, const GroupNormOptions& o)
    : num_groups(groups), num_channels(channels), eps(o.eps), affine(o.affine) {
  detail::forbid_construction_inside_forward("nn::GroupNorm");
  if (channels < 0 || groups < 1 || channels % groups != 0) {
    throw Error("GroupNorm", fmt::format("{} channels in {} groups", channels, groups),
                "the number of channels must be divisible by the number of groups");
  }
  if (!affine) return;
  weight = Parameter(ones(Shape(channels), o.dtype));
  bias = Parameter(zeros(Shape(channels), o.dtype));
}

void GroupNorm::reset_parameters() {
  if (weight.defined()) init::ones_(weight);
  if (bias.defined()) init::zeros_(bias);
}

Tensor GroupNorm::forward(const Tensor& x) { return group_norm(x, num_groups, weight, bias, eps); }

std::string GroupNorm::extra_repr() const {
  return fmt::format("{}, {}, eps={}, affine={}", num_groups, num_channels, detail::show(eps),
                     detail::show(affine));
}

RMSNorm::RMSNorm(const Shape& shape, const RMSNormOptions& o)
    : normalized_shape(shape), eps(o.eps), elementwise_affine(o.elementwise_affine) {
  detail::forbid_construction_inside_forward("nn::RMSNorm");
  if (shape.empty()) throw Error("RMSNorm", "normalized_shape is empty");
  if (elementwise_affine) weight = Parameter(ones(shape, o.dtype));
}

void RMSNorm::reset_parameters() {
  if (weight.defined()) init::ones_(weight);
}

Tensor RMSNorm::forward(const Tensor& x) { return rms_norm(x, normalized_shape, weight, eps); }

std::string RMSNorm::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}", detail::show_tuple(normalized_shape),
                     eps ? detail::show(*eps) : "None", detail::show(elementwise_affine));
}

LocalResponseNorm::LocalResponseNorm(std::int64_t n, const LocalResponseNormOptions& o)
    : size(n), alpha(o.alpha), beta(o.beta), k(o.k) {
  detail::forbid_construction_inside_forward("nn::LocalResponseNorm");
  if (n < 1) throw Error("LocalResponseNorm", fmt::format("size {} is not positive", n));
}

Tensor LocalResponseNorm::forward(const Tensor& x) {
  return local_response_norm(x, size, {.alpha = alpha, .beta = beta, .k = k});
}

std::string LocalResponseNorm::extra_repr() const {
  return fmt::format("{}, alpha={}, beta={}, k={}", size, detail::show(alpha), detail::show(beta),
                     detail::show(k));
}

}  // namespace mica::nn
