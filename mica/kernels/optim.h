// Optimizer steps, fused: one pass over parameter, gradient and state, all tensors in one parallel region.
// f32 and f64.
//
// A rule is what an optimizer does to one element, with the numbers that it needs in this step. `a`, `b` and
// `c` below are the element's state. All rules begin with g = -g if `maximize`, and g += weight_decay * p
// where they have a weight_decay; `shrink` (1 - lr * weight_decay, or 1) multiplies p before anything else.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <variant>

#include <mica/core/dtype.h>

namespace mica::kernels {

// a = momentum a + (1 - dampening) g, or g at the first step;  p -= lr a, with nesterov lr (g + momentum a).
// Without momentum there is no a.
struct SgdRule {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first;
};

// a, b: averages of g and g^2; c: the largest b, with amsgrad. p -= step_size a / (sqrt(b or c) /
// sqrt_correction2 + eps)
struct AdamRule {
  double beta1, beta2, eps, weight_decay, shrink, step_size, sqrt_correction2;
  bool amsgrad, maximize;
};

// b = max(beta2 b, |g| + eps);  p -= step_size a / b
struct AdamaxRule {
  double beta1, beta2, eps, weight_decay, step_size;
  bool maximize;
};

// p -= (grad_step g + momentum_step a) / (sqrt(b / correction2) + eps)
struct NAdamRule {
  double beta1, beta2, eps, weight_decay, shrink, correction2, grad_step, momentum_step;
  bool maximize;
};

// p -= step_size a / (sqrt(b) + eps) if rectified, else step_size a
struct RAdamRule {
  double beta1, beta2, eps, weight_decay, shrink, step_size;
  bool rectified, maximize;
};

// a: average of g^2; c, if centered: average of g. u = g / (sqrt(a - c^2) + eps);  p -= lr u, or with
// momentum b = momentum b + u;  p -= lr b
struct RmspropRule {
  double lr, alpha, eps, weight_decay, momentum;
  bool centered, maximize;
};

// a += g^2;  p -= step_size g / (sqrt(a) + eps)
struct AdagradRule {
  double step_size, eps, weight_decay;
  bool maximize;
};

// a: average of g^2; b: average of u^2.  u = sqrt(b + eps) / sqrt(a + eps) g;  p -= lr u
struct AdadeltaRule {
  double lr, rho, eps, weight_decay;
  bool maximize;
};

// p -= eta g;  a, the average of p, moves to p by mu of the way
struct AsgdRule {
  double eta, mu, weight_decay, shrink;
  bool maximize;
};

// b, the step size, grows by eta_plus where g has the sign of a, the gradient before, and shrinks by
// eta_minus where it has the other; g then counts as 0.  p -= sign(g) b;  a = g
struct RpropRule {
  double eta_minus, eta_plus, smallest, largest;
  bool maximize;
};

// One parameter and what goes with it: arrays of `count` elements in the same order in memory. State that the
// rule does not use is null.
template <class Rule> struct OptimTensor {
  DType dtype;
  std::int64_t count;
  void* param;
  const void* grad;
  std::array<void*, 3> state;  // a, b, c
  Rule rule;
};

template <class Rule> using OptimTensors = std::span<const OptimTensor<Rule>>;
using AnyOptimTensors =
    std::variant<OptimTensors<SgdRule>, OptimTensors<AdamRule>, OptimTensors<AdamaxRule>,
                 OptimTensors<NAdamRule>, OptimTensors<RAdamRule>, OptimTensors<RmspropRule>,
                 OptimTensors<AdagradRule>, OptimTensors<AdadeltaRule>, OptimTensors<AsgdRule>,
                 OptimTensors<RpropRule>>;

void optim_step(const AnyOptimTensors& tensors);

namespace reference {
void optim_step(const AnyOptimTensors& tensors);
}  // namespace reference

}  // namespace mica::kernels
