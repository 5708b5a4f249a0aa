// Optimizer steps, fused: one pass over parameter, gradient and state, all tensors in one parallel region.
// f32 and f64.
#pragma once

#include <cstdint>
#include <span>

#include <mica/core/dtype.h>

namespace mica::kernels {

// One parameter and what goes with it; all of `count` elements, in the same order in memory.
struct SgdTensor {
  DType dtype;
  std::int64_t count;
  void* param;
  const void* grad;
  void* momentum;       // null without momentum
  bool first_momentum;  // the buffer is new: it becomes the gradient itself, without dampening (PyTorch)
};
struct SgdOptions {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
};
// torch.optim.SGD.
void sgd_step(std::span<const SgdTensor> tensors, const SgdOptions& options);

struct AdamTensor {
  DType dtype;
  std::int64_t count;
  void* param;
  const void* grad;
  void* exp_avg;
  void* exp_avg_sq;
  void* max_exp_avg_sq;  // null without amsgrad
  std::int64_t step;     // counted from 1
};
struct AdamOptions {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled_weight_decay;  // AdamW
  bool maximize;
};
// torch.optim.Adam and AdamW (single-tensor formulas: denom = sqrt(v) / sqrt(1 - beta2^t) + eps).
void adam_step(std::span<const AdamTensor> tensors, const AdamOptions& options);

namespace reference {
void sgd_step(std::span<const SgdTensor> tensors, const SgdOptions& options);
void adam_step(std::span<const AdamTensor> tensors, const AdamOptions& options);
}  // namespace reference

}  // namespace mica::kernels
