#include <fmt/format.h>

#include <mica/nn/init.h>
#include <mica/nn/norm.h>
#include <mica/nn/tuple.h>
#include <mica/ops/creation.h>
#include <mica/ops/group_norm.h>
#include <mica/ops/norm.h>

namespace mica::nn {

namespace detail {

ChannelNorm::ChannelNorm(std::string_view type, std::int64_t features, const BatchNormOptions& o)
    : num_features(features),
      eps(o.eps),
      momentum(o.momentum),
      affine(o.affine),
      track_running_stats(o.track_running_stats) {
  const std::string name = fmt::format("nn::{}", type);
  forbid_construction_inside_forward(name.c_str());
  if (features < 0) throw Error(name, fmt::format("num_features {} must not be negative", features));
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

void ChannelNorm::reset_running_stats() {
  if (!running_mean.defined()) return;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

void ChannelNorm::reset_parameters() {
  reset_running_stats();
  if (!weight.defined()) return;
  init::ones_(weight);
  init::zeros_(bias);
}

void ChannelNorm::check(std::string_view type, const NormInput& input, const Tensor& x) const {
  if (x.dim() < input.least || x.dim() > input.most) {
    const std::string wanted = input.least == input.most ? fmt::format("{}", input.most)
                                                         : fmt::format("{} or {}", input.least, input.most);
    throw Error(std::string(type),
                fmt::format("expected {} dimensions, got shape {}", wanted, mica::to_string(x.sizes())),
                input.shape);
  }
  const std::int64_t channels = x.size(input.channel);
  if (channels == num_features) return;
  if (input.any_channels && !weight.defined() && !running_mean.defined()) return;
  throw Error(std::string(type), fmt::format("input of shape {} has {} channels, expected {}",
                                             mica::to_string(x.sizes()), channels, num_features));
}

Tensor ChannelNorm::normalize_batch(const Tensor& x) {
  double factor = momentum.value_or(0);
  if (mode.training && track_running_stats) {
    num_batches_tracked += 1;
    if (!momentum) factor = 1 / num_batches_tracked.item();
  }
  return batch_norm(x, running_mean, running_var, weight, bias,
                    {.training = mode.training, .momentum = factor, .eps = eps});
}

Tensor ChannelNorm::normalize_instances(const Tensor& x, int dims) const {
  const bool batched = x.dim() == dims + 2;
  const Tensor y = instance_norm(batched ? x : x.unsqueeze(0), running_mean, running_var, weight, bias,
                                 {.use_input_stats = mode.training || !track_running_stats,
                                  .momentum = momentum.value_or(0),
                                  .eps = eps});
  return batched ? y : y.squeeze(0);
}

std::string ChannelNorm::extra_repr() const {
  return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", num_features, show(eps),
                     momentum ? show(*momentum) : "None", show(affine), show(track_running_stats));
}

}  // namespace detail

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
