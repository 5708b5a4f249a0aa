// Dropout.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Zeroes each element with probability p and divides the rest by 1 - p, when training; else x itself
// (Srivastava et al. 2014; nn.functional.dropout). Draws from the default generator as PyTorch does. Errors:
// p outside [0, 1].
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace mica
