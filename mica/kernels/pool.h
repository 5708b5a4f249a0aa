// 2-d pooling. f32 and f64; both layouts, the output in the layout of the input.
#pragma once

#include <mica/kernels/norm.h>

namespace mica::kernels {

struct Pool2d {
  DType dtype = DType::f32;
  Layout layout = Layout::channels_first;
  std::int64_t batch = 0, channels = 0, in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  std::int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;  // max_pool2d only
  bool count_include_pad = true;                // avg_pool2d only
  std::int64_t divisor_override = 0;            // avg_pool2d only; 0: none
};
// y: the largest of each window; NaN wins; the first of equal ones. indices (i32, laid out like y): position
// h * in_w + w in the input plane, -1 (and y -inf) for a window without pixels; may be null when no gradient
// is needed. Windows are clipped to the input.
void max_pool2d(const Pool2d& p, const void* x, void* y, std::int32_t* indices);
// grad_x is overwritten (zero where nothing was picked).
void max_pool2d_backward(const Pool2d& p, const void* grad, const std::int32_t* indices, void* grad_x);
// As PyTorch: with count_include_pad the divisor is the window clipped to the padded input (ceil mode
// included).
void avg_pool2d(const Pool2d& p, const void* x, void* y);
void avg_pool2d_backward(const Pool2d& p, const void* grad, void* grad_x);

namespace reference {
void max_pool2d(const Pool2d& p, const void* x, void* y, std::int32_t* indices);
void avg_pool2d(const Pool2d& p, const void* x, void* y);
}  // namespace reference

}  // namespace mica::kernels
