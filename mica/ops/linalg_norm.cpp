#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/linalg.h>
#include <mica/ops/pointwise.h>

namespace mica::linalg {

Tensor vector_norm(const Tensor& x, double p, const Shape& dims, bool keepdim) {
  return x.norm(p, dims, keepdim);
}

namespace {

// Of matrices in the last two dimensions; (...).
Tensor norm_of_matrices(const Tensor& a, MatrixNorm norm) {
  if (!norm.order) return norm.name == Norm::nuc ? svdvals(a).sum(-1) : a.norm(2, {-2, -1});
  const double order = *norm.order;
  const double size = std::abs(order);
  if (size != 1 && size != 2 && !std::isinf(size)) {
    throw Error("linalg::matrix_norm", fmt::format("the norm is {}", order),
                "a matrix has Norm::fro, Norm::nuc, 1, 2, infinity and their negatives");
  }
  const Tensor values = size == 2 ? svdvals(a) : abs(a).sum(size == 1 ? -2 : -1);
  return order > 0 ? values.amax(-1) : values.amin(-1);
}

}  // namespace

Tensor matrix_norm(const Tensor& a, MatrixNorm norm, const Shape& dims, bool keepdim) {
  if (autocast_enabled()) return ops::autocast_to<f32>(matrix_norm, a, norm, dims, keepdim);
  const int rank = static_cast<int>(a.dim());
  if (rank < 2 || dims.size() != 2) {
    throw Error("linalg::matrix_norm",
                fmt::format("{} of a tensor of shape {}", to_string(dims), to_string(a.sizes())),
                "a matrix takes two dimensions, {-2, -1} by default");
  }
  const int rows = wrap_dim(dims[0], rank, "linalg::matrix_norm");
  const int columns = wrap_dim(dims[1], rank, "linalg::matrix_norm");
  if (rows == columns) {
    throw Error("linalg::matrix_norm", fmt::format("dims are {}", to_string(dims)),
                "they must be two different ones");
  }
  Tensor y = norm_of_matrices(a.movedim({rows, columns}, {-2, -1}), norm);
  if (!keepdim) return y;
  return y.unsqueeze(std::min(rows, columns)).unsqueeze(std::max(rows, columns));
}

Tensor norm(const Tensor& x, std::optional<MatrixNorm> norm, const Shape& dims, bool keepdim) {
  if (!norm) return vector_norm(x, 2, dims, keepdim);
  const int count = dims.empty() ? x.sizes().size() : dims.size();
  if (count == 1 && norm->order) return vector_norm(x, *norm->order, dims, keepdim);
  if (count == 2) return matrix_norm(x, *norm, dims.empty() ? Shape{0, 1} : dims, keepdim);
  throw Error("linalg::norm",
              fmt::format("{} of a tensor of shape {}", to_string(dims), to_string(x.sizes())),
              count == 1 ? "Norm::fro and Norm::nuc are norms of matrices: give two dimensions"
                         : "a norm is that of one dimension (a vector) or of two (a matrix)");
}

}  // namespace mica::linalg
