// Rounding and remainders. Shapes broadcast and dtypes promote as in PyTorch; integers stay integers.
#pragma once

#include <cstdint>

#include <mica/tensor/tensor.h>

namespace mica {

// Integers are whole already. The derivative is 0, but for frac, where it is 1.
Tensor floor(Tensor x);
Tensor ceil(Tensor x);
Tensor trunc(Tensor x);
// To the nearest, halves to even; with `decimals` digits behind the point, before it if negative. Errors:
// decimals of an integer tensor.
Tensor round(Tensor x, std::int64_t decimals = 0);
Tensor frac(const Tensor& x);  // x - trunc(x)

// What is left of a after whole steps of b. remainder has the sign of b, as Python's %; fmod that of a, as
// C's. Errors: an integer divided by 0; bool.
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, Scalar b);
Tensor remainder(Scalar a, const Tensor& b);
Tensor fmod(const Tensor& a, const Tensor& b);
Tensor fmod(const Tensor& a, Scalar b);

enum class Rounding : std::uint8_t { floor, trunc };
// a / b, rounded down or towards 0 (PyTorch's rounding_mode). Integers stay integers. Errors: an integer
// divided by 0; bool.
Tensor div(const Tensor& a, const Tensor& b, Rounding mode);
Tensor div(const Tensor& a, Scalar b, Rounding mode);
inline Tensor floor_divide(const Tensor& a, const Tensor& b) { return div(a, b, Rounding::floor); }
inline Tensor floor_divide(const Tensor& a, Scalar b) { return div(a, b, Rounding::floor); }

}  // namespace mica
