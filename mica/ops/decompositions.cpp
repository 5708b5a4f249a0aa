#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/join.h>
#include <mica/ops/linalg.h>
#include <mica/ops/matmul.h>
#include <mica/ops/matrices.h>
#include <mica/ops/pointwise.h>

namespace mica::linalg {

using autograd::record;
using autograd::record_not_differentiable;
using autograd::record_several;
using autograd::recording;
using ops::batch_of;
using ops::check_done;
using ops::matrices_of;
using ops::transposed;
using ops::upper_part;
using ops::with_batch;

namespace {

Tensor skew(const Tensor& x) { return x - transposed(x); }

// a + b where either may be undefined.
Tensor sum_of(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

// q (m, k), r (k, n) without history.
QR factors(const Tensor& a, std::int64_t k, bool with_q) {
  const Tensor matrix = a.contiguous();
  QR y;
  if (with_q) y.q = empty(with_batch(batch_of(a), {a.size(-2), k}), a.dtype());
  y.r = empty(with_batch(batch_of(a), {k, a.size(-1)}), a.dtype());
  kernels::qr(matrices_of(matrix), k, matrix.raw_data(), with_q ? y.q.raw_data() : nullptr, y.r.raw_data());
  return y;
}

// m >= n.
QR tall_qr(const Tensor& a) {
  QR y = factors(a, a.size(-1), true);
  if (!recording(a)) return y;
  record_several<2>(
      "linalg::qr", {y.q, y.r}, {&a},
      [q = SavedOutput(y.q, 0), r = SavedOutput(y.r, 1)](
          const Node& node, std::span<const Tensor> grads) -> std::array<Tensor, 1> {
        // (grad_q + q p) r^-T, where p is triu(grad_r r^T - q^T grad_q) made symmetric
        const Tensor factor = q.get(node);
        const Tensor triangle = r.get(node);
        const Tensor from_r = grads[1].defined() ? matmul(grads[1], transposed(triangle)) : Tensor();
        const Tensor from_q = grads[0].defined() ? -matmul(transposed(factor), grads[0]) : Tensor();
        const Tensor product = sum_of(from_r, from_q);
        const Tensor p = upper_part(product) + transposed(upper_part(product, 1));
        const Tensor z = sum_of(matmul(factor, p), grads[0]);
        return {solve_triangular(transposed(triangle), z, {.upper = false, .left = false})};
      });
  return y;
}

}  // namespace

QR qr(const Tensor& a, QRMode mode) {
  if (autocast_enabled()) return ops::autocast_to<f32>(qr, a, mode);
  ops::check_matrices("linalg::qr", a);
  const std::int64_t m = a.size(-2);
  const std::int64_t n = a.size(-1);
  if (mode == QRMode::r || (mode == QRMode::complete && m > n)) {
    QR y = factors(a, mode == QRMode::r ? std::min(m, n) : m, mode != QRMode::r);
    if (recording(a)) {
      if (y.q.defined()) y.q = record_not_differentiable("linalg::qr (complete)", y.q, {&a, 1});
      y.r = record_not_differentiable("linalg::qr (complete or r)", y.r, {&a, 1});
    }
    return y;
  }
  if (m >= n) return tall_qr(a);
  // The first m columns decide; the others are seen from q.
  const auto [q, r] = tall_qr(a.narrow(-1, 0, m));
  return {q, cat({r, matmul(transposed(q), a.narrow(-1, m, n - m))}, -1)};
}

namespace {

SVD singular(const char* operation, const Tensor& a, bool full, bool vectors) {
  const std::int64_t m = a.size(-2);
  const std::int64_t n = a.size(-1);
  const std::int64_t k = std::min(m, n);
  const Tensor matrix = a.contiguous();
  SVD y{{}, empty(with_batch(batch_of(a), k), a.dtype()), {}};
  if (vectors) {
    y.u = empty(with_batch(batch_of(a), {m, full ? m : k}), a.dtype());
    y.vt = empty(with_batch(batch_of(a), {full ? n : k, n}), a.dtype());
  }
  check_done(operation, a,
             kernels::svd(matrices_of(matrix), full, matrix.raw_data(), vectors ? y.u.raw_data() : nullptr,
                          y.s.raw_data(), vectors ? y.vt.raw_data() : nullptr),
             "not finite", "look for NaN and infinities with isfinite()");
  return y;
}

}  // namespace

SVD svd(const Tensor& a, bool full_matrices) {
  if (autocast_enabled()) return ops::autocast_to<f32>(svd, a, full_matrices);
  ops::check_matrices("linalg::svd", a);
  SVD y = singular("linalg::svd", a, full_matrices, true);
  if (!recording(a)) return y;
  record_several<3>("linalg::svd", {y.u, y.s, y.vt}, {&a},
                    [u = SavedOutput(y.u, 0), s = SavedOutput(y.s, 1), vt = SavedOutput(y.vt, 2)](
                        const Node& node, std::span<const Tensor> grads) -> std::array<Tensor, 1> {
                      // Columns that only full matrices have are arbitrary: functions that mean something
                      // ignore them.
                      const Tensor values = s.get(node);
                      const std::int64_t k = values.size(-1);
                      const Tensor left = u.get(node).narrow(-1, 0, k);
                      const Tensor right = transposed(vt.get(node).narrow(-2, 0, k));
                      const Tensor columns = values.unsqueeze(-2);
                      const Tensor rows = values.unsqueeze(-1);
                      const Tensor identity = eye(k, {}, values.dtype());
                      const Tensor gaps = columns * columns - rows * rows + identity;
                      Tensor inner = grads[1].defined() ? grads[1].unsqueeze(-1) * identity : Tensor();
                      Tensor outside;  // the parts orthogonal to left and to right
                      if (grads[0].defined()) {
                        const Tensor grad = grads[0].narrow(-1, 0, k);
                        const Tensor along = matmul(transposed(left), grad);
                        inner = sum_of(inner, skew(along) / gaps * columns);
                        if (left.size(-2) > k)
                          outside = matmul((grad - matmul(left, along)) / columns, transposed(right));
                      }
                      if (grads[2].defined()) {
                        const Tensor grad = transposed(grads[2].narrow(-2, 0, k));
                        const Tensor along = matmul(transposed(right), grad);
                        inner = sum_of(inner, rows * (skew(along) / gaps));
                        if (right.size(-2) > k)
                          outside = sum_of(outside,
                                           matmul(left, transposed((grad - matmul(right, along)) / columns)));
                      }
                      return {sum_of(matmul(matmul(left, inner), transposed(right)), outside)};
                    });
  return y;
}

Tensor svdvals(const Tensor& a) {
  if (autocast_enabled()) return ops::autocast_to<f32>(svdvals, a);
  ops::check_matrices("linalg::svdvals", a);
  // The gradient needs the vectors.
  if (recording(a)) return svd(a, false).s;
  return singular("linalg::svdvals", a, false, false).s;
}

namespace {

Eigh symmetric(const char* operation, const Tensor& a, bool vectors) {
  const Tensor matrix = a.contiguous();
  Eigh y{empty(with_batch(batch_of(a), a.size(-1)), a.dtype()), {}};
  if (vectors) y.vectors = empty(a.sizes(), a.dtype());
  check_done(operation, a,
             kernels::eigh(matrices_of(matrix), matrix.raw_data(), y.values.raw_data(),
                           vectors ? y.vectors.raw_data() : nullptr),
             "not finite", "look for NaN and infinities with isfinite()");
  return y;
}

}  // namespace

Eigh eigh(const Tensor& a, UPLO triangle) {
  if (autocast_enabled()) return ops::autocast_to<f32>(eigh, a, triangle);
  ops::check_square("linalg::eigh", a);
  const Tensor lower = triangle == UPLO::upper ? transposed(a) : a;
  Eigh y = symmetric("linalg::eigh", lower, true);
  if (!recording(lower)) return y;
  record_several<2>("linalg::eigh", {y.values, y.vectors}, {&lower},
                    [w = SavedOutput(y.values, 0), v = SavedOutput(y.vectors, 1)](
                        const Node& node, std::span<const Tensor> grads) -> std::array<Tensor, 1> {
                      const Tensor values = w.get(node);
                      const Tensor vectors = v.get(node);
                      const Tensor identity = eye(values.size(-1), {}, values.dtype());
                      Tensor inner = grads[0].defined() ? grads[0].unsqueeze(-1) * identity : Tensor();
                      if (grads[1].defined()) {
                        const Tensor gaps = values.unsqueeze(-2) - values.unsqueeze(-1) + identity;
                        const Tensor along = matmul(transposed(vectors), grads[1]);
                        inner = sum_of(inner, along * (1 - identity) / gaps);
                      }
                      return {matmul(matmul(vectors, inner), transposed(vectors))};
                    });
  return y;
}

Tensor eigvalsh(const Tensor& a, UPLO triangle) {
  if (autocast_enabled()) return ops::autocast_to<f32>(eigvalsh, a, triangle);
  ops::check_square("linalg::eigvalsh", a);
  if (recording(a)) return eigh(a, triangle).values;
  return symmetric("linalg::eigvalsh", triangle == UPLO::upper ? transposed(a) : a, false).values;
}

namespace {

// Singular values up to this count as zero: (..., 1).
Tensor cutoff(const Tensor& a, const Tensor& s, std::optional<double> rtol) {
  const double epsilon =
      a.dtype() == f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  const double relative = rtol.value_or(static_cast<double>(std::max(a.size(-1), a.size(-2))) * epsilon);
  return s.narrow(-1, 0, 1) * relative;
}

bool no_entries(const Tensor& a) { return a.size(-1) == 0 || a.size(-2) == 0; }

// `parts` are a's own.
Tensor inverse_of(const Tensor& a, const SVD& parts, std::optional<double> rtol) {
  Tensor y;
  if (no_entries(a)) {
    y = transposed(a.detach()).clone();
  } else {
    const Tensor inverse = masked_fill(1 / parts.s, parts.s.le(cutoff(a, parts.s, rtol)), 0);
    y = matmul(transposed(parts.vt) * inverse.unsqueeze(-2), transposed(parts.u));
  }
  if (!recording(a)) return y;
  return record("linalg::pinv", y, {&a},
                [a = Saved(a), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                  // Golub and Pereyra (1973): three terms, the last two zero where the rank is full
                  const Tensor x = a.get(node);
                  const Tensor p = y.get(node);
                  const Tensor pt = transposed(p);
                  const Tensor gt = transposed(grad);
                  const Tensor gp = matmul(gt, p);                 // (m, m)
                  const Tensor pg = matmul(p, gt);                 // (n, n)
                  const Tensor first = transposed(matmul(pg, p));  // (m, n)
                  const Tensor second = matmul(gt - matmul(x, pg), matmul(p, pt));
                  const Tensor third = matmul(matmul(pt, p), gt - matmul(gp, x));
                  return second + third - first;
                });
}

}  // namespace

Tensor pinv(const Tensor& a, std::optional<double> rtol) {
  if (autocast_enabled()) return ops::autocast_to<f32>(pinv, a, rtol);
  ops::check_matrices("linalg::pinv", a);
  return inverse_of(a, no_entries(a) ? SVD() : singular("linalg::pinv", a.detach(), false, true), rtol);
}

LeastSquares lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond) {
  if (autocast_enabled()) return ops::autocast_to<f32>(lstsq, a, b, rcond);
  ops::check_matrices("linalg::lstsq", a);
  ops::check_same_dtype("linalg::lstsq", a, "the matrix", b, "the right side");
  const bool vectors = b.dim() == a.dim() - 1 && b.sizes() == with_batch(batch_of(a), {a.size(-2)});
  const Tensor right = vectors ? b.unsqueeze(-1) : b;
  if (right.dim() < 2 || right.size(-2) != a.size(-2)) {
    throw Error("linalg::lstsq", fmt::format("a matrix of shape {} and a right side of shape {}",
                                             to_string(a.sizes()), to_string(b.sizes())));
  }
  LeastSquares y;
  SVD parts;
  if (no_entries(a)) {
    y.rank = zeros(batch_of(a), i64);
    y.singular_values = empty(with_batch(batch_of(a), {0}), a.dtype());
  } else {
    parts = singular("linalg::lstsq", a.detach(), false, true);
    y.rank = parts.s.gt(cutoff(a, parts.s, rcond)).sum(-1);
    y.singular_values = parts.s;
  }
  y.solution = matmul(inverse_of(a, parts, rcond), right);
  const bool has_residuals = a.size(-2) > a.size(-1) && y.rank.eq(a.size(-1)).all().item<bool>();
  y.residuals = has_residuals ? square(matmul(a, y.solution) - right).sum(-2) : empty({0}, a.dtype());
  if (vectors) y.solution = y.solution.squeeze(-1);
  return y;
}

Tensor matrix_rank(const Tensor& a, std::optional<double> rtol) {
  if (autocast_enabled()) return ops::autocast_to<f32>(matrix_rank, a, rtol);
  ops::check_matrices("linalg::matrix_rank", a);
  if (no_entries(a)) return zeros(batch_of(a), i64);
  const Tensor s = singular("linalg::matrix_rank", a.detach(), false, false).s;
  return s.gt(cutoff(a, s, rtol)).sum(-1);
}

}  // namespace mica::linalg
