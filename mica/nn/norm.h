// Normalisation layers.
#pragma once

#include <optional>

#include <mica/nn/module.h>

namespace mica::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // nullopt: the plain average over all batches so far
  bool affine = true;
  bool track_running_stats = true;  // without, the batch's own statistics serve in evaluation too
  DType dtype = f32;
};

namespace detail {
// What BatchNorm1d, BatchNorm2d and BatchNorm3d share: all but the shapes they accept.
class BatchNorm : public Module {
 public:
  std::int64_t num_features = 0;
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;
  bool affine = true, track_running_stats = true;
  Parameter weight, bias;            // (C), absent without affine
  Buffer running_mean, running_var;  // (C), absent without track_running_stats
  Buffer num_batches_tracked;        // () i64
  Mode mode;

  void reset_running_stats();
  void reset_parameters();
  std::string extra_repr() const;

 protected:
  BatchNorm() = default;
  BatchNorm(const char* type, std::int64_t num_features, const BatchNormOptions& options);
  Tensor normalize(const Tensor& x);
};
}  // namespace detail

// Per-channel normalisation over the batch (torch.nn.BatchNorm1d). Shapes: (N, C) or (N, C, L), unchanged.
class BatchNorm1d : public detail::BatchNorm {
 public:
  explicit BatchNorm1d(std::int64_t num_features, const BatchNormOptions& options = {})
      : BatchNorm("nn::BatchNorm1d", num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  BatchNorm1d() = default;
  Tensor forward(const Tensor& x);
};

// Per-channel normalisation over batch and plane (torch.nn.BatchNorm2d). Shapes: (N, C, H, W), unchanged.
class BatchNorm2d : public detail::BatchNorm {
 public:
  explicit BatchNorm2d(std::int64_t num_features, const BatchNormOptions& options = {})
      : BatchNorm("nn::BatchNorm2d", num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  BatchNorm2d() = default;
  Tensor forward(const Tensor& x);
};

// Per-channel normalisation over batch and volume (torch.nn.BatchNorm3d). Shapes: (N, C, D, H, W), unchanged.
class BatchNorm3d : public detail::BatchNorm {
 public:
  explicit BatchNorm3d(std::int64_t num_features, const BatchNormOptions& options = {})
      : BatchNorm("nn::BatchNorm3d", num_features, options) {}
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 protected:
  friend Module;
  BatchNorm3d() = default;
  Tensor forward(const Tensor& x);
};

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;  // only with elementwise_affine
  DType dtype = f32;
};

// Normalisation of each sample over its last dimensions (torch.nn.LayerNorm). Shapes: (...,
// normalized_shape), unchanged.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});

  Shape normalized_shape;
  double eps = 1e-5;
  bool elementwise_affine = true;
  Parameter weight, bias;  // normalized_shape, absent without elementwise_affine

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(normalized_shape, eps, elementwise_affine, weight, bias)

 private:
  friend Module;
  LayerNorm() = default;
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn
