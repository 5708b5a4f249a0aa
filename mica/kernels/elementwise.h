// One value out for each position: unary, binary, comparison, select, fill, convert. Raw loops over strided
// memory. `sizes` is the shape of the output; input strides are already broadcast to it (0 where a size was
// 1). Strides count elements. dtypes: f32 and f64 are vectorised; i64, i32, u8 and bool take the plain loop.
// bf16 and f16 only in `convert`, `fill` and `copy`-like use of it: operations convert to f32 first. An
// output may alias an input exactly (same pointer and strides), never partly.
#pragma once

#include <mica/core/dtype.h>
#include <mica/core/shape.h>

namespace mica::kernels {

struct In {
  const void* data;
  Shape strides;
};
struct Out {
  void* data;
  Shape strides;
};

enum class Unary : std::uint8_t {
  neg,
  abs,
  sign,
  square,
  reciprocal,  // all arithmetic dtypes (reciprocal: floating)
  exp,
  log,
  sqrt,
  rsqrt,  // floating from here on
  relu,   // also integers
  sigmoid,
  tanh,
  gelu,       // x * Phi(x), with erf (Hendrycks & Gimpel 2016)
  gelu_tanh,  // the tanh form
  floor,
  ceil,
  round,  // half to even
  trunc,
  frac,  // x - trunc(x)
  exp2,
  expm1,
  log1p,
  log2,
  sin,
  cos,
  erf,
  softplus,  // log(1 + e^x), but x where x > parameter
  // Plain loops from here on.
  log10,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  erfc,
  erfinv,
  lgamma,
  digamma,
  polygamma,  // derivative number `parameter` of digamma
};
void unary(Unary op, DType dtype, const Shape& sizes, const In& x, const Out& out, double parameter = 0);

enum class Binary : std::uint8_t {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,        // div: floating only; maximum and minimum propagate NaN; integer powers wrap around
  remainder,  // with the divisor's sign; integer divisors must not be 0, here and below
  fmod,       // with the dividend's sign
  div_floor,
  div_trunc,
  bitwise_and,  // integers and bool
  bitwise_or,
  bitwise_xor,
  atan2,  // floating from here on
  hypot,
  logaddexp,           // log(e^a + e^b)
  relu_backward,       // (grad, result): 0 where result <= 0, else grad (NaN passes, as in PyTorch)
  sigmoid_backward,    // (grad, result): grad * y * (1 - y)
  tanh_backward,       // (grad, result): grad * (1 - y * y)
  gelu_backward,       // (grad, input)
  gelu_tanh_backward,  // (grad, input)
};
void binary(Binary op, DType dtype, const Shape& sizes, const In& a, const In& b, const Out& out);

enum class Ternary : std::uint8_t {
  addcmul,  // a + value * b * c
  addcdiv,  // a + value * b / c
  lerp,     // a + c * (b - a), exact at c = 0 and c = 1
};
// Floating only.
void ternary(Ternary op, DType dtype, const Shape& sizes, const In& a, const In& b, const In& c, double value,
             const Out& out);

// out = a + alpha * b.
void add_scaled(DType dtype, const Shape& sizes, const In& a, const In& b, double alpha, const Out& out);

enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge };
// out is bool.
void compare(Compare op, DType dtype, const Shape& sizes, const In& a, const In& b, const Out& out);

// out = condition ? a : b; condition is bool. Any dtype, bf16 and f16 too.
void where(DType dtype, const Shape& sizes, const In& condition, const In& a, const In& b, const Out& out);

// out = x, converted. Any pair of dtypes. Float to integer truncates towards zero; to bool: x != 0.
// Same dtype: a strided copy (transposes are cache-blocked).
void convert(const Shape& sizes, DType from, const In& x, DType to, const Out& out);

// Any dtype; `value` converted to it (i64 exactly through `value_int` when dtype is i64).
void fill(DType dtype, const Shape& sizes, const Out& out, double value, std::int64_t value_int);

namespace reference {  // plain loops, the truth for the tests
void unary(Unary op, DType dtype, const Shape& sizes, const In& x, const Out& out, double parameter = 0);
void binary(Binary op, DType dtype, const Shape& sizes, const In& a, const In& b, const Out& out);
}  // namespace reference

}  // namespace mica::kernels
