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

namespace detail {
// What the three share: all but the shapes they accept. The members are those of batch norm.
class InstanceNorm : public BatchNorm {
 protected:
  InstanceNorm() = default;
  InstanceNorm(const char* type, std::int64_t num_features, const InstanceNormOptions& options);
  // `spatial`: dimensions behind the channels. Errors: another number of dimensions, which may lack the first
  // one; another number of channels, if they have weights or statistics.
  Tensor normalize(const char* type, const Tensor& x, int spatial);
};
}  // namespace detail

// Each channel of each sample to mean 0 and variance 1 (torch.nn.InstanceNorm1d). Shapes: (N, C, L) or (C,
// L), unchanged.
class InstanceNorm1d : public detail::InstanceNorm {
 public:
  explicit InstanceNorm1d(std::int64_t num_features, const InstanceNormOptions& options = {})
      : InstanceNorm("nn::InstanceNorm1d", num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  InstanceNorm1d() = default;
  Tensor forward(const Tensor& x) { return normalize("InstanceNorm1d", x, 1); }
};

// The same over planes (torch.nn.InstanceNorm2d). Shapes: (N, C, H, W) or (C, H, W), unchanged.
class InstanceNorm2d : public detail::InstanceNorm {
 public:
  explicit InstanceNorm2d(std::int64_t num_features, const InstanceNormOptions& options = {})
      : InstanceNorm("nn::InstanceNorm2d", num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  InstanceNorm2d() = default;
  Tensor forward(const Tensor& x) { return normalize("InstanceNorm2d", x, 2); }
};

// The same over volumes (torch.nn.InstanceNorm3d). Shapes: (N, C, D, H, W) or (C, D, H, W), unchanged.
class InstanceNorm3d : public detail::InstanceNorm {
 public:
  explicit InstanceNorm3d(std::int64_t num_features, const InstanceNormOptions& options = {})
      : InstanceNorm("nn::InstanceNorm3d", num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  InstanceNorm3d() = default;
  Tensor forward(const Tensor& x) { return normalize("InstanceNorm3d", x, 3); }
};

}  // namespace mica::nn
