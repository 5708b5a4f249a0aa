#include <fmt/format.h>

#include <mica/nn/init.h>
#include <mica/nn/norm.h>
#include <mica/nn/tuple.h>
#include <mica/ops/creation.h>
#include <mica/ops/norm.h>

namespace mica::nn {

namespace detail {

BatchNorm::BatchNorm(const char* type, std::int64_t features, const BatchNormOptions& o)
    : num_features(features),
      eps(o.eps),
      momentum(o.momentum),
      affine(o.affine),
      track_running_stats(o.track_running_stats) {
  forbid_construction_inside_forward(type);
  if (features < 0) throw Error(type, fmt::format("num_features {} must not be negative", features));
  const Shape channels(features);
  if (affine) {
    weight = Parameter(ones(channels, o.dtype));
    bias = Parameter(zeros(channels, o.dtype));
  }
  if (track_running_stats) {
    running_mean = Buffer(zeros(channels, o.dtype));
    running_var = Buffer(ones(channels, o.dtype));
    num_batches_tracked = Buffer(zeros({}, i64));
  }
}

void BatchNorm::reset_running_stats() {
  if (!running_mean.defined()) return;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

void BatchNorm::reset_parameters() {
  reset_running_stats();
  if (!weight.defined()) return;
  init::ones_(weight);
  init::zeros_(bias);
}

Tensor BatchNorm::normalize(const Tensor& x) {
  double factor = momentum.value_or(0);
  if (mode.training && track_running_stats) {
    num_batches_tracked += 1;
    if (!momentum) factor = 1 / num_batches_tracked.item();
  }
  return batch_norm(x, running_mean, running_var, weight, bias,
                    {.training = mode.training, .momentum = factor, .eps = eps});
}

std::string BatchNorm::extra_repr() const {
  return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", num_features, show(eps),
                     momentum ? show(*momentum) : "None", show(affine), show(track_running_stats));
}

}  // namespace detail

namespace {
void check_channels(const char* type, const Tensor& x, std::int64_t features) {
  if (x.size(1) == features) return;
  throw Error(type, fmt::format("input of shape {} has {} channels, expected {}", mica::to_string(x.sizes()),
                                x.size(1), features));
}
}  // namespace

Tensor BatchNorm1d::forward(const Tensor& x) {
  if (x.dim() != 2 && x.dim() != 3) {
    throw Error("BatchNorm1d",
                fmt::format("expected 2 or 3 dimensions, got shape {}", mica::to_string(x.sizes())),
                "(N, C) or (N, C, L)");
  }
  check_channels("BatchNorm1d", x, num_features);
  return normalize(x);
}

Tensor BatchNorm2d::forward(const Tensor& x) {
  if (x.dim() != 4) {
    throw Error("BatchNorm2d", fmt::format("expected 4 dimensions, got shape {}", mica::to_string(x.sizes())),
                "(N, C, H, W)");
  }
  check_channels("BatchNorm2d", x, num_features);
  return normalize(x);
}

Tensor BatchNorm3d::forward(const Tensor& x) {
  if (x.dim() != 5) {
    throw Error("BatchNorm3d", fmt::format("expected 5 dimensions, got shape {}", mica::to_string(x.sizes())),
                "(N, C, D, H, W)");
  }
  check_channels("BatchNorm3d", x, num_features);
  return normalize(x);
}

LayerNorm::LayerNorm(const Shape& shape, const LayerNormOptions& o)
    : normalized_shape(shape), eps(o.eps), elementwise_affine(o.elementwise_affine) {
  detail::forbid_construction_inside_forward("nn::LayerNorm");
  if (shape.empty()) throw Error("LayerNorm", "normalized_shape is empty");
  if (!elementwise_affine) return;
  weight = Parameter(ones(shape, o.dtype));
  if (o.bias) bias = Parameter(zeros(shape, o.dtype));
}

void LayerNorm::reset_parameters() {
  if (weight.defined()) init::ones_(weight);
  if (bias.defined()) init::zeros_(bias);
}

Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, normalized_shape, weight, bias, eps); }

std::string LayerNorm::extra_repr() const {
  return fmt::format("{}, eps={}, elementwise_affine={}", detail::show_tuple(normalized_shape),
                     detail::show(eps), detail::show(elementwise_affine));
}

}  // namespace mica::nn
