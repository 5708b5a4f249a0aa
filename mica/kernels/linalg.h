// Decompositions of matrices and solutions of systems, many at a time and in parallel.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// `count` matrices of one size, row-major and dense, one behind the other. f32 or f64.
struct Matrices {
  DType dtype;
  std::int64_t count, rows, columns;
};

// Functions that can fail return the number of the first matrix that did, or -1. What they wrote for such
// matrices has no meaning.

// a = l l^T, from the lower triangle of a. Fails where a is not positive definite (NaN is not).
std::int64_t cholesky(const Matrices& m, const void* a, void* l);

// a x = b with b and x (rows, right) each, by elimination with row exchanges. Fails where a is singular.
std::int64_t solve(const Matrices& m, std::int64_t right, const void* a, const void* b, void* x);

// The same for a triangle of a, the rest of which is not read, nor the diagonal if `unit`. Divides by zero
// where the diagonal is.
void solve_triangular(const Matrices& m, std::int64_t right, bool upper, bool unit, const void* a,
                      const void* b, void* x);

// det = sign exp(logabs); any of the results may be null.
void determinant(const Matrices& m, const void* a, void* det, void* sign, void* logabs);

// a = q r with q (rows, inner) and r (inner, columns), where inner is rows or min(rows, columns). q may be
// null.
void qr(const Matrices& m, std::int64_t inner, const void* a, void* q, void* r);

// a = u diag(s) vt with s (k) falling, k = min(rows, columns), u (rows, k) and vt (k, columns), or square if
// `full`. u and vt may both be null. Fails where a is not finite.
std::int64_t svd(const Matrices& m, bool full, const void* a, void* u, void* s, void* vt);

// a = v diag(w) v^T with w rising, from the lower triangle of a. v may be null. Fails where a is not finite.
std::int64_t eigh(const Matrices& m, const void* a, void* w, void* v);

}  // namespace mica::kernels
