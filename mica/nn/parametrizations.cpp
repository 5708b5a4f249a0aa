#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <mica/autograd/autocast.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/parametrizations.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/linalg.h>
#include <mica/ops/matmul.h>
#include <mica/ops/norm.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn::parametrizations {

namespace {

// Lengths of the slices along a dimension, of size 1 in the others (torch.norm_except_dim).
Tensor norm_except(const Tensor& v, std::optional<std::int64_t> dim) {
  if (!dim || *dim == -1) return v.norm();
  if (*dim < 0 || *dim >= v.dim()) {
    throw Error("WeightNorm", fmt::format("dim {} is out of range for a weight of shape {}", *dim,
                                          mica::to_string(v.sizes())));
  }
  Shape others;
  for (int i = 0; i < v.dim(); ++i) {
    if (i != *dim) others.push_back(i);
  }
  return others.empty() ? v.abs() : v.norm(2, others, true);
}

}  // namespace

Tensor WeightNorm::forward(const Tensor& g, const Tensor& v) { return v * (g / norm_except(v, dim)); }

std::array<Tensor, 2> WeightNorm::right_inverse(const Tensor& value) {
  return {norm_except(value, dim), value};
}

Tensor SpectralNorm::as_matrix(const Tensor& weight) const {
  const std::int64_t rows = dim.value_or(0);
  return (rows == 0 ? weight : weight.movedim({rows}, {0})).flatten(1);
}

void SpectralNorm::attach(const Tensor& value, std::string_view layer) {
  const std::int64_t rank = value.dim();
  if (!dim) dim = layer.starts_with("ConvTranspose") ? 1 : 0;
  if (*dim < -rank || *dim >= rank) {
    throw Error("SpectralNorm", fmt::format("dim {} is out of range for a weight of shape {}", *dim,
                                            mica::to_string(value.sizes())));
  }
  if (*dim < 0) *dim += rank;
  if (n_power_iterations < 1) {
    throw Error("SpectralNorm", fmt::format("n_power_iterations {} is not positive", n_power_iterations));
  }
  if (rank < 2) return;
  const Tensor matrix = as_matrix(value);
  const auto unit = [&](std::int64_t size) {
    return Buffer(normalize(empty(Shape(size), value.dtype()).normal_(), {.dim = 0, .eps = eps}));
  };
  _u = unit(matrix.size(0));
  _v = unit(matrix.size(1));
  iterate(matrix, 15);
}

void SpectralNorm::iterate(const Tensor& matrix, std::int64_t times) {
  const NoGrad no_grad;
  for (std::int64_t i = 0; i < times; ++i) {
    _u.copy_(normalize(matmul(matrix, _v), {.dim = 0, .eps = eps}));
    _v.copy_(normalize(matmul(matrix.t(), _u), {.dim = 0, .eps = eps}));
  }
}

Tensor SpectralNorm::forward(const Tensor& weight) {
  const autograd::NoAutocast in_full;  // the layer that takes the weight converts it
  if (weight.dim() == 1) return normalize(weight, {.dim = 0, .eps = eps});
  const Tensor matrix = as_matrix(weight);
  if (mode.training) iterate(matrix, n_power_iterations);
  // Copies, as the next call changes the buffers: a loss may be of two calls.
  const Tensor u = _u.detach().clone(), v = _v.detach().clone();
  return weight / u.dot(matmul(matrix, v));
}

namespace {

Tensor mirrored(const Tensor& x) { return x.transpose(-2, -1); }

// The sizes of a batch of matrices with others for the matrices.
Shape with_matrices(const Tensor& like, std::int64_t rows, std::int64_t columns) {
  Shape out = like.sizes();
  out[out.size() - 2] = rows;
  out[out.size() - 1] = columns;
  return out;
}

bool is_orthogonal(const Tensor& q) {
  const double eps =
      q.dtype() == f64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const Tensor gram = matmul(mirrored(q), q);
  return allclose(gram, eye(q.size(-1), {}, q.dtype()).expand_as(gram), 1e-5,
                  10 * static_cast<double>(q.size(-2)) * eps);
}

// The Q of a = Q R with no negative number in R's diagonal.
Tensor orthogonalized(const Tensor& a) {
  const auto [q, r] = linalg::qr(a);
  return q * r.diagonal(0, -2, -1).sign().unsqueeze(-2);
}

// The product of the reflections 1 - 2 v v^T / |v|^2 at the columns of V, which has ones in its diagonal and
// nothing above: the first columns of 1 - V S^-1 V^T, S the upper triangle of V^T V with half its diagonal
// (Joffrain et al. 2006).
Tensor reflections(const Tensor& below_diagonal) {
  const std::int64_t rows = below_diagonal.size(-2), columns = below_diagonal.size(-1);
  const DType dtype = below_diagonal.dtype();
  const Tensor identity = eye(rows, columns, dtype);
  const Tensor v = below_diagonal + identity;
  const Tensor s = matmul(mirrored(v), v).triu() * (1 - eye(columns, {}, dtype) * 0.5);
  return identity - matmul(v, linalg::solve_triangular(s, mirrored(v.narrow(-2, 0, columns)), {}));
}

// What reflections() and the signs in the diagonal take back to q, which need not be orthogonal: LAPACK's
// geqrf, whose reflectors stay below the diagonal.
template <class T> void to_reflectors(T* a, std::int64_t rows, std::int64_t columns) {
  const auto at = [&](std::int64_t i, std::int64_t j) -> T& { return a[i * columns + j]; };
  for (std::int64_t k = 0; k < columns; ++k) {
    double below = 0;
    for (std::int64_t i = k + 1; i < rows; ++i) below += static_cast<double>(at(i, k)) * at(i, k);
    const double alpha = at(k, k);
    if (below == 0) {  // no reflection: the diagonal tells so by the opposite sign of what 1 - 2 e e^T gives
      at(k, k) = alpha > 0 ? T(-1) : alpha < 0 ? T(1) : T(0);
      continue;
    }
    const double beta = -std::copysign(std::sqrt(alpha * alpha + below), alpha);
    const double tau = (beta - alpha) / beta;
    for (std::int64_t i = k + 1; i < rows; ++i) at(i, k) = static_cast<T>(at(i, k) / (alpha - beta));
    at(k, k) = beta > 0 ? T(1) : T(-1);
    for (std::int64_t j = k + 1; j < columns; ++j) {
      double dot = at(k, j);
      for (std::int64_t i = k + 1; i < rows; ++i) dot += static_cast<double>(at(i, k)) * at(i, j);
      at(k, j) = static_cast<T>(at(k, j) - tau * dot);
      for (std::int64_t i = k + 1; i < rows; ++i) at(i, j) = static_cast<T>(at(i, j) - tau * dot * at(i, k));
    }
  }
}

Tensor reflectors_of(const Tensor& q) {
  const Tensor out = q.detach().clone().contiguous();
  const std::int64_t rows = q.size(-2), columns = q.size(-1), size = rows * columns;
  for (std::int64_t i = 0; size > 0 && i < out.numel() / size; ++i) {
    if (out.dtype() == f64)
      to_reflectors(out.data<double>().data() + i * size, rows, columns);
    else
      to_reflectors(out.data<float>().data() + i * size, rows, columns);
  }
  return out;
}

}  // namespace

OrthogonalMap Orthogonal::map_of(const Tensor& x) const {
  return map.value_or(x.size(-2) == x.size(-1) ? OrthogonalMap::matrix_exp : OrthogonalMap::householder);
}

void Orthogonal::attach(const Tensor& value, std::string_view) {
  if (value.dim() >= 2 && (value.dtype() == f32 || value.dtype() == f64)) return;
  throw Error("Orthogonal",
              fmt::format("the weight is {} {}", name(value.dtype()), mica::to_string(value.sizes())),
              "orthogonal weights are matrices, or batches of matrices, of f32 or f64");
}

Tensor Orthogonal::forward(const Tensor& original) {
  const autograd::NoAutocast in_full;
  const bool wide = original.size(-2) < original.size(-1);
  const Tensor x = wide ? mirrored(original) : original;
  const std::int64_t n = x.size(-2), k = x.size(-1);
  Tensor q;
  if (map_of(x) == OrthogonalMap::householder) {
    // The signs of the diagonal are not learned.
    const Tensor signs = x.detach().diagonal(0, -2, -1).to(i32).to(x.dtype());
    q = reflections(x.tril(-1)) * signs.unsqueeze(-2);
  } else {
    Tensor lower = x.tril();
    if (n != k) lower = cat({lower, zeros(with_matrices(x, n, n - k), x.dtype())}, -1);
    const Tensor skew = lower - mirrored(lower);
    if (map_of(x) == OrthogonalMap::matrix_exp) {
      q = linalg::matrix_exp(skew);
    } else {
      const Tensor half = skew * 0.5, identity = eye(n, {}, x.dtype());
      q = linalg::solve(identity - half, identity + half);
    }
    if (n != k) q = q.narrow(-1, 0, k);
  }
  if (base.defined()) q = matmul(base, q);
  return wide ? mirrored(q) : q;
}

Tensor Orthogonal::right_inverse(const Tensor& value) {
  const NoGrad no_grad;
  const bool wide = value.size(-2) < value.size(-1);
  Tensor q = wide ? mirrored(value) : value;
  const std::int64_t n = q.size(-2), k = q.size(-1);
  if (!use_trivialization) {
    if (map_of(q) != OrthogonalMap::householder) return {};
    const Tensor reflectors = reflectors_of(q);
    return wide ? mirrored(reflectors) : reflectors;
  }
  if (n != k) {
    q = orthogonalized(cat({q, randn(with_matrices(q, n, n - k), q.dtype())}, -1));
  } else {
    q = is_orthogonal(q) ? q.clone() : orthogonalized(q);
  }
  if (base.defined())
    base.copy_(q);
  else
    base = Buffer(q);
  // Minus the identity is mapped to it by the reflections, whose diagonal has the signs.
  return (eye(value.size(-2), value.size(-1), value.dtype()) * -1).expand_as(value).clone();
}

}  // namespace mica::nn::parametrizations
