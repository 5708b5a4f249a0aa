#include <array>
#include <cmath>
#include <type_traits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>
#include <mica/ops/rounding.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Binary;
using kernels::Unary;
using ops::Reuse;
using Pair = std::array<Tensor, 2>;

namespace {

// A step function: its derivative is 0.
Tensor steps(const char* name, Unary op, const Tensor& x) {
  if (!x.is_floating_point()) return ops::convert(x, x.dtype());
  Tensor y = ops::unary(op, x, x.dtype(), Reuse::yes);
  if (!recording(x)) return y;
  return record(name, y, {&x}, [](const Node&, const Tensor& grad) { return zeros_like(grad); });
}

}  // namespace

Tensor floor(Tensor x) { return steps("floor", Unary::floor, x); }
Tensor ceil(Tensor x) { return steps("ceil", Unary::ceil, x); }
Tensor trunc(Tensor x) { return steps("trunc", Unary::trunc, x); }

Tensor round(Tensor x, std::int64_t decimals) {
  if (decimals == 0) return steps("round", Unary::round, x);
  if (!x.is_floating_point()) {
    throw Error("round", fmt::format("{} decimals of {} numbers", decimals, name(x.dtype())),
                "convert the tensor first: x.to(f64)");
  }
  const double scale = std::pow(10.0, std::abs(static_cast<double>(decimals)));  // 10^-n is inexact
  return decimals > 0 ? div(round(mul(x, scale)), scale) : mul(round(div(x, scale)), scale);
}

Tensor frac(const Tensor& x) {
  if (!x.is_floating_point()) return zeros_like(x);
  Tensor y = ops::unary(Unary::frac, x, x.dtype());
  if (!recording(x)) return y;
  return record("frac", y, {&x}, [](const Node&, const Tensor& grad) { return grad; });
}

namespace {

[[noreturn]] void throw_zero(const char* operation, DType type) {
  throw Error(operation, fmt::format("a {} number is divided by 0", name(type)),
              "replace the zeros, or convert to a floating-point type, which has infinities");
}

// The dtype of the result. Errors: it is bool, or it is an integer and a divisor is 0.
template <class Divisor> DType quotient_type(const char* operation, const Tensor& a, const Divisor& b) {
  const DType type = ops::result_type(a, b);
  if (type == boolean) throw Error(operation, "bool tensors cannot be divided", "convert one: x.to(i64)");
  if (is_floating_point(type)) return type;
  if constexpr (std::is_same_v<Divisor, Scalar>) {
    if (full({}, b, type).item() == 0) throw_zero(operation, type);
  } else {
    if (any(eq(b.to(type), 0)).item() != 0) throw_zero(operation, type);
  }
  return type;
}

// a - b * rounded(a / b): so the slope in b is minus the rounded quotient.
Tensor rest(const char* name, Binary op, Rounding rounding, const Tensor& a, const Tensor& b, DType type) {
  Tensor y = ops::binary(op, a, b, type);
  if (!recording(a, b)) return y;
  return record(name, y, {&a, &b},
                [rounding, a = Saved(b.requires_grad() ? a : Tensor()),
                 b = Saved(b.requires_grad() ? b : Tensor())](const Node& node, const Tensor& grad) -> Pair {
                  if (!node.needs(1)) return {grad, Tensor()};
                  return {grad, neg(grad * div(a.get(node), b.get(node), rounding))};
                });
}

Tensor rest(const char* name, Binary op, const Tensor& a, Scalar b, DType type) {
  Tensor y = ops::binary(op, a, b, type);
  if (!recording(a)) return y;
  return record(name, y, {&a}, [](const Node&, const Tensor& grad) { return grad; });
}

}  // namespace

Tensor remainder(const Tensor& a, const Tensor& b) {
  return rest("remainder", Binary::remainder, Rounding::floor, a, b, quotient_type("remainder", a, b));
}
Tensor remainder(const Tensor& a, Scalar b) {
  return rest("remainder", Binary::remainder, a, b, quotient_type("remainder", a, b));
}
Tensor remainder(Scalar a, const Tensor& b) { return remainder(full({}, a, ops::result_type(b, a)), b); }
Tensor fmod(const Tensor& a, const Tensor& b) {
  return rest("fmod", Binary::fmod, Rounding::trunc, a, b, quotient_type("fmod", a, b));
}
Tensor fmod(const Tensor& a, Scalar b) {
  return rest("fmod", Binary::fmod, a, b, quotient_type("fmod", a, b));
}

Tensor div(const Tensor& a, const Tensor& b, Rounding mode) {
  const Binary op = mode == Rounding::floor ? Binary::div_floor : Binary::div_trunc;
  Tensor y = ops::binary(op, a, b, quotient_type("div", a, b));
  if (!recording(a, b)) return y;
  return record("div_rounded", y, {&a, &b},
                [](const Node&, const Tensor& grad) -> Pair { return {zeros_like(grad), zeros_like(grad)}; });
}

Tensor div(const Tensor& a, Scalar b, Rounding mode) {
  const Binary op = mode == Rounding::floor ? Binary::div_floor : Binary::div_trunc;
  Tensor y = ops::binary(op, a, b, quotient_type("div", a, b));
  if (!recording(a)) return y;
  return record("div_rounded", y, {&a}, [](const Node&, const Tensor& grad) { return zeros_like(grad); });
}

Tensor Tensor::floor() const { return mica::floor(*this); }
Tensor Tensor::ceil() const { return mica::ceil(*this); }
Tensor Tensor::round() const { return mica::round(*this); }
Tensor Tensor::trunc() const { return mica::trunc(*this); }

}  // namespace mica
