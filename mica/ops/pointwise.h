// Arithmetic, choices and simple functions of each element. Shapes broadcast and dtypes promote as in
// PyTorch.
#pragma once

#include <optional>
#include <utility>

#include <mica/tensor/tensor.h>

namespace mica {

// Operands are taken by value so that a temporary's memory can hold the result.
// a + alpha * b
Tensor add(Tensor a, Tensor b, Scalar alpha = 1);
Tensor sub(Tensor a, Tensor b);
Tensor mul(Tensor a, Tensor b);
// True division: integers give f32.
Tensor div(Tensor a, Tensor b);
// Powers of integers are integers and wrap around; tensors of negative exponents round 1 / x towards 0. The
// exponent's gradient is 0 where the base is 0. Errors: bool; integers to a negative whole number.
Tensor pow(const Tensor& base, const Tensor& exponent);
Tensor pow(const Tensor& base, Scalar exponent);
Tensor pow(Scalar base, const Tensor& exponent);
// NaN wins, and both operands get the gradient then; equal values share it by halves.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

Tensor neg(Tensor x);
Tensor abs(Tensor x);  // derivative sign(x): 0 at 0
Tensor sign(const Tensor& x);
Tensor square(Tensor x);
Tensor reciprocal(Tensor x);
Tensor exp(Tensor x);
Tensor log(Tensor x);
Tensor sqrt(Tensor x);
Tensor rsqrt(Tensor x);
// Limits to [min, max]; either may be absent. The gradient passes where min <= x <= max. Integers with a
// limit that is no whole number give f32. Errors: no limit.
Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max);
// The same with tensors, absent where undefined. Where x is outside, the limit gets the gradient; where
// min >= max, max does.
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max);
Tensor clamp_min(const Tensor& x, double min);
Tensor clamp_min(const Tensor& x, const Tensor& min);
Tensor clamp_max(const Tensor& x, double max);
Tensor clamp_max(const Tensor& x, const Tensor& max);

// condition ? a : b, element by element; condition is bool.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& condition, Scalar a, const Tensor& b);
Tensor where(const Tensor& condition, const Tensor& a, Scalar b);
Tensor where(const Tensor& condition, Scalar a, Scalar b);
// x, but `value` where `mask` is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value);
struct NanToNumOptions {
  double nan = 0;
  std::optional<double> posinf = {}, neginf = {};  // absent: the largest and lowest number of the dtype
};
// x with numbers in place of NaN and the infinities, which get no gradient.
Tensor nan_to_num(const Tensor& x, const NanToNumOptions& options = {});

// start + weight * (end - start): start at 0, end at 1. Errors: not floating point.
Tensor lerp(const Tensor& start, const Tensor& end, Scalar weight);
Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight);
// x + value * a * b
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1);
// x + value * a / b. Errors: integers.
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1);

Tensor add(Tensor a, Scalar b);
Tensor sub(Tensor a, Scalar b);
Tensor rsub(Tensor a, Scalar b);  // b - a
Tensor mul(Tensor a, Scalar b);
Tensor div(Tensor a, Scalar b);

inline Tensor operator+(Tensor a, Tensor b) { return add(std::move(a), std::move(b)); }
inline Tensor operator-(Tensor a, Tensor b) { return sub(std::move(a), std::move(b)); }
inline Tensor operator*(Tensor a, Tensor b) { return mul(std::move(a), std::move(b)); }
inline Tensor operator/(Tensor a, Tensor b) { return div(std::move(a), std::move(b)); }
inline Tensor operator+(Tensor a, Scalar b) { return add(std::move(a), b); }
inline Tensor operator-(Tensor a, Scalar b) { return sub(std::move(a), b); }
inline Tensor operator*(Tensor a, Scalar b) { return mul(std::move(a), b); }
inline Tensor operator/(Tensor a, Scalar b) { return div(std::move(a), b); }
inline Tensor operator+(Scalar a, Tensor b) { return add(std::move(b), a); }
inline Tensor operator-(Scalar a, Tensor b) { return rsub(std::move(b), a); }
inline Tensor operator*(Scalar a, Tensor b) { return mul(std::move(b), a); }
inline Tensor operator/(Scalar a, Tensor b) { return mul(reciprocal(std::move(b)), a); }
inline Tensor operator-(Tensor x) { return neg(std::move(x)); }

}  // namespace mica
