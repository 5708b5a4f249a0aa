#include <array>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/activation.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/special.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Binary;
using kernels::Unary;
using ops::Reuse;
using Pair = std::array<Tensor, 2>;

namespace {

// A function of x with its slope as a function of x.
template <class Slope>
Tensor function(const char* name, Unary op, const Tensor& x, Slope slope, double n = 0) {
  const bool tracked = recording(x);
  Tensor y = ops::unary(op, x, ops::floating_type(x.dtype()), tracked ? Reuse::no : Reuse::yes, n);
  if (!tracked) return y;
  return record(name, y, {&x}, [slope, x = Saved(x)](const Node& node, const Tensor& grad) {
    return grad * slope(x.get(node));
  });
}

// A function of x with its slope as a function of the result.
template <class Slope> Tensor function_of_result(const char* name, Unary op, const Tensor& x, Slope slope) {
  Tensor y = ops::unary(op, x, ops::floating_type(x.dtype()), Reuse::yes);
  if (!recording(x)) return y;
  return record(name, y, {&x}, [slope, y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    return grad * slope(y.get(node));
  });
}

// 1 / (x k)
Tensor inverse(const Tensor& x, double k) { return reciprocal(x * k); }

}  // namespace

Tensor exp2(Tensor x) {
  return function_of_result("exp2", Unary::exp2, x, [](const Tensor& y) { return y * std::numbers::ln2; });
}
Tensor expm1(Tensor x) {
  return function_of_result("expm1", Unary::expm1, x, [](const Tensor& y) { return y + 1; });
}
Tensor log1p(Tensor x) {
  return function("log1p", Unary::log1p, x, [](const Tensor& x) { return reciprocal(x + 1); });
}
Tensor log2(Tensor x) {
  return function("log2", Unary::log2, x, [](const Tensor& x) { return inverse(x, std::numbers::ln2); });
}
Tensor log10(Tensor x) {
  return function("log10", Unary::log10, x, [](const Tensor& x) { return inverse(x, std::numbers::ln10); });
}

Tensor sin(Tensor x) {
  return function("sin", Unary::sin, x, [](const Tensor& x) { return cos(x); });
}
Tensor cos(Tensor x) {
  return function("cos", Unary::cos, x, [](const Tensor& x) { return neg(sin(x)); });
}
Tensor tan(Tensor x) {
  return function_of_result("tan", Unary::tan, x, [](const Tensor& y) { return square(y) + 1; });
}
Tensor asin(Tensor x) {
  return function("asin", Unary::asin, x, [](const Tensor& x) { return rsqrt(1 - square(x)); });
}
Tensor acos(Tensor x) {
  return function("acos", Unary::acos, x, [](const Tensor& x) { return neg(rsqrt(1 - square(x))); });
}
Tensor atan(Tensor x) {
  return function("atan", Unary::atan, x, [](const Tensor& x) { return reciprocal(square(x) + 1); });
}

Tensor atan2(const Tensor& y, const Tensor& x) {
  Tensor angle = ops::binary(Binary::atan2, y, x, ops::floating_type(ops::result_type(y, x)));
  if (!recording(y, x)) return angle;
  return record("atan2", angle, {&y, &x},
                [y = Saved(y), x = Saved(x)](const Node& node, const Tensor& grad) -> Pair {
                  const Tensor b = y.get(node);
                  const Tensor a = x.get(node);
                  const Tensor scaled = grad / (square(a) + square(b));
                  return {scaled * a, neg(scaled * b)};
                });
}

Tensor sinh(Tensor x) {
  return function("sinh", Unary::sinh, x, [](const Tensor& x) { return cosh(x); });
}
Tensor cosh(Tensor x) {
  return function("cosh", Unary::cosh, x, [](const Tensor& x) { return sinh(x); });
}
Tensor asinh(Tensor x) {
  return function("asinh", Unary::asinh, x, [](const Tensor& x) { return rsqrt(square(x) + 1); });
}
Tensor acosh(Tensor x) {
  return function("acosh", Unary::acosh, x, [](const Tensor& x) { return rsqrt(square(x) - 1); });
}
Tensor atanh(Tensor x) {
  return function("atanh", Unary::atanh, x, [](const Tensor& x) { return reciprocal(1 - square(x)); });
}

Tensor hypot(const Tensor& a, const Tensor& b) {
  Tensor y = ops::binary(Binary::hypot, a, b, ops::floating_type(ops::result_type(a, b)));
  if (!recording(a, b)) return y;
  return record(
      "hypot", y, {&a, &b},
      [a = Saved(a), b = Saved(b), y = SavedOutput(y)](const Node& node, const Tensor& grad) -> Pair {
        const Tensor scaled = grad / y.get(node);
        return {scaled * a.get(node), scaled * b.get(node)};
      });
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  Tensor y = ops::binary(Binary::logaddexp, a, b, ops::floating_type(ops::result_type(a, b)));
  if (!recording(a, b)) return y;
  return record("logaddexp", y, {&a, &b},
                [a = Saved(a), b = Saved(b)](const Node& node, const Tensor& grad) -> Pair {
                  const Tensor share = sigmoid(a.get(node) - b.get(node));
                  return {grad * share, grad * (1 - share)};
                });
}

Tensor xlogy(const Tensor& x, const Tensor& y) {
  broadcast_shapes(x.sizes(), y.sizes(), "xlogy");
  // Where x is 0 a logarithm that is not finite must not matter, and neither must its gradient.
  const Tensor zero = logical_and(eq(x, 0), logical_or(le(y, 0), isinf(y)));
  return x * log(where(zero, 1, y).to(ops::floating_type(ops::result_type(x, y))));
}

Tensor erf(Tensor x) {
  return function("erf", Unary::erf, x,
                  [](const Tensor& x) { return exp(neg(square(x))) * (2 * std::numbers::inv_sqrtpi); });
}
Tensor erfc(Tensor x) {
  return function("erfc", Unary::erfc, x,
                  [](const Tensor& x) { return exp(neg(square(x))) * (-2 * std::numbers::inv_sqrtpi); });
}
Tensor erfinv(Tensor x) {
  return function_of_result("erfinv", Unary::erfinv, x, [](const Tensor& y) {
    return exp(square(y)) * (0.5 / std::numbers::inv_sqrtpi);
  });
}
Tensor lgamma(Tensor x) {
  return function("lgamma", Unary::lgamma, x, [](const Tensor& x) { return digamma(x); });
}
Tensor digamma(Tensor x) {
  return function("digamma", Unary::digamma, x, [](const Tensor& x) { return polygamma(1, x); });
}
Tensor polygamma(std::int64_t n, const Tensor& x) {
  if (n < 0) throw Error("polygamma", fmt::format("n is {}", n), "n counts derivatives of digamma");
  return function(
      "polygamma", Unary::polygamma, x, [n](const Tensor& x) { return polygamma(n + 1, x); },
      static_cast<double>(n));
}

Tensor logit(const Tensor& x, std::optional<double> eps) {
  const DType type = ops::floating_type(x.dtype());
  if (eps) {
    const double low = *eps;
    return logit(clamp(x.to(type), low, 1 - low));
  }
  const Tensor p = ops::convert(x, ops::compute_type(type));
  Tensor y = log(p / (1 - p)).to(type);
  if (!recording(x)) return y;
  return record("logit", y, {&x}, [x = Saved(x)](const Node& node, const Tensor& grad) {
    const Tensor p = x.get(node);
    return grad / (p * (1 - p));
  });
}

Tensor sinc(const Tensor& x) {
  const Tensor angle = x * std::numbers::pi;
  const Tensor near = lt(abs(angle), 0.1);  // there the series, whose derivatives hold at 0, too
  const Tensor z = square(angle);
  const Tensor series = (((z / 72 - 1) * z / 42 + 1) * z / 20 - 1) * z / 6 + 1;
  const Tensor far = masked_fill(angle, near, 1);
  return where(near, series, sin(far) / far);
}

Tensor Tensor::sin() const { return mica::sin(*this); }
Tensor Tensor::cos() const { return mica::cos(*this); }
Tensor Tensor::erf() const { return mica::erf(*this); }
Tensor Tensor::log1p() const { return mica::log1p(*this); }
Tensor Tensor::expm1() const { return mica::expm1(*this); }

}  // namespace mica
