// Internal: what the operations of linear algebra share.
#pragma once

#include <string>

#include <mica/kernels/linalg.h>
#include <mica/tensor/tensor.h>

namespace mica::ops {

inline Tensor transposed(const Tensor& x) { return x.transpose(-2, -1); }
// Of the sizes (..., m, n).
Shape batch_of(const Tensor& x);
Shape with_batch(Shape batch, const Shape& last);
// x with zeros where column - row > offset (lower) or < offset (upper).
Tensor lower_part(const Tensor& x, std::int64_t offset = 0);
Tensor upper_part(const Tensor& x, std::int64_t offset = 0);
Tensor identity_like(const Tensor& x);  // (n, n) for x (..., m, n)

// Errors: fewer than two dimensions; neither f32 nor f64; not square.
void check_matrices(const char* operation, const Tensor& x);
void check_square(const char* operation, const Tensor& x);
// Of a contiguous tensor.
kernels::Matrices matrices_of(const Tensor& x);
// Throws if a kernel failed: "matrix [0, 2] of a batch of shape [2, 3] is singular".
void check_done(const char* operation, const Tensor& x, std::int64_t failed, const char* what,
                const std::string& hint);

}  // namespace mica::ops
