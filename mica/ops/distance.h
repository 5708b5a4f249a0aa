// Distances and angles between vectors.
#pragma once

#include <cstdint>

#include <mica/tensor/tensor.h>

namespace mica {

struct PairwiseDistanceOptions {
  double p = 2;
  double eps = 1e-6;  // added to each difference, so that the gradient of equal vectors is finite
  bool keepdim = false;
};
// The p-norm of x1 - x2 + eps along the last dimension. Shapes: (..., D), which broadcast -> (...), or (...,
// 1) with keepdim.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, const PairwiseDistanceOptions& options = {});

// x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim` of the shape that both broadcast to. Errors: not
// floating point.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, std::int64_t dim = 1, double eps = 1e-8);

// The p-norms of the differences of all pairs of rows, in the order (0, 1), (0, 2), ... (1, 2), ...; the
// gradient of equal rows is 0. Shapes: (N, D) -> (N (N - 1) / 2). Errors: other shapes, p < 0, not floating
// point.
Tensor pdist(const Tensor& x, double p = 2);

enum class CdistMode : std::uint8_t {
  use_mm_if_necessary,  // use_mm where one side has more than 25 vectors
  use_mm,  // p = 2 as |a|^2 + |b|^2 - 2 a.b: fast, and inexact for vectors that are close together
  donot_use_mm,
};
struct CdistOptions {
  double p = 2;
  CdistMode compute_mode = CdistMode::use_mm_if_necessary;
};
// The p-norms of x1[..., i, :] - x2[..., j, :], for all i and j; the gradient of equal vectors is 0. Without
// matrix products all differences are in memory at once. Shapes: (..., P, D), (..., R, D), batches broadcast
// ->
// (..., P, R). Errors: other shapes, p < 0, dtypes that differ or are not floating point.
Tensor cdist(const Tensor& x1, const Tensor& x2, const CdistOptions& options = {});

}  // namespace mica
