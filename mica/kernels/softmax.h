// Softmax, log-softmax and the loss fused with it. All memory is contiguous; f32 and f64.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// x, y: (outer, n, inner), normalised over n. Inner is 1 for the last dimension. A slice of -inf only gives
// NaN.
void softmax(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner, const void* x,
             void* y);
// From the result y: softmax: y * (g - sum(g * y)); log-softmax: g - exp(y) * sum(g).
void softmax_backward(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner,
                      const void* y, const void* grad, void* grad_x);

// Cross entropy of logits with class indices, reading the logits once (nn.functional.cross_entropy).
struct CrossEntropy {
  DType dtype = DType::f32;
  std::int64_t outer = 0, classes = 0, inner = 1;  // logits: (outer, classes, inner); target: (outer, inner)
  const void* logits = nullptr;
  const std::int64_t* target = nullptr;  // 0..classes-1, or ignore_index; checked by the caller
  const void* weight = nullptr;          // (classes), or null
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
};
// losses: (outer, inner), each already times its class weight as PyTorch's reduction='none'; 0 where ignored.
// log_sum_exp: (outer, inner), for the backward pass. Returns the sum of the weights of the targets that
// count (their number without weights): the divisor of reduction='mean'.
double cross_entropy(const CrossEntropy& c, void* losses, void* log_sum_exp);
// grad_logits = d(sum_i scale_i * loss_i)/dlogits; scale: (outer, inner) when `scale_per_item`, else one
// value.
void cross_entropy_backward(const CrossEntropy& c, const void* log_sum_exp, const void* scale,
                            bool scale_per_item, void* grad_logits);

namespace reference {
void softmax(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner, const void* x,
             void* y);
}

}  // namespace mica::kernels
