// Internal: what normalisations share.
#pragma once

#include <array>

#include <mica/tensor/tensor.h>

namespace mica::ops {

// The gradient of normalisation over `dims` with the statistics of x itself, for x, weight and bias, written
// with differentiable operations: r (h - mean(h) - xhat mean(h xhat)), h = grad * weight.
std::array<Tensor, 3> normalize_backward(const Tensor& x, const Tensor& weight, const Tensor& grad,
                                         const Shape& dims, double eps);

}  // namespace mica::ops
