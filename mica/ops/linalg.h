// Linear algebra: decompositions, solutions, determinants. PyTorch's torch.linalg, in a namespace of its own.
//
// Functions take f32 or f64 matrices in the last two dimensions and work on all matrices of a batch. All are
// differentiable, twice too. A matrix for which there is no result (singular, not positive definite, not
// finite) is an error that names it.
#pragma once

#include <cstdint>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica::linalg {

// The triangle l with l l^T = a, or its transpose if `upper`. Only the lower triangle of a is read; the
// gradient is symmetric. Shapes: (..., n, n) -> (..., n, n). Errors: not positive definite.
Tensor cholesky(const Tensor& a, bool upper = false);

// x with a x = b, or x a = b if not `left`. Shapes: a (..., n, n); b (..., n, k), or (..., k, n) if not left,
// or vectors: (n), or what a has but for its last size. Batches broadcast. Errors: singular.
Tensor solve(const Tensor& a, const Tensor& b, bool left = true);

// The same where only a triangle of a counts, with ones in its diagonal if unitriangular. A zero in the
// diagonal gives infinities. No vectors. Shapes: as above.
struct Triangle {
  bool upper = true;
  bool left = true;
  bool unitriangular = false;
};
Tensor solve_triangular(const Tensor& a, const Tensor& b, const Triangle& options);

// Shapes: (..., n, n) -> (..., n, n). Errors: singular.
Tensor inv(const Tensor& a);

// Shapes: (..., n, n) -> (...). The gradient is exact for singular matrices, too; its own is not defined
// there.
Tensor det(const Tensor& a);
// det = sign exp(logabs); 0 and -infinity for singular matrices, which have no gradient (an error).
struct SignLogabs {
  Tensor sign, logabs;
};
SignLogabs slogdet(const Tensor& a);

// a = q r with orthonormal columns in q and an upper triangle r. Shapes: (..., m, n) -> q (..., m, k) and
// r (..., k, n), where k is min(m, n), or m if `complete`; `r` leaves q undefined. Gradients: `complete` has
// none if m > n, `r` none at all.
enum class QRMode : std::uint8_t { reduced, complete, r };
struct QR {
  Tensor q, r;
};
QR qr(const Tensor& a, QRMode mode = QRMode::reduced);

// a = u diag(s) vt with s falling. Shapes: (..., m, n) -> u (..., m, k), s (..., k), vt (..., k, n),
// k = min(m, n); u (..., m, m) and vt (..., n, n) if full_matrices. Signs of the vectors are free, so
// gradients mean something for functions that do not depend on them; those of u and vt are infinite where
// values are equal. Errors: not finite.
struct SVD {
  Tensor u, s, vt;
};
SVD svd(const Tensor& a, bool full_matrices = true);
Tensor svdvals(const Tensor& a);

// a = v diag(values) v^T for symmetric a, values rising. Only one triangle of a is read. Signs and gradients
// as with svd. Shapes: (..., n, n) -> values (..., n), vectors (..., n, n). Errors: not finite.
enum class UPLO : bool { lower, upper };
struct Eigh {
  Tensor values, vectors;
};
Eigh eigh(const Tensor& a, UPLO triangle = UPLO::lower);
Tensor eigvalsh(const Tensor& a, UPLO triangle = UPLO::lower);

// The Moore-Penrose inverse; singular values up to rtol times the largest count as zero, rtol by default
// max(m, n) times the dtype's epsilon. Shapes: (..., m, n) -> (..., n, m).
Tensor pinv(const Tensor& a, std::optional<double> rtol = {});
// How many singular values are larger than that: i64 (...).
Tensor matrix_rank(const Tensor& a, std::optional<double> rtol = {});

// a a ... a, n times; the inverse for negative n, the identity for 0.
Tensor matrix_power(const Tensor& a, std::int64_t n);

// 1 + a + a^2 / 2 + a^3 / 6 + ... Shapes: (..., n, n) -> (..., n, n); bf16 and f16 too. Errors: not finite.
Tensor matrix_exp(const Tensor& a);

// x with the least |a x - b|, the smallest such x where a's columns depend on each other (singular values as
// in pinv). residuals are the sums of squares |a x - b|^2 of each column, empty (0) unless m > n and all
// matrices have full rank. Shapes: a (..., m, n); b (..., m, k) or what a has but for its last size ->
// solution
// (..., n, k) or (..., n), residuals (..., k), rank i64 (...), singular_values (..., min(m, n)). Only the
// solution and the residuals have gradients. PyTorch's driver "gelsd".
struct LeastSquares {
  Tensor solution, residuals, rank, singular_values;
};
LeastSquares lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond = {});

// (sum |x|^p)^(1/p) over dims, over all if there are none: x.norm(p, dims, keepdim).
Tensor vector_norm(const Tensor& x, double p = 2, const Shape& dims = {}, bool keepdim = false);

// Which norm of a matrix: fro (root of the sum of squares), nuc (sum of singular values), or a number: the
// largest column sum of absolute values (1), the largest row sum (infinity), the largest singular value (2),
// or the smallest ones of these (-1, -infinity, -2).
enum class Norm : bool { fro, nuc };
struct MatrixNorm {
  MatrixNorm(Norm norm) : name(norm) {}       // NOLINT(google-explicit-constructor): linalg::norm(a, fro)
  MatrixNorm(double order) : order(order) {}  // NOLINT(google-explicit-constructor): linalg::norm(a, 2)
  Norm name = Norm::fro;
  std::optional<double> order;  // instead of the name
};
// Norms of the matrices in two dimensions, the first of them that of the rows. Errors: another number; empty
// matrices where a largest value is asked for; bf16 and f16 where singular values are.
Tensor matrix_norm(const Tensor& a, MatrixNorm norm = Norm::fro, const Shape& dims = {-2, -1},
                   bool keepdim = false);
// vector_norm where dims has one entry, or x one dimension and dims none; matrix_norm where there are two.
// Without a norm: the root of the sum of squares over dims, of which there may then be any number.
Tensor norm(const Tensor& x, std::optional<MatrixNorm> norm = {}, const Shape& dims = {},
            bool keepdim = false);

}  // namespace mica::linalg
