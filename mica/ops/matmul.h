// Matrix products.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// torch.matmul: vectors, matrices and batches of matrices.
// Shapes: (n) (n) -> (); (m, k) (k) -> (m); (k) (k, n) -> (n); (..., m, k) (..., k, n) -> (..., m, n), batch
// dimensions broadcast. Errors: inner sizes or dtypes that differ, 0-d arguments.
Tensor matmul(const Tensor& a, const Tensor& b);

// x weight^T + bias, the bias added in the same pass (nn.functional.linear).
// Shapes: x (..., in), weight (out, in) or (in), bias (out) or undefined -> (..., out).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace mica
