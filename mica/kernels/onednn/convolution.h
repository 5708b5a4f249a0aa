// 2-d convolutions by oneDNN, f32.
#pragma once

#include <mica/kernels/conv.h>

namespace mica::kernels::onednn {

// As the functions of <mica/kernels/conv.h>, for shapes without a zero. False, and nothing is done, when
// oneDNN has no implementation.
bool conv2d(const Conv2d& c, const void* x, const void* weight, const void* bias, void* y);
bool conv2d_backward_input(const Conv2d& c, const void* grad_y, const void* weight, void* grad_x);
bool conv2d_backward_weight(const Conv2d& c, const void* x, const void* grad_y, void* grad_weight,
                            void* grad_bias);

}  // namespace mica::kernels::onednn
