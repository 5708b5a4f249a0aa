// Normalisation of each sample's channels.
#pragma once

#include <optional>

#include <mica/nn/norm.h>

namespace mica::nn {

struct InstanceNormOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // of the running statistics; nullopt: they stay as they are
  bool affine = false;
  bool track_running_stats = false;  // and use them in evaluation
  DType dtype = f32;
};

// Each channel of each sample to mean 0 and variance 1 (torch.nn.InstanceNorm1d...). Shapes: (N, C, L) or
// (C, L); (N, C, H, W) or (C, H, W); (N, C, D, H, W) or (C, D, H, W), unchanged.
template <int dims> class InstanceNorm : public detail::ChannelNorm {
 public:
  using Options = InstanceNormOptions;
  explicit InstanceNorm(std::int64_t num_features, const InstanceNormOptions& options = {})
      : ChannelNorm(reflect::type_name<InstanceNorm>(), num_features,
                    {.eps = options.eps,
                     .momentum = options.momentum,
                     .affine = options.affine,
                     .track_running_stats = options.track_running_stats,
                     .dtype = options.dtype}) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  InstanceNorm() = default;
  static constexpr detail::NormInput input{.least = dims + 1,
                                           .most = dims + 2,
                                           .channel = -1 - dims,
                                           .shape = "(N, C, ...) or (C, ...)",
                                           .any_channels = true};
  Tensor forward(const Tensor& x) {
    check(reflect::type_name<InstanceNorm>(), input, x);
    return normalize_instances(x, dims);
  }
};
using InstanceNorm1d = InstanceNorm<1>;
using InstanceNorm2d = InstanceNorm<2>;
using InstanceNorm3d = InstanceNorm<3>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::InstanceNorm<dims>> = nn::detail::numbered_type("InstanceNorm", dims);
}  // namespace mica::reflect::detail
