// Exponentials, logarithms, trigonometric and special functions of each element. Integers give f32. Arguments
// taken by value lend their memory to the result if they are temporaries. Outside of a function's domain the
// result is NaN.
#pragma once

#include <cstdint>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

Tensor exp2(Tensor x);
Tensor expm1(Tensor x);  // e^x - 1, exact near 0
Tensor log1p(Tensor x);  // log(1 + x), exact near 0
Tensor log2(Tensor x);
Tensor log10(Tensor x);

// Angles are in radians.
Tensor sin(Tensor x);
Tensor cos(Tensor x);
Tensor tan(Tensor x);
Tensor asin(Tensor x);
Tensor acos(Tensor x);
Tensor atan(Tensor x);
// The angle of the point (x, y), in [-pi, pi]. Shapes broadcast, here and below.
Tensor atan2(const Tensor& y, const Tensor& x);
Tensor sinh(Tensor x);
Tensor cosh(Tensor x);
Tensor asinh(Tensor x);
Tensor acosh(Tensor x);
Tensor atanh(Tensor x);
Tensor hypot(const Tensor& a, const Tensor& b);      // sqrt(a^2 + b^2) without overflow
Tensor logaddexp(const Tensor& a, const Tensor& b);  // log(e^a + e^b) without overflow
Tensor xlogy(const Tensor& x, const Tensor& y);      // x log(y), 0 where x is 0 and y is not NaN

Tensor erf(Tensor x);
Tensor erfc(Tensor x);  // 1 - erf(x), exact far out
Tensor erfinv(Tensor x);
Tensor lgamma(Tensor x);  // log |gamma(x)|
Tensor digamma(Tensor x);
// Derivative number n of digamma. Errors: n < 0.
Tensor polygamma(std::int64_t n, const Tensor& x);
// log(x / (1 - x)), with x limited to [eps, 1 - eps] if eps is given.
Tensor logit(const Tensor& x, std::optional<double> eps = {});
Tensor sinc(const Tensor& x);  // sin(pi x) / (pi x), 1 at 0

}  // namespace mica
