// Dropout. All draw from the default generator as PyTorch does, in the order of the memory of x, and give
// back x itself when not training or where p is 0. Errors: p outside [0, 1], a dtype that is not floating
// point.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Zeroes each element with probability p and divides the rest by 1 - p (Srivastava et al. 2014).
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

// The same for whole channels (Tompson et al. 2015). Shapes: (N, C, L) or (C, L).
Tensor dropout1d(const Tensor& x, double p = 0.5, bool training = true);
// Shapes: (N, C, H, W). Three dimensions are (N, C, L), as in PyTorch.
Tensor dropout2d(const Tensor& x, double p = 0.5, bool training = true);
// Shapes: (N, C, D, H, W) or (C, D, H, W).
Tensor dropout3d(const Tensor& x, double p = 0.5, bool training = true);

// Sets each element with probability p to what selu tends to far left, and scales and shifts all so that mean
// 0 and variance 1 are kept (Klambauer et al. 2017). p = 1 gives zeros.
Tensor alpha_dropout(const Tensor& x, double p = 0.5, bool training = false);
// The same for whole channels. Shapes: (N, C, ...).
Tensor feature_alpha_dropout(const Tensor& x, double p = 0.5, bool training = false);

}  // namespace mica
