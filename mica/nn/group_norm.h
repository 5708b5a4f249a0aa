// Normalisation of groups of channels, by root mean squares, and by neighbouring channels.
#pragma once

#include <optional>

#include <mica/nn/module.h>
#include <mica/ops/group_norm.h>

namespace mica::nn {

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;
  DType dtype = f32;
};

// Each group of a sample's channels to mean 0 and variance 1 (torch.nn.GroupNorm). Shapes: (N, C, ...),
// unchanged.
class GroupNorm : public Module {
 public:
  // Errors: negative sizes; num_channels not divisible by num_groups.
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options = {});

  std::int64_t num_groups = 1, num_channels = 0;
  double eps = 1e-5;
  bool affine = true;
  Parameter weight, bias;  // (C), absent without affine

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(num_groups, num_channels, eps, affine, weight, bias)

 private:
  friend Module;
  GroupNorm() = default;
  Tensor forward(const Tensor& x);
};

struct RMSNormOptions {
  std::optional<double> eps = {};  // nullopt: the epsilon of the input's dtype
  bool elementwise_affine = true;
  DType dtype = f32;
};

// Each sample over the root of the mean of its squares in the last dimensions (torch.nn.RMSNorm). Shapes:
// (..., normalized_shape), unchanged.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});

  Shape normalized_shape;
  std::optional<double> eps;
  bool elementwise_affine = true;
  Parameter weight;  // normalized_shape, absent without elementwise_affine

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(normalized_shape, eps, elementwise_affine, weight)

 private:
  friend Module;
  RMSNorm() = default;
  Tensor forward(const Tensor& x);
};

// Each value over a power of its neighbours in other channels (torch.nn.LocalResponseNorm). Shapes:
// (N, C, d1, ...), unchanged.
class LocalResponseNorm : public Module {
 public:
  explicit LocalResponseNorm(std::int64_t size, const LocalResponseNormOptions& options = {});

  std::int64_t size = 1;
  double alpha = 1e-4, beta = 0.75, k = 1;

  std::string extra_repr() const;
  NN_MEMBERS(size, alpha, beta, k)

 private:
  friend Module;
  LocalResponseNorm() = default;
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn
