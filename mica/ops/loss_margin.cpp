#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/activation.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/loss_margin.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>

namespace mica {

using detail::reduced;

namespace {

// log(1 + e^x), exact everywhere
Tensor log1p_exp(const Tensor& x) { return softplus(x, 1, std::numeric_limits<double>::infinity()); }

// A zero of the dtype of x.
Tensor where_or_zero(const Tensor& condition, const Tensor& x) { return where(condition, x, 0); }

// x as (N, C) with targets of their own shape. Errors: shapes that do not match.
struct Rows {
  Tensor x, target;
  bool unbatched;
};
Rows rows_of(const char* operation, const Tensor& x, const Tensor& target, bool class_numbers_only) {
  ops::check_floating(operation, x);
  if (!is_integral(target.dtype()))
    throw Error(operation, fmt::format("targets are {}", name(target.dtype())), "class numbers are i64");
  const bool unbatched = x.dim() == 1;
  Shape expected = x.sizes();
  if (class_numbers_only && !expected.empty()) expected.erase(expected.size() - 1);
  if (x.dim() < 1 || x.dim() > 2 || target.sizes() != expected) {
    throw Error(operation,
                fmt::format("x of shape {} with targets of shape {}", to_string(x.sizes()),
                            to_string(target.sizes())),
                class_numbers_only ? "x is (N, C) or (C), targets (N) or ()" : "both are (N, C) or (C)");
  }
  const Tensor t = target.to(i64).contiguous();
  return unbatched ? Rows{x.unsqueeze(0), t.unsqueeze(0), true} : Rows{x, t, false};
}

Tensor distance(const Tensor& a, const Tensor& b, double p, double eps) {
  return (a - b + eps).norm(p, Shape(-1));
}

void check_triplet(const char* operation, const Tensor& anchor, const Tensor& positive,
                   const Tensor& negative, double margin) {
  if (!(margin > 0)) throw Error(operation, fmt::format("margin {} is not positive", margin));
  if (anchor.dim() != positive.dim() || anchor.dim() != negative.dim()) {
    throw Error(operation, fmt::format("anchor, positive and negative of {}, {} and {} dimensions",
                                       anchor.dim(), positive.dim(), negative.dim()));
  }
}

template <class Distance>
Tensor triplet(const char* operation, const Tensor& anchor, const Tensor& positive, const Tensor& negative,
               const Distance& apart, double margin, bool swap, Reduction reduction) {
  Tensor far = apart(anchor, negative);
  if (swap) far = minimum(far, apart(positive, negative));
  return reduced(operation, clamp_min(margin + apart(anchor, positive) - far, 0), reduction);
}

}  // namespace

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  if (autocast_enabled()) return ops::autocast_to<f32>(soft_margin_loss, x, target, reduction);
  return reduced("soft_margin_loss", log1p_exp(neg(target) * x), reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, const HingeEmbeddingLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(hinge_embedding_loss, x, target, o);
  const Tensor apart = where_or_zero(ne(target, 1), clamp_min(o.margin - x, 0));
  return reduced("hinge_embedding_loss", apart + where_or_zero(ne(target, -1), x), o.reduction);
}

Tensor multi_margin_loss(const Tensor& given, const Tensor& target, const MultiMarginLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(multi_margin_loss, given, target, o);
  constexpr const char* operation = "multi_margin_loss";
  if (o.p != 1 && o.p != 2) throw Error(operation, fmt::format("p is {}", o.p), "it is 1 or 2");
  const auto [x, t, unbatched] = rows_of(operation, given, target, true);
  const std::int64_t classes = x.size(1);
  detail::check_class_numbers(operation, t, classes, 0);
  const Tensor index = t.unsqueeze(1);
  Tensor short_by = clamp_min(o.margin - x.gather(1, index) + x, 0);
  if (o.p == 2) short_by = square(short_by);
  if (o.weight.defined()) {
    if (o.weight.sizes() != Shape(classes))
      throw Error(operation,
                  fmt::format("weight of shape {} for {} classes", to_string(o.weight.sizes()), classes));
    short_by = short_by * detail::constant(operation, o.weight).index_select(0, t).unsqueeze(1);
  }
  const Tensor losses = short_by.scatter(1, index, 0.0).sum(Shape(1)) / static_cast<double>(classes);
  return reduced(operation, unbatched ? losses.squeeze(0) : losses, o.reduction);
}

Tensor multilabel_margin_loss(const Tensor& given, const Tensor& target, Reduction reduction) {
  if (autocast_enabled()) return ops::autocast_to<f32>(multilabel_margin_loss, given, target, reduction);
  constexpr const char* operation = "multilabel_margin_loss";
  const auto [x, t, unbatched] = rows_of(operation, given, target, false);
  const std::int64_t rows = x.size(0), classes = x.size(1);
  // The targets of each row, those before its first -1, and which classes they are.
  std::int64_t most = 0;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(rows));
  const auto numbers = t.data<std::int64_t>();
  const Tensor is_target = zeros({rows, classes}, boolean);
  const auto marks = is_target.data<bool>();
  for (std::int64_t n = 0; n < rows; ++n) {
    std::int64_t& count = counts[static_cast<std::size_t>(n)];
    for (; count < classes; ++count) {
      const std::int64_t label = numbers[static_cast<std::size_t>(n * classes + count)];
      if (label == -1) break;
      if (label < 0 || label >= classes) {
        throw Error(operation, fmt::format("target {} is out of range for {} classes", label, classes),
                    fmt::format("class numbers go from 0 to {}, and -1 ends them", classes - 1));
      }
      marks[static_cast<std::size_t>(n * classes + label)] = true;
    }
    most = std::max(most, count);
  }
  const Tensor in_use = lt(arange(most), from_vector(counts).unsqueeze(1));                    // (N, most)
  const Tensor index = where(in_use, t.narrow(1, 0, most), 0);                                 // (N, most)
  const Tensor short_by = clamp_min(1 - x.gather(1, index).unsqueeze(2) + x.unsqueeze(1), 0);  // (N, most, C)
  const Tensor counted = logical_and(in_use.unsqueeze(2), logical_not(is_target).unsqueeze(1));
  const Tensor losses = where_or_zero(counted, short_by).sum({1, 2}) / static_cast<double>(classes);
  return reduced(operation, unbatched ? losses.squeeze(0) : losses, reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                   const MultilabelSoftMarginLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(multilabel_soft_margin_loss, x, target, o);
  Tensor losses = target * log1p_exp(neg(x)) + (1 - target) * log1p_exp(x);
  if (o.weight.defined()) losses = losses * detail::constant("multilabel_soft_margin_loss", o.weight);
  return reduced("multilabel_soft_margin_loss", losses.mean(Shape(-1)), o.reduction);
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                             const CosineEmbeddingLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(cosine_embedding_loss, a, b, target, o);
  constexpr const char* operation = "cosine_embedding_loss";
  constexpr double eps = 1e-12;  // PyTorch's
  if (target.dim() > 1 || a.dim() != target.dim() + 1 || b.dim() != target.dim() + 1) {
    throw Error(operation,
                fmt::format("a of shape {} and b of shape {} with a target of shape {}", to_string(a.sizes()),
                            to_string(b.sizes()), to_string(target.sizes())),
                "(N, D) with a target (N), or (D) with ()");
  }
  const Shape last(-1);
  const Tensor lengths = sqrt((square(a).sum(last) + eps) * (square(b).sum(last) + eps));
  const Tensor cosine = (a * b).sum(last) / lengths;
  return reduced(operation,
                 where_or_zero(eq(target, 1), 1 - cosine) +
                     where_or_zero(eq(target, -1), clamp_min(cosine - o.margin, 0)),
                 o.reduction);
}

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target,
                           const MarginRankingLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(margin_ranking_loss, a, b, target, o);
  if (a.dim() != b.dim() || a.dim() != target.dim()) {
    throw Error("margin_ranking_loss",
                fmt::format("a, b and target of {}, {} and {} dimensions", a.dim(), b.dim(), target.dim()));
  }
  return reduced("margin_ranking_loss", clamp_min(neg(target) * (a - b) + o.margin, 0), o.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginLossOptions& o) {
  if (autocast_enabled()) return ops::autocast_to<f32>(triplet_margin_loss, anchor, positive, negative, o);
  constexpr const char* operation = "triplet_margin_loss";
  check_triplet(operation, anchor, positive, negative, o.margin);
  const auto apart = [&](const Tensor& a, const Tensor& b) { return distance(a, b, o.p, o.eps); };
  return triplet(operation, anchor, positive, negative, apart, o.margin, o.swap, o.reduction);
}

Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const TripletMarginWithDistanceLossOptions& o) {
  constexpr const char* operation = "triplet_margin_with_distance_loss";
  check_triplet(operation, anchor, positive, negative, o.margin);
  const auto apart = [&](const Tensor& a, const Tensor& b) {
    return o.distance_function ? o.distance_function(a, b) : distance(a, b, 2, 1e-6);
  };
  return triplet(operation, anchor, positive, negative, apart, o.margin, o.swap, o.reduction);
}

}  // namespace mica
