// Convolution as matrix products: the rows of one operand are what the kernel covers of the image, pixel by
// pixel.
#pragma once

#include <mica/kernels/conv.h>

namespace mica::kernels::products {

// f32, two dimensions, one group, both sides channels-last.
bool applies(const Convolution& c);

// Whether the products beat oneDNN's own convolutions: measured on AVX2, where they do but for few channels,
// single pixels and the gradient of the input under a stride. With AVX-512 they never do.
bool is_faster(const Convolution& c);
bool is_faster_backward_input(const Convolution& c);
bool is_faster_backward_weight(const Convolution& c);

// As in conv.h, where applies(). The images are read where they lie, through a table of their pixels
// (Dukhan 2019, "The indirect convolution algorithm").
void conv(const Convolution& c, const float* x, const float* weight, const float* bias, float* y);
// Only with strides of 1.
void conv_backward_input(const Convolution& c, const float* grad_y, const float* weight, float* grad_x);
void conv_backward_weight(const Convolution& c, const float* x, const float* grad_y, float* grad_weight,
                          float* grad_bias);

}  // namespace mica::kernels::products
