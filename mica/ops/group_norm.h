// Normalisation over groups of channels, by root mean squares, and by neighbouring channels.
#pragma once

#include <cstdint>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

// Each of num_groups groups of channels of a sample to mean 0 and variance 1, then per channel times weight
// plus bias (Wu & He 2018; nn.functional.group_norm). Shapes: x (N, C, ...), unchanged; weight and bias (C)
// or undefined. Errors: C not divisible; one value per group.
Tensor group_norm(const Tensor& x, std::int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

struct InstanceNormOptions {
  bool use_input_stats = true;  // else the running statistics
  double momentum = 0.1;        // running = (1 - momentum) running + momentum (mean over the samples)
  double eps = 1e-5;
};
// Each channel of a sample to mean 0 and variance 1, then times weight plus bias (Ulyanov et al. 2016;
// nn.functional.instance_norm). Shapes: x (N, C, d1, ...), unchanged; all others (C) or undefined. Running
// statistics are updated in place where the input's own are used (the variance unbiased). Errors: one value
// per channel with the input's statistics; no running ones without.
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {}, const Tensor& running_var = {},
                     const Tensor& weight = {}, const Tensor& bias = {},
                     const InstanceNormOptions& options = {});

// x / sqrt(mean(x^2) + eps) * weight over the last dimensions, whose sizes are `normalized_shape` (Zhang &
// Sennrich 2019; nn.functional.rms_norm). weight has that shape or is undefined; eps is by default the
// epsilon of the dtype. bf16 and f16 are normalised in f32.
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

struct LocalResponseNormOptions {
  double alpha = 1e-4, beta = 0.75, k = 1;
};
// x / (k + alpha / size * (sum of squares over `size` neighbouring channels))^beta (Krizhevsky et al. 2012;
// nn.functional.local_response_norm). Shapes: (N, C, d1, ...), unchanged. Errors: fewer than 3 dimensions;
// size < 1.
Tensor local_response_norm(const Tensor& x, std::int64_t size, const LocalResponseNormOptions& options = {});

}  // namespace mica
