// Convolution as matrix products over columns: for each output pixel, what the kernel covers of the image.
#pragma once

#include <mica/kernels/conv.h>

namespace mica::kernels::columns {

// f32, two dimensions, one group, both sides channels-last.
bool applies(const Convolution& c);

// Whether the products beat oneDNN's own convolutions: measured on AVX2, where its forward pass is slow for
// many channels and its weight gradient for all but the fewest. With AVX-512 they never do.
bool is_faster(const Convolution& c);
bool is_faster_backward_weight(const Convolution& c);

// As in conv.h, where applies().
void conv(const Convolution& c, const float* x, const float* weight, const float* bias, float* y);
void conv_backward_weight(const Convolution& c, const float* x, const float* grad_y, float* grad_weight,
                          float* grad_bias);

}  // namespace mica::kernels::columns
