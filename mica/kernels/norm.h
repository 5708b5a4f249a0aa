// Layer and batch normalisation. f32 and f64.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// x, y: (rows, n) contiguous; gamma, beta: (n) or null; mean, rstd: (rows), saved for backward.
// y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(var + eps), var biased.
void layer_norm(DType dtype, std::int64_t rows, std::int64_t n, const void* x, const void* gamma,
                const void* beta, double eps, void* y, void* mean, void* rstd);
// Each of grad_x, grad_gamma, grad_beta may be null. gamma may be null.
void layer_norm_backward(DType dtype, std::int64_t rows, std::int64_t n, const void* grad, const void* x,
                         const void* gamma, const void* mean, const void* rstd, void* grad_x,
                         void* grad_gamma, void* grad_beta);

// How (N, C, S) lies in memory. S is the product of the spatial sizes.
enum class Layout : std::uint8_t {
  channels_first,  // contiguous (N, C, S)
  channels_last,   // contiguous (N, S, C)
};
struct BatchNormShape {
  DType dtype = DType::f32;
  Layout layout = Layout::channels_first;
  std::int64_t batch = 0, channels = 0, spatial = 1;
};
// mean, var (biased): (C); 0 without values. Exact for a large mean with a small spread.
void batch_norm_stats(const BatchNormShape& s, const void* x, void* mean, void* var);
// y = (x - mean) * rstd * gamma + beta per channel; gamma, beta may be null; rstd: (C).
void batch_norm_apply(const BatchNormShape& s, const void* x, const void* mean, const void* rstd,
                      const void* gamma, const void* beta, void* y);
// Training: mean and rstd are the batch's own and the gradient flows through them; evaluation (`training`
// false): they are constants. Each of grad_x, grad_gamma, grad_beta may be null. `grad` and `x` have the
// layout of `s`.
void batch_norm_backward(const BatchNormShape& s, bool training, const void* grad, const void* x,
                         const void* mean, const void* rstd, const void* gamma, void* grad_x,
                         void* grad_gamma, void* grad_beta);

namespace reference {
void layer_norm(DType dtype, std::int64_t rows, std::int64_t n, const void* x, const void* gamma,
                const void* beta, double eps, void* y, void* mean, void* rstd);
void batch_norm_stats(const BatchNormShape& s, const void* x, void* mean, void* var);
}  // namespace reference

}  // namespace mica::kernels
