#include <fmt/core.h>

#include <mica/core/error.h>
#include <mica/kernels/conv.h>
#include <mica/kernels/onednn/convolution.h>

namespace mica::kernels {

namespace {

// Whether to ask oneDNN. A dimension of zero leaves at most biases and zeros to write, which the plain loops
// do.
bool is_for_onednn(const char* operation, const Conv2d& c) {
  if (c.dtype == DType::f64) return false;
  if (c.dtype != DType::f32) {
    throw Error(operation, fmt::format("f32 and f64 only, got {}", name(c.dtype)), "convert to f32");
  }
  return c.batch != 0 && c.in_channels != 0 && c.out_channels != 0 && c.in_h != 0 && c.in_w != 0 &&
         c.kernel_h != 0 && c.kernel_w != 0 && c.out_h != 0 && c.out_w != 0;
}

}  // namespace

void conv2d(const Conv2d& c, const void* x, const void* weight, const void* bias, void* y) {
  if (is_for_onednn("conv2d", c) && onednn::conv2d(c, x, weight, bias, y)) return;
  reference::conv2d(c, x, weight, bias, y);
}

void conv2d_backward_input(const Conv2d& c, const void* grad_y, const void* weight, void* grad_x) {
  if (is_for_onednn("conv2d_backward_input", c) && onednn::conv2d_backward_input(c, grad_y, weight, grad_x)) {
    return;
  }
  reference::conv2d_backward_input(c, grad_y, weight, grad_x);
}

void conv2d_backward_weight(const Conv2d& c, const void* x, const void* grad_y, void* grad_weight,
                            void* grad_bias) {
  if (is_for_onednn("conv2d_backward_weight", c) &&
      onednn::conv2d_backward_weight(c, x, grad_y, grad_weight, grad_bias)) {
    return;
  }
  reference::conv2d_backward_weight(c, x, grad_y, grad_weight, grad_bias);
}

}  // namespace mica::kernels
