// Matrix products.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// torch.matmul: vectors, matrices and batches of matrices.
// Shapes: (n) (n) -> (); (m, k) (k) -> (m); (k) (k, n) -> (n); (..., m, k) (..., k, n) -> (..., m, n), batch
// dimensions broadcast. Errors: inner sizes or dtypes that differ, 0-d arguments, bool.
Tensor matmul(const Tensor& a, const Tensor& b);

// The same for one kind of arguments only, so that a mistaken shape is found at once. Errors: other
// dimensions. Shapes: mm (m, k) (k, n) -> (m, n); bmm (b, m, k) (b, k, n) -> (b, m, n); mv (m, k) (k) -> (m);
// dot (n) (n) -> ().
Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& b);
Tensor dot(const Tensor& a, const Tensor& b);
// All products of two elements. Shapes: (m) (n) -> (m, n). Dtypes promote.
Tensor outer(const Tensor& a, const Tensor& b);

// beta * x + alpha * product. With beta 0 what x holds does not matter, NaN neither.
struct AddProduct {
  Scalar beta = 1, alpha = 1;
};
// With mm, mv and bmm as the product. Shapes: x broadcasts to the product. Errors: dtypes that differ;
// integer tensors with a beta or alpha that is not an integer.
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddProduct& options = {});
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& b, const AddProduct& options = {});
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddProduct& options = {});

// y[..., o] = sum over i and j of x1[..., i] weight[o, i, j] x2[..., j], plus bias[o].
// Shapes: x1 (..., in1), x2 (..., in2), weight (out, in1, in2), bias (out) or undefined -> (..., out).
Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias = {});

// x weight^T + bias, the bias added in the same pass (nn.functional.linear).
// Shapes: x (..., in), weight (out, in) or (in), bias (out) or undefined -> (..., out).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace mica
