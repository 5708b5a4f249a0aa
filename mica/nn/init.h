// Initial values (torch.nn.init). Each writes into a tensor under NoGrad, draws from the default generator
// and returns it.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica::nn::init {

Tensor uniform_(Tensor x, double a = 0, double b = 1);
Tensor normal_(Tensor x, double mean = 0, double std = 1);
Tensor constant_(Tensor x, double value);
inline Tensor zeros_(Tensor x) { return constant_(std::move(x), 0); }
inline Tensor ones_(Tensor x) { return constant_(std::move(x), 1); }

// Number of inputs that feed one output, and of outputs that one input feeds, of a weight (out, in,
// kernel...). Errors: fewer than two dimensions.
struct Fans {
  std::int64_t in, out;
};
Fans fans(const Tensor& weight);

// U(-b, b), b = sqrt(6 / ((1 + a^2) fan_in)) (He et al. 2015); a: the slope of the leaky ReLU that follows.
Tensor kaiming_uniform_(Tensor x, double a = 0);
// U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).
Tensor xavier_uniform_(Tensor x, double gain = 1);

}  // namespace mica::nn::init
