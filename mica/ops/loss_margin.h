// Losses of margins and distances.
#pragma once

#include <mica/core/any_function.h>
#include <mica/ops/loss.h>

namespace mica {

// log(1 + exp(-target x)) for targets 1 and -1, without overflow (nn.functional.soft_margin_loss). Shapes
// broadcast.
Tensor soft_margin_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);

struct HingeEmbeddingLossOptions {
  double margin = 1;
  Reduction reduction = Reduction::mean;
};
// x where the target is 1, max(0, margin - x) where it is -1 (nn.functional.hinge_embedding_loss). Shapes
// broadcast.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target,
                            const HingeEmbeddingLossOptions& options = {});

struct MultiMarginLossOptions {
  std::int64_t p = 1;  // 1 or 2
  double margin = 1;
  Tensor weight{};  // (C): a weight for each class, constant
  Reduction reduction = Reduction::mean;
};
// sum over classes i other than the target y of max(0, margin - x[y] + x[i])^p / C
// (nn.functional.multi_margin_loss). Shapes: x (N, C) or (C); target class numbers (N) or (). Errors: p other
// than 1 and 2, class numbers out of range, shapes that do not match.
Tensor multi_margin_loss(const Tensor& x, const Tensor& target, const MultiMarginLossOptions& options = {});

// sum over targets j and classes i that are none of max(0, 1 - (x[j] - x[i])) / C
// (nn.functional.multilabel_margin_loss). Shapes: x (N, C) or (C); target class numbers of the same shape,
// those before the first -1 of a row. Errors: class numbers out of range, shapes that differ.
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);

struct MultilabelSoftMarginLossOptions {
  Tensor weight{};  // a weight for each class, constant; broadcast
  Reduction reduction = Reduction::mean;
};
// The mean over the classes, the last dimension, of the binary cross entropies of sigmoid(x)
// (nn.functional.multilabel_soft_margin_loss). Shapes broadcast.
Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                   const MultilabelSoftMarginLossOptions& options = {});

struct CosineEmbeddingLossOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
};
// 1 - cos(a, b) where the target is 1, max(0, cos(a, b) - margin) where it is -1
// (nn.functional.cosine_embedding_loss). Shapes: a and b (N, D) with target (N), or (D) with (). Errors:
// other shapes.
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                             const CosineEmbeddingLossOptions& options = {});

struct MarginRankingLossOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
};
// max(0, -target (a - b) + margin): a is to be larger where the target is 1, b where it is -1
// (nn.functional.margin_ranking_loss). Shapes broadcast. Errors: different numbers of dimensions.
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                           const MarginRankingLossOptions& options = {});

struct TripletMarginLossOptions {
  double margin = 1;
  double p = 2;       // of the norm that distances are
  double eps = 1e-6;  // added to differences
  bool swap =
      false;  // take the negative's distance from the positive where that is nearer (Balntas et al. 2016)
  Reduction reduction = Reduction::mean;
};
// max(0, d(anchor, positive) - d(anchor, negative) + margin), with distances over the last dimension
// (nn.functional.triplet_margin_loss). Shapes broadcast. Errors: margin <= 0, different numbers of
// dimensions.
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& options = {});

struct TripletMarginWithDistanceLossOptions {
  AnyFunction<Tensor(const Tensor&, const Tensor&)> distance_function{};  // default: as above, with p 2
  double margin = 1;
  bool swap = false;
  Reduction reduction = Reduction::mean;
};
// The same with any distance (nn.functional.triplet_margin_with_distance_loss).
Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& options = {});

}  // namespace mica
