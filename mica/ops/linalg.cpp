#include <array>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/linalg.h>
#include <mica/ops/matmul.h>
#include <mica/ops/matrices.h>
#include <mica/ops/pointwise.h>

namespace mica::linalg {

using autograd::record;
using autograd::record_several;
using autograd::recording;
using ops::batch_of;
using ops::check_done;
using ops::check_square;
using ops::lower_part;
using ops::matrices_of;
using ops::transposed;
using ops::upper_part;
using ops::with_batch;

namespace {

const char* const singular_hint = "lstsq() and pinv() take singular matrices";

// (..., n, n) and (..., n, k) with one batch.
struct System {
  Tensor a, b;
};
System broadcast(const char* operation, const Tensor& a, const Tensor& b) {
  const Shape batch = broadcast_shapes(batch_of(a), batch_of(b), operation);
  return {a.expand(with_batch(batch, {a.size(-2), a.size(-1)})),
          b.expand(with_batch(batch, {b.size(-2), b.size(-1)}))};
}

void check_system(const char* operation, const Tensor& a, const Tensor& b) {
  check_square(operation, a);
  ops::check_same_dtype(operation, a, "the matrix", b, "the right side");
  if (b.dim() < 2 || b.size(-2) != a.size(-1)) {
    throw Error(operation, fmt::format("a matrix of shape {} and a right side of shape {}",
                                       to_string(a.sizes()), to_string(b.sizes())));
  }
}

// One batch, matrices on the right.
Tensor solve_matrices(const Tensor& a, const Tensor& b) {
  const Tensor matrix = a.contiguous();
  const Tensor right = b.contiguous();
  Tensor x = empty(b.sizes(), b.dtype());
  const std::int64_t failed =
      kernels::solve(matrices_of(matrix), b.size(-1), matrix.raw_data(), right.raw_data(), x.raw_data());
  check_done("linalg::solve", a, failed, "singular", singular_hint);
  if (!recording(a, b)) return x;
  return record(
      "linalg::solve", x, {&a, &b},
      [a = Saved(a), x = SavedOutput(x)](const Node& node, const Tensor& grad) -> std::array<Tensor, 2> {
        const Tensor grad_b = solve_matrices(transposed(a.get(node)), grad);
        return {node.needs(0) ? -matmul(grad_b, transposed(x.get(node))) : Tensor(), grad_b};
      });
}

Tensor solve_triangles(const Tensor& a, const Tensor& b, bool upper, bool unit) {
  const Tensor matrix = a.contiguous();
  const Tensor right = b.contiguous();
  Tensor x = empty(b.sizes(), b.dtype());
  kernels::solve_triangular(matrices_of(matrix), b.size(-1), upper, unit, matrix.raw_data(), right.raw_data(),
                            x.raw_data());
  if (!recording(a, b)) return x;
  return record("linalg::solve_triangular", x, {&a, &b},
                [upper, unit, a = Saved(a), x = SavedOutput(x)](const Node& node,
                                                                const Tensor& grad) -> std::array<Tensor, 2> {
                  const Tensor grad_b = solve_triangles(transposed(a.get(node)), grad, !upper, unit);
                  if (!node.needs(0)) return {Tensor(), grad_b};
                  const Tensor grad_a = -matmul(grad_b, transposed(x.get(node)));
                  return {upper ? upper_part(grad_a, unit ? 1 : 0) : lower_part(grad_a, unit ? -1 : 0),
                          grad_b};
                });
}

// The derivative of det for any matrix, from its singular values: u diag(products of the others) vt, with the
// sign of u vt. Without a derivative of its own.
Tensor cofactors(const Tensor& a) {
  const NoGrad no_grad;
  const auto [u, s, vt] = svd(a.detach());
  const std::int64_t n = a.size(-1);
  // (..., i, j): s_j, but 1 where i == j
  const Tensor rows = s.unsqueeze(-2).expand(with_batch(batch_of(a), {n, n}));
  const Tensor others = masked_fill(rows, eye(n, {}, f32).gt(0), 1);
  Tensor products = others.select(-1, 0);
  for (std::int64_t j = 1; j < n; ++j) products = products * others.select(-1, j);
  const Tensor sign = det(u) * det(vt);
  return matmul(u * products.unsqueeze(-2), vt) * sign.unsqueeze(-1).unsqueeze(-1);
}

}  // namespace

Tensor cholesky(const Tensor& a, bool upper) {
  if (autocast_enabled()) return ops::autocast_to<f32>(cholesky, a, upper);
  check_square("linalg::cholesky", a);
  if (upper) return transposed(cholesky(a));
  const Tensor matrix = a.contiguous();
  Tensor l = empty(a.sizes(), a.dtype());
  check_done("linalg::cholesky", a, kernels::cholesky(matrices_of(matrix), matrix.raw_data(), l.raw_data()),
             "not positive definite", "add a small multiple of the identity, or use eigh()");
  if (!recording(a)) return l;
  return record("linalg::cholesky", l, {&a}, [l = SavedOutput(l)](const Node& node, const Tensor& grad) {
    // l^-T p l^-1 with p the symmetric part of tril(l^T grad), whose diagonal counts by half
    const Tensor factor = l.get(node);
    const Tensor product = matmul(transposed(factor), grad);
    const Tensor p = (lower_part(product) + transposed(lower_part(product, -1))) * 0.5;
    const Tensor half = solve_triangles(transposed(factor), p, true, false);
    return transposed(solve_triangles(transposed(factor), transposed(half), true, false));
  });
}

Tensor solve(const Tensor& a, const Tensor& b, bool left) {
  if (autocast_enabled()) return ops::autocast_to<f32>(solve, a, b, left);
  check_square("linalg::solve", a);
  const Shape rows{std::span<const std::int64_t>(a.sizes().begin(), a.sizes().end() - 1)};
  if (b.dim() == 1 || b.sizes() == rows) {
    if (!left) return solve(transposed(a), b);
    return solve(a, b.unsqueeze(-1)).squeeze(-1);
  }
  if (!left && b.dim() >= 2) return transposed(solve(transposed(a), transposed(b)));
  check_system("linalg::solve", a, b);
  const auto [matrix, right] = broadcast("linalg::solve", a, b);
  return solve_matrices(matrix, right);
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, const Triangle& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(solve_triangular, a, b, options);
  const auto [upper, left, unit] = options;
  check_square("linalg::solve_triangular", a);
  if (!left && b.dim() >= 2) {
    return transposed(solve_triangular(transposed(a), transposed(b),
                                       {.upper = !upper, .left = true, .unitriangular = unit}));
  }
  check_system("linalg::solve_triangular", a, b);
  const auto [matrix, right] = broadcast("linalg::solve_triangular", a, b);
  return solve_triangles(matrix, right, upper, unit);
}

Tensor inv(const Tensor& a) {
  if (autocast_enabled()) return ops::autocast_to<f32>(inv, a);
  check_square("linalg::inv", a);
  const Tensor matrix = a.contiguous();
  const Tensor identity = ops::identity_like(a).expand(a.sizes()).contiguous();
  Tensor y = empty(a.sizes(), a.dtype());
  check_done(
      "linalg::inv", a,
      kernels::solve(matrices_of(matrix), a.size(-1), matrix.raw_data(), identity.raw_data(), y.raw_data()),
      "singular", singular_hint);
  if (!recording(a)) return y;
  return record("linalg::inv", y, {&a}, [y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor inverse = transposed(y.get(node));
    return -matmul(matmul(inverse, grad), inverse);
  });
}

Tensor det(const Tensor& a) {
  if (autocast_enabled()) return ops::autocast_to<f32>(det, a);
  check_square("linalg::det", a);
  const Tensor matrix = a.contiguous();
  Tensor y = empty(batch_of(a), a.dtype());
  kernels::determinant(matrices_of(matrix), matrix.raw_data(), y.raw_data(), nullptr, nullptr);
  if (!recording(a)) return y;
  return record(
      "linalg::det", y, {&a}, [a = Saved(a), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
        const Tensor x = a.get(node);
        const Tensor determinant = y.get(node);
        const auto spread = [](const Tensor& t) { return t.unsqueeze(-1).unsqueeze(-1); };
        if (!determinant.detach().eq(0).any().item<bool>())
          return spread(grad * determinant) * transposed(inv(x));
        Tensor slope = cofactors(x);
        if (recording(x))
          slope = autograd::record_not_differentiable("linalg::det at a singular matrix", slope, {&x, 1});
        return spread(grad) * slope;
      });
}

SignLogabs slogdet(const Tensor& a) {
  if (autocast_enabled()) return ops::autocast_to<f32>(slogdet, a);
  check_square("linalg::slogdet", a);
  const Tensor matrix = a.contiguous();
  SignLogabs y{empty(batch_of(a), a.dtype()), empty(batch_of(a), a.dtype())};
  kernels::determinant(matrices_of(matrix), matrix.raw_data(), nullptr, y.sign.raw_data(),
                       y.logabs.raw_data());
  if (!recording(a)) return y;
  record_several<2>("linalg::slogdet", {y.sign, y.logabs}, {&a},
                    [a = Saved(a)](const Node& node, std::span<const Tensor> grads) -> std::array<Tensor, 1> {
                      const Tensor x = a.get(node);
                      if (!grads[1].defined()) return {zeros_like(x)};  // the sign is constant
                      return {grads[1].unsqueeze(-1).unsqueeze(-1) * transposed(inv(x))};
                    });
  return y;
}

Tensor matrix_power(const Tensor& a, std::int64_t n) {
  if (a.dim() < 2 || a.size(-1) != a.size(-2)) {
    throw Error("linalg::matrix_power",
                fmt::format("matrices of shape {} are not square", to_string(a.sizes())));
  }
  if (n == 0) return masked_fill(a, ones({}, boolean), 0) + ops::identity_like(a);
  Tensor square = n < 0 ? inv(a) : a;
  Tensor result;
  for (auto left = n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n); left != 0;) {
    if (left % 2 == 1) result = result.defined() ? matmul(result, square) : square;
    left /= 2;
    if (left != 0) square = matmul(square, square);
  }
  return result;
}

}  // namespace mica::linalg
