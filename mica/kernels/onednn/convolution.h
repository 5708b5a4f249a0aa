// Convolutions by oneDNN, f32.
#pragma once

#include <mica/kernels/conv.h>

namespace mica::kernels::onednn {

// As the functions of <mica/kernels/conv.h>, for shapes without a zero. False, and nothing is done, when
// oneDNN has no implementation.
bool conv(const Convolution& c, const void* x, const void* weight, const void* bias, void* y);
bool conv_backward_input(const Convolution& c, const void* grad_y, const void* weight, void* grad_x);
bool conv_backward_weight(const Convolution& c, const void* x, const void* grad_y, void* grad_weight,
                          void* grad_bias);

}  // namespace mica::kernels::onednn
