// Loss functions.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

enum class Reduction {
  mean,
  sum,
  none,
  batchmean  // kl_div alone: the sum divided by the size of the batch
};

namespace detail {
// Errors: batchmean.
void check_reduction(const char* operation, Reduction reduction);
// Losses after their reduction, the last step of every loss. Errors: batchmean.
Tensor reduced(const char* operation, const Tensor& losses, Reduction reduction);
// Errors: a number that is neither a class nor `ignore_index`. `target` is i64 and contiguous.
void check_class_numbers(const char* operation, const Tensor& target, std::int64_t classes,
                         std::int64_t ignore_index);
// Weights as constants. Errors: they require a gradient, and recording is on.
Tensor constant(const char* operation, const Tensor& weight);
}  // namespace detail

struct CrossEntropyOptions {
  Tensor weight{};                        // (C): a weight for each class, constant; undefined for none
  std::int64_t ignore_index = -100;       // targets of this value count neither for the loss nor for the mean
  Reduction reduction = Reduction::mean;  // mean: over the weights of the targets that count
  double label_smoothing = 0;  // 0 to 1: mixes the target with the uniform distribution (Szegedy et al. 2015)
};
// -log softmax(logits)[target], fused (nn.functional.cross_entropy).
// Shapes: logits (N, C), (C) or (N, C, d1, ...); target i64 class numbers of (N), () or (N, d1, ...), or
// probabilities of the logits' shape. Errors: class numbers outside 0..C-1, shapes that do not match.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options = {});

struct NllLossOptions {
  Tensor weight{};                        // (C): a weight for each class, constant; undefined for none
  std::int64_t ignore_index = -100;       // targets of this value count neither for the loss nor for the mean
  Reduction reduction = Reduction::mean;  // mean: over the weights of the targets that count
};
// -log_probabilities[target] (nn.functional.nll_loss).
// Shapes: log_probabilities (N, C), (C) or (N, C, d1, ...); target class numbers of (N), () or (N, d1, ...).
// Errors: class numbers outside 0..C-1, shapes that do not match.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const NllLossOptions& options = {});

// |x - target| (nn.functional.l1_loss). Shapes broadcast, here and in the next three.
Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
// (x - target)^2 (nn.functional.mse_loss).
Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction = Reduction::mean);
struct SmoothL1LossOptions {
  Reduction reduction = Reduction::mean;
  double beta = 1;
};
// d^2 / (2 beta) where d = |x - target| is below beta, d - beta / 2 beyond (nn.functional.smooth_l1_loss;
// Girshick 2015). Errors: beta < 0.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1LossOptions& options = {});
struct HuberLossOptions {
  Reduction reduction = Reduction::mean;
  double delta = 1;
};
// d^2 / 2 where d = |x - target| is at most delta, delta (d - delta / 2) beyond (nn.functional.huber_loss;
// Huber 1964). Errors: delta <= 0.
Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberLossOptions& options = {});

}  // namespace mica
