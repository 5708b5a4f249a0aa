// Initial values (torch.nn.init). Each writes into a tensor without recording, draws PyTorch's numbers from
// the generator, and returns the tensor.
#pragma once

#include <cstdint>
#include <utility>

#include <mica/tensor/tensor.h>

namespace mica::nn::init {

// --- the same whatever the shape ---

Tensor uniform_(Tensor x, double a = 0, double b = 1, Generator& generator = default_generator());
Tensor normal_(Tensor x, double mean = 0, double std = 1, Generator& generator = default_generator());
// N(mean, std^2) within [a, b], by the inverse of its distribution. Errors: std <= 0, a > b.
struct TruncNormal {
  double mean = 0, std = 1, a = -2, b = 2;
};
Tensor trunc_normal_(Tensor x, const TruncNormal& options = {}, Generator& generator = default_generator());
Tensor constant_(Tensor x, double value);
inline Tensor zeros_(Tensor x) { return constant_(std::move(x), 0); }
inline Tensor ones_(Tensor x) { return constant_(std::move(x), 1); }

// --- the identity ---

// Ones in the diagonal, zeros elsewhere. Errors: not two dimensions.
Tensor eye_(Tensor x);
// A convolution's weight that passes its input through, as far as there are channels, in each group.
// Errors: not (out, in / groups, kernel...) with one to three kernel dimensions; out not divisible by groups.
Tensor dirac_(Tensor x, std::int64_t groups = 1);

// --- by the number of inputs and outputs ---

// Number of inputs that feed one output, and of outputs that one input feeds, of a weight (out, in,
// kernel...). Errors: fewer than two dimensions.
struct Fans {
  std::int64_t in, out;
};
Fans fans(const Tensor& weight);

// What follows the layer; linear stands for convolutions, too.
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };
// The factor by which weights must be larger for what follows them: 1, 1, 5/3, sqrt 2,
// sqrt(2 / (1 + negative_slope^2)), 3/4.
double calculate_gain(Nonlinearity nonlinearity, double negative_slope = 0.01);

// U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)), and N(0, 2 gain^2 / (fan_in + fan_out)) (Glorot & Bengio
// 2010). Errors: fewer than two dimensions.
Tensor xavier_uniform_(Tensor x, double gain = 1, Generator& generator = default_generator());
Tensor xavier_normal_(Tensor x, double gain = 1, Generator& generator = default_generator());

enum class FanMode : std::uint8_t {
  fan_in,  // keeps the variance of values on their way forward
  fan_out  // that of gradients on their way back
};
struct Kaiming {
  double a = 0;  // the slope of a leaky ReLU
  FanMode mode = FanMode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
// U(-b, b), b = gain sqrt(3 / fan), and N(0, gain^2 / fan) (He et al. 2015). A tensor without elements is
// left alone. Errors: fewer than two dimensions.
Tensor kaiming_uniform_(Tensor x, const Kaiming& options = {}, Generator& generator = default_generator());
Tensor kaiming_normal_(Tensor x, const Kaiming& options = {}, Generator& generator = default_generator());
inline Tensor kaiming_uniform_(Tensor x, double a) { return kaiming_uniform_(std::move(x), Kaiming{.a = a}); }

// gain times a matrix with orthonormal rows or columns, dimensions after the first flattened (Saxe et al.
// 2013). Errors: fewer than two dimensions, not f32 or f64.
Tensor orthogonal_(Tensor x, double gain = 1, Generator& generator = default_generator());
// N(0, std^2), with this part of each column, rounded up, set to zero (Martens 2010). Errors: not two
// dimensions, sparsity outside [0, 1].
Tensor sparse_(Tensor x, double sparsity, double std = 0.01, Generator& generator = default_generator());

}  // namespace mica::nn::init
