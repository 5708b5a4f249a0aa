// Normalisation.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions, whose sizes are `normalized_shape`
// (Ba et al. 2016; nn.functional.layer_norm). weight and bias have that shape or are undefined.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

struct BatchNormOptions {
  bool training = false;  // normalise with the batch's own statistics, and update the running ones
  double momentum = 0.1;  // running = (1 - momentum) running + momentum batch
  double eps = 1e-5;
};
// Per-channel normalisation over batch and space (Ioffe & Szegedy 2015; nn.functional.batch_norm).
// Shapes: x (N, C) or (N, C, d1, ...); all others (C) or undefined. Running statistics are updated in place
// when training (the variance unbiased); when not training they must be given, unless undefined: then the
// batch's own serve. Errors: training with one value per channel.
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {}, const BatchNormOptions& options = {});

struct NormalizeOptions {
  double p = 2;
  std::int64_t dim = 1;
  double eps = 1e-12;  // the least length that is divided by
};
// x / max(|x|_p, eps) along a dimension (nn.functional.normalize). Shapes: as x.
Tensor normalize(const Tensor& x, const NormalizeOptions& options = {});

}  // namespace mica
