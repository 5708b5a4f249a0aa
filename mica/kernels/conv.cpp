#include <fmt/core.h>

#include <mica/core/error.h>
#include <mica/kernels/conv.h>
#include <mica/kernels/conv_products.h>
#include <mica/kernels/onednn/convolution.h>

namespace mica::kernels {

namespace {

// The output's size that oneDNN expects. A transposed convolution may leave out some of its input.
std::int64_t output_size(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
                         std::int64_t dilation) {
  return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

// Whether oneDNN, or matrix products, take it. A dimension of zero leaves at most biases and zeros to
// write, which the plain loops do.
bool is_for_products(const char* operation, const Convolution& c) {
  if (c.dtype == DType::f64) return false;
  if (c.dtype != DType::f32) {
    throw Error(operation, fmt::format("f32 and f64 only, got {}", name(c.dtype)), "convert to f32");
  }
  if (output_size(c.in_d, c.kernel_d, c.stride_d, c.pad_d, c.dilation_d) != c.out_d ||
      output_size(c.in_h, c.kernel_h, c.stride_h, c.pad_h, c.dilation_h) != c.out_h ||
      output_size(c.in_w, c.kernel_w, c.stride_w, c.pad_w, c.dilation_w) != c.out_w) {
    return false;
  }
  return c.batch != 0 && c.in_channels != 0 && c.out_channels != 0 && c.in_d != 0 && c.in_h != 0 &&
         c.in_w != 0 && c.kernel_d != 0 && c.kernel_h != 0 && c.kernel_w != 0 && c.out_d != 0 &&
         c.out_h != 0 && c.out_w != 0;
}

}  // namespace

void conv(const Convolution& c, const void* x, const void* weight, const void* bias, void* y) {
  if (is_for_products("conv", c)) {
    if (products::is_faster(c)) {
      return products::conv(c, static_cast<const float*>(x), static_cast<const float*>(weight),
                            static_cast<const float*>(bias), static_cast<float*>(y));
    }
    if (onednn::conv(c, x, weight, bias, y)) return;
  }
  reference::conv(c, x, weight, bias, y);
}

void conv_backward_input(const Convolution& c, const void* grad_y, const void* weight, void* grad_x) {
  if (is_for_products("conv_backward_input", c)) {
    if (products::is_faster_backward_input(c)) {
      return products::conv_backward_input(c, static_cast<const float*>(grad_y),
                                           static_cast<const float*>(weight), static_cast<float*>(grad_x));
    }
    if (onednn::conv_backward_input(c, grad_y, weight, grad_x)) return;
  }
  reference::conv_backward_input(c, grad_y, weight, grad_x);
}

void conv_backward_weight(const Convolution& c, const void* x, const void* grad_y, void* grad_weight,
                          void* grad_bias) {
  if (is_for_products("conv_backward_weight", c)) {
    if (products::is_faster_backward_weight(c)) {
      return products::conv_backward_weight(c, static_cast<const float*>(x),
                                            static_cast<const float*>(grad_y),
                                            static_cast<float*>(grad_weight), static_cast<float*>(grad_bias));
    }
    if (onednn::conv_backward_weight(c, x, grad_y, grad_weight, grad_bias)) return;
  }
  reference::conv_backward_weight(c, x, grad_y, grad_weight, grad_bias);
}

}  // namespace mica::kernels
