// Random tensors. The same seed gives the numbers of PyTorch's CPU generator (mica/core/random.h says how
// exactly): from the default generator, or one of your own.
#pragma once

#include <optional>

#include <mica/core/random.h>
#include <mica/tensor/tensor.h>

namespace mica {

// Uniform on [0, 1). Errors: a dtype that is not floating point.
Tensor rand(const Shape& sizes, DType dtype = f32);
Tensor rand(const Shape& sizes, Generator& generator, DType dtype = f32);
// Standard normal. Errors: a dtype that is not floating point.
Tensor randn(const Shape& sizes, DType dtype = f32);
Tensor randn(const Shape& sizes, Generator& generator, DType dtype = f32);
// Integers on [low, high); low is 0 if not given. Errors: an empty range, one that the dtype does not count
// through.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, DType dtype = i64);
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, Generator& generator,
               DType dtype = i64);
Tensor randint(std::int64_t high, const Shape& sizes, DType dtype = i64);
// A permutation of 0..n-1. Errors: n < 0, a dtype that does not count so far.
Tensor randperm(std::int64_t n, DType dtype = i64);
Tensor randperm(std::int64_t n, Generator& generator, DType dtype = i64);

// The same with the shape, the dense strides and, unless another is given, the dtype of x.
Tensor rand_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor randn_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor randint_like(const Tensor& x, std::int64_t low, std::int64_t high, std::optional<DType> dtype = {});
Tensor randint_like(const Tensor& x, std::int64_t high, std::optional<DType> dtype = {});

// 1 with the probability that p has there, else 0, in p's dtype; the gradient is zero.
// Errors: p not floating point, a probability outside [0, 1].
Tensor bernoulli(const Tensor& p, Generator& generator = default_generator());

// Normal numbers with the given moments, which broadcast; gradients are zero.
// Errors: std < 0; a dtype that is not floating point.
Tensor normal(double mean, double std, const Shape& sizes, DType dtype = f32);
Tensor normal(double mean, double std, const Shape& sizes, Generator& generator, DType dtype = f32);
Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator = default_generator());
Tensor normal(const Tensor& mean, double std = 1, Generator& generator = default_generator());

// Positions drawn in proportion to the weights: (n) -> (samples), (m, n) -> (m, samples), i64. Without
// replacement no position comes twice. Errors: other shapes; weights that are not floating point, negative,
// not finite or all zero in a row; more samples than weights without replacement.
Tensor multinomial(const Tensor& weights, std::int64_t samples, bool replacement = false,
                   Generator& generator = default_generator());

// In place: uniform_, normal_, bernoulli_, exponential_ and random_ of Tensor draw in the order of the
// tensor's memory, as PyTorch's do.

}  // namespace mica
