#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/instance_norm.h>
#include <mica/ops/group_norm.h>

namespace mica::nn::detail {

InstanceNorm::InstanceNorm(const char* type, std::int64_t features, const InstanceNormOptions& o)
    : BatchNorm(type, features,
                {.eps = o.eps,
                 .momentum = o.momentum,
                 .affine = o.affine,
                 .track_running_stats = o.track_running_stats,
                 .dtype = o.dtype}) {}

Tensor InstanceNorm::normalize(const char* type, const Tensor& x, int spatial) {
  const bool batched = x.dim() == spatial + 2;
  if (!batched && x.dim() != spatial + 1) {
    throw Error(type,
                fmt::format("expected {} or {} dimensions, got shape {}", spatial + 2, spatial + 1,
                            mica::to_string(x.sizes())),
                "(N, C, ...) or (C, ...)");
  }
  const std::int64_t channels = x.size(-1 - spatial);
  if (channels != num_features && (weight.defined() || running_mean.defined())) {
    throw Error(type, fmt::format("input of shape {} has {} channels, expected {}",
                                  mica::to_string(x.sizes()), channels, num_features));
  }
  const Tensor y = instance_norm(batched ? x : x.unsqueeze(0), running_mean, running_var, weight, bias,
                                 {.use_input_stats = mode.training || !track_running_stats,
                                  .momentum = momentum.value_or(0),
                                  .eps = eps});
  return batched ? y : y.squeeze(0);
}

}  // namespace mica::nn::detail
