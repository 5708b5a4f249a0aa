// Activation functions. Arguments are taken by value so that a temporary's memory can hold the result.
#pragma once

#include <string_view>

#include <mica/tensor/tensor.h>

namespace mica {

Tensor relu(Tensor x);  // max(x, 0)
Tensor sigmoid(Tensor x);
Tensor tanh(Tensor x);
// log(1 + e^(beta x)) / beta, a smooth relu; x itself where beta x > threshold, which is the same to
// rounding. Errors: beta 0.
Tensor softplus(Tensor x, double beta = 1, double threshold = 20);

enum class Gelu { none, tanh };
// x * Phi(x) (Hendrycks & Gimpel 2016): exact with erf (PyTorch's approximate='none'), or the tanh form.
Tensor gelu(Tensor x, Gelu approximate = Gelu::none);

}  // namespace mica
