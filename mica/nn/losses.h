// Losses as layers, and the names that PyTorch users look for under nn: losses as functions.
//
//   nn::CrossEntropyLoss loss{.label_smoothing = 0.1};
//   loss(net(x), target).backward();
//
// Fields are PyTorch's arguments in PyTorch's order; those that are tensors are buffers, as in PyTorch:
// nn::NLLLoss{.weight = nn::Buffer{w}}. What each computes, its shapes and errors: mica/ops/loss*.h.
#pragma once

#include <cstdint>
#include <string>

#include <mica/core/any_function.h>
#include <mica/nn/module.h>
#include <mica/ops/loss.h>
#include <mica/ops/loss_ctc.h>
#include <mica/ops/loss_distribution.h>
#include <mica/ops/loss_margin.h>

namespace mica::nn {

using mica::binary_cross_entropy;
using mica::binary_cross_entropy_with_logits;
using mica::cosine_embedding_loss;
using mica::cross_entropy;
using mica::ctc_loss;
using mica::gaussian_nll_loss;
using mica::hinge_embedding_loss;
using mica::huber_loss;
using mica::kl_div;
using mica::l1_loss;
using mica::margin_ranking_loss;
using mica::mse_loss;
using mica::multi_margin_loss;
using mica::multilabel_margin_loss;
using mica::multilabel_soft_margin_loss;
using mica::nll_loss;
using mica::poisson_nll_loss;
using mica::smooth_l1_loss;
using mica::soft_margin_loss;
using mica::triplet_margin_loss;
using mica::triplet_margin_with_distance_loss;

struct L1Loss : Module {
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) { return l1_loss(x, target, reduction); }
  std::string extra_repr() const { return {}; }
};

struct MSELoss : Module {
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) { return mse_loss(x, target, reduction); }
  std::string extra_repr() const { return {}; }
};

struct SmoothL1Loss : Module {
  Reduction reduction = Reduction::mean;
  double beta = 1;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return smooth_l1_loss(x, target, {.reduction = reduction, .beta = beta});
  }
  std::string extra_repr() const { return {}; }
};

struct HuberLoss : Module {
  Reduction reduction = Reduction::mean;
  double delta = 1;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return huber_loss(x, target, {.reduction = reduction, .delta = delta});
  }
  std::string extra_repr() const { return {}; }
};

struct CrossEntropyLoss : Module {
  Buffer weight{};
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return cross_entropy(x, target,
                         {.weight = weight,
                          .ignore_index = ignore_index,
                          .reduction = reduction,
                          .label_smoothing = label_smoothing});
  }
  std::string extra_repr() const { return {}; }
};

struct NLLLoss : Module {
  Buffer weight{};
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return nll_loss(x, target, {.weight = weight, .ignore_index = ignore_index, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};
using NLLLoss2d = NLLLoss;  // PyTorch's old name of it for planes

struct PoissonNLLLoss : Module {
  bool log_input = true, full = false;
  double eps = 1e-8;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return poisson_nll_loss(x, target,
                            {.log_input = log_input, .full = full, .eps = eps, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct GaussianNLLLoss : Module {
  bool full = false;
  double eps = 1e-6;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target, const Tensor& var) {
    return gaussian_nll_loss(x, target, var, {.full = full, .eps = eps, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct KLDivLoss : Module {
  Reduction reduction = Reduction::mean;
  bool log_target = false;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return kl_div(x, target, {.reduction = reduction, .log_target = log_target});
  }
  std::string extra_repr() const { return {}; }
};

struct BCELoss : Module {
  Buffer weight{};
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return binary_cross_entropy(x, target, {.weight = weight, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct BCEWithLogitsLoss : Module {
  Buffer weight{};
  Reduction reduction = Reduction::mean;
  Buffer pos_weight{};
  Tensor forward(const Tensor& x, const Tensor& target) {
    return binary_cross_entropy_with_logits(
        x, target, {.weight = weight, .reduction = reduction, .pos_weight = pos_weight});
  }
  std::string extra_repr() const { return {}; }
};

struct SoftMarginLoss : Module {
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) { return soft_margin_loss(x, target, reduction); }
  std::string extra_repr() const { return {}; }
};

struct HingeEmbeddingLoss : Module {
  double margin = 1;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return hinge_embedding_loss(x, target, {.margin = margin, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct MultiMarginLoss : Module {
  std::int64_t p = 1;
  double margin = 1;
  Buffer weight{};
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return multi_margin_loss(x, target, {.p = p, .margin = margin, .weight = weight, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct MultiLabelMarginLoss : Module {
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return multilabel_margin_loss(x, target, reduction);
  }
  std::string extra_repr() const { return {}; }
};

struct MultiLabelSoftMarginLoss : Module {
  Buffer weight{};
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& x, const Tensor& target) {
    return multilabel_soft_margin_loss(x, target, {.weight = weight, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct CosineEmbeddingLoss : Module {
  double margin = 0;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& a, const Tensor& b, const Tensor& target) {
    return cosine_embedding_loss(a, b, target, {.margin = margin, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct MarginRankingLoss : Module {
  double margin = 0;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& a, const Tensor& b, const Tensor& target) {
    return margin_ranking_loss(a, b, target, {.margin = margin, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct TripletMarginLoss : Module {
  double margin = 1, p = 2, eps = 1e-6;
  bool swap = false;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) {
    return triplet_margin_loss(anchor, positive, negative,
                               {.margin = margin, .p = p, .eps = eps, .swap = swap, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct TripletMarginWithDistanceLoss : Module {
  AnyFunction<Tensor(const Tensor&, const Tensor&)> distance_function{};
  double margin = 1;
  bool swap = false;
  Reduction reduction = Reduction::mean;
  Tensor forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) {
    return triplet_margin_with_distance_loss(
        anchor, positive, negative,
        {.distance_function = distance_function, .margin = margin, .swap = swap, .reduction = reduction});
  }
  std::string extra_repr() const { return {}; }
};

struct CTCLoss : Module {
  std::int64_t blank = 0;
  Reduction reduction = Reduction::mean;
  bool zero_infinity = false;
  Tensor forward(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                 const Tensor& target_lengths) {
    return ctc_loss(log_probs, targets, input_lengths, target_lengths,
                    {.blank = blank, .reduction = reduction, .zero_infinity = zero_infinity});
  }
  std::string extra_repr() const { return {}; }
};

}  // namespace mica::nn
