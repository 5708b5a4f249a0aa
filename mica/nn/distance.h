// Distances as layers.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/distance.h>

namespace mica::nn {

// torch.nn.PairwiseDistance. Shapes: two of (..., D) -> (...).
struct PairwiseDistance : Module {
  double p = 2, eps = 1e-6;
  bool keepdim = false;
  Tensor forward(const Tensor& x1, const Tensor& x2) {
    return pairwise_distance(x1, x2, {.p = p, .eps = eps, .keepdim = keepdim});
  }
  std::string extra_repr() const { return {}; }  // as PyTorch
};

// torch.nn.CosineSimilarity. Shapes: two of (..., D, ...) with D at `dim` -> (..., ...).
struct CosineSimilarity : Module {
  std::int64_t dim = 1;
  double eps = 1e-8;
  Tensor forward(const Tensor& x1, const Tensor& x2) { return cosine_similarity(x1, x2, dim, eps); }
  std::string extra_repr() const { return {}; }
};

}  // namespace mica::nn
