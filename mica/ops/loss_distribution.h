// Losses that are log likelihoods and divergences of distributions.
#pragma once

#include <mica/ops/loss.h>

namespace mica {

struct PoissonNllLossOptions {
  bool log_input = true;  // x is the logarithm of the rate
  bool full = false;      // with Stirling's approximation of log(target!) where target > 1
  double eps = 1e-8;      // added to a rate before its logarithm is taken
  Reduction reduction = Reduction::mean;
};
// exp(x) - target x, or x - target log(x + eps): a target with a Poisson distribution
// (nn.functional.poisson_nll_loss). Shapes broadcast.
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, const PoissonNllLossOptions& options = {});

struct GaussianNllLossOptions {
  bool full = false;  // with the constant log(2 pi) / 2
  double eps = 1e-6;  // the least variance; gradients pass as if there were no bound
  Reduction reduction = Reduction::mean;
};
// (log var + (x - target)^2 / var) / 2: a target with a normal distribution (nn.functional.gaussian_nll_loss;
// Nix & Weigend 1994). Shapes: var of x's shape, or with 1 in place of the last dimension, or without it.
// Errors: other shapes of var, a negative variance, eps <= 0.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var,
                         const GaussianNllLossOptions& options = {});

struct KlDivOptions {
  Reduction reduction = Reduction::mean;  // batchmean is the mathematical definition
  bool log_target = false;                // target is the logarithm of a distribution too
};
// target (log target - x): the divergence of distributions whose logarithm is x from the target
// (nn.functional.kl_div). Shapes broadcast.
Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options = {});

struct BinaryCrossEntropyOptions {
  Tensor weight{};  // a weight for each loss, constant; broadcast
  Reduction reduction = Reduction::mean;
};
// -(target log x + (1 - target) log(1 - x)), logarithms bounded by -100 (nn.functional.binary_cross_entropy).
// Errors: shapes that differ, x outside [0, 1].
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target,
                            const BinaryCrossEntropyOptions& options = {});

struct BinaryCrossEntropyWithLogitsOptions {
  Tensor weight{};  // a weight for each loss, constant; broadcast
  Reduction reduction = Reduction::mean;
  Tensor pos_weight{};  // a weight for the positive part of each class; broadcast
};
// The same of sigmoid(x), without overflow (nn.functional.binary_cross_entropy_with_logits). Errors: shapes
// that differ.
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options = {});

}  // namespace mica
