// Convolution of one, two or three dimensions, and its two gradients.
#pragma once

#include <mica/kernels/norm.h>

namespace mica::kernels {

// x: (N, C, D, H, W) and y: (N, O, OD, OH, OW), each in its layout; weight: contiguous
// (O, C / groups, KD, KH, KW). Fewer dimensions leave the depth, and then the height, as they are.
struct Convolution {
  DType dtype = DType::f32;
  Layout x_layout = Layout::channels_last, y_layout = Layout::channels_last;
  std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  std::int64_t in_d = 1, kernel_d = 1, out_d = 1, stride_d = 1, pad_d = 0, dilation_d = 1;
  std::int64_t in_h = 1, in_w = 1, kernel_h = 1, kernel_w = 1, out_h = 1, out_w = 1;
  std::int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  bool has_depth() const { return in_d != 1 || kernel_d != 1 || pad_d != 0; }
};
// f32: oneDNN, primitives cached by shape, or matrix products of ours (conv_products.h) where those are
// faster; f64 and whatever oneDNN refuses: plain loops. y = conv(x, weight) + bias; bias: (O) or null.
void conv(const Convolution& c, const void* x, const void* weight, const void* bias, void* y);
// grad_y has y_layout, grad_x x_layout. Everything written is overwritten.
void conv_backward_input(const Convolution& c, const void* grad_y, const void* weight, void* grad_x);
// grad_bias may be null.
void conv_backward_weight(const Convolution& c, const void* x, const void* grad_y, void* grad_weight,
                          void* grad_bias);

namespace reference {
void conv(const Convolution& c, const void* x, const void* weight, const void* bias, void* y);
void conv_backward_input(const Convolution& c, const void* grad_y, const void* weight, void* grad_x);
void conv_backward_weight(const Convolution& c, const void* x, const void* grad_y, void* grad_weight,
                          void* grad_bias);
}  // namespace reference

}  // namespace mica::kernels
