#include <array>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Binary;
using kernels::Ternary;
using kernels::Unary;
using ops::Reuse;
using Pair = std::array<Tensor, 2>;

// Backward rules give gradients of the broadcast shape; the engine sums them back to each input's own.

Tensor add(Tensor a, Tensor b, Scalar alpha) {
  if (alpha.to_double() != 1) return add(std::move(a), mul(std::move(b), alpha));
  Tensor y = ops::binary(Binary::add, a, b, ops::result_type(a, b), Reuse::yes);
  if (!recording(a, b)) return y;
  return record("add", y, {&a, &b}, [](const Node&, const Tensor& grad) -> Pair { return {grad, grad}; });
}

namespace {
// The dtype of a difference. Errors: bool.
template <class B> DType difference_type(const char* operation, const Tensor& a, const B& b) {
  const DType type = ops::result_type(a, b);
  if (type == boolean)
    throw Error(operation, "bool tensors cannot be subtracted", "use logical_xor() or logical_not()");
  return type;
}
}  // namespace

Tensor sub(Tensor a, Tensor b) {
  const DType type = difference_type("sub", a, b);
  Tensor y = ops::binary(Binary::sub, a, b, type, Reuse::yes);
  if (!recording(a, b)) return y;
  return record("sub", y, {&a, &b}, [](const Node& node, const Tensor& grad) -> Pair {
    return {grad, node.needs(1) ? neg(grad) : Tensor()};
  });
}

Tensor mul(Tensor a, Tensor b) {
  const bool tracked = recording(a, b);
  Tensor y = ops::binary(Binary::mul, a, b, ops::result_type(a, b), tracked ? Reuse::no : Reuse::yes);
  if (!tracked) return y;
  const bool grad_a = a.requires_grad();
  const bool grad_b = b.requires_grad();
  return record("mul", y, {&a, &b},
                [a = Saved(grad_b ? a : Tensor()), b = Saved(grad_a ? b : Tensor())](
                    const Node& node, const Tensor& grad) -> Pair {
                  return {node.needs(0) ? mul(grad, b.get(node)) : Tensor(),
                          node.needs(1) ? mul(grad, a.get(node)) : Tensor()};
                });
}

Tensor div(Tensor a, Tensor b) {
  const DType type = ops::floating_type(ops::result_type(a, b));
  const bool tracked = recording(a, b);
  Tensor y = ops::binary(Binary::div, a, b, type, tracked ? Reuse::no : Reuse::yes);
  if (!tracked) return y;
  return record("div", y, {&a, &b},
                [b = Saved(b), y = SavedOutput(y)](const Node& node, const Tensor& grad) -> Pair {
                  const Tensor over_b = div(grad, b.get(node));  // d/db (a / b) = -(a / b) / b
                  return {over_b, node.needs(1) ? neg(mul(over_b, y.get(node))) : Tensor()};
                });
}

namespace {

// The dtype of a power. Errors: bool.
template <class Base, class Exponent> DType power_type(const Base& base, const Exponent& exponent) {
  const DType type = ops::result_type(base, exponent);
  if (type == boolean) throw Error("pow", "bool tensors have no powers", "convert one: x.to(i64)");
  return type;
}

// d/dp x^p = x^p log(x), which is 0 where x is 0 and p >= 0: log(1) stands in there.
Tensor exponent_slope(const Tensor& x, const Tensor& p, const Tensor& y) {
  return y * log(masked_fill(x.to(y.dtype()), logical_and(eq(x, 0), ge(p, 0)), 1));
}

}  // namespace

Tensor pow(const Tensor& base, const Tensor& exponent) {
  Tensor y = ops::binary(Binary::pow, base, exponent, power_type(base, exponent));
  if (!recording(base, exponent)) return y;
  return record("pow", y, {&base, &exponent},
                [base = Saved(base), exponent = Saved(exponent), y = SavedOutput(y)](
                    const Node& node, const Tensor& grad) -> Pair {
                  const Tensor x = base.get(node);
                  const Tensor p = exponent.get(node);
                  Pair grads;
                  if (node.needs(0)) grads[0] = grad * masked_fill(p * pow(x, p - 1), eq(p, 0), 0);
                  if (node.needs(1)) grads[1] = grad * exponent_slope(x, p, y.get(node));
                  return grads;
                });
}

Tensor pow(const Tensor& base, Scalar exponent) {
  const DType type = power_type(base, exponent);
  if (!is_floating_point(type) && exponent.to_int() < 0) {
    throw Error("pow", fmt::format("{} numbers to the power {}", name(type), exponent.to_int()),
                "convert the base, integers have no inverse: x.to(f32)");
  }
  Tensor y = ops::binary(Binary::pow, base, exponent, type);
  if (!recording(base)) return y;
  const double p = exponent.to_double();
  return record("pow", y, {&base}, [p, base = Saved(base)](const Node& node, const Tensor& grad) {
    if (p == 0) return zeros_like(grad);
    return grad * (pow(base.get(node), p - 1) * p);
  });
}

Tensor pow(Scalar base, const Tensor& exponent) {
  Tensor y = ops::binary(Binary::pow, base, exponent, power_type(exponent, base));
  if (!recording(exponent)) return y;
  return record("pow", y, {&exponent},
                [base, exponent = Saved(exponent), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                  const Tensor p = exponent.get(node);
                  return grad * exponent_slope(full({}, base, p.dtype()), p, y.get(node));
                });
}

namespace {
Tensor floating(Unary op, const Tensor& x, Reuse reuse) {
  return ops::unary(op, x, ops::floating_type(x.dtype()), reuse);  // integers give f32
}
}  // namespace

Tensor neg(Tensor x) {
  if (x.dtype() == boolean) throw Error("neg", "bool tensors have no negative", "use logical_not()");
  Tensor y = ops::unary(Unary::neg, x, x.dtype(), Reuse::yes);
  if (!recording(x)) return y;
  return record("neg", y, {&x}, [](const Node&, const Tensor& grad) { return neg(grad); });
}

Tensor abs(Tensor x) {
  const bool tracked = recording(x);
  Tensor y = ops::unary(Unary::abs, x, x.dtype(), tracked ? Reuse::no : Reuse::yes);
  if (!tracked) return y;
  return record("abs", y, {&x},
                [x = Saved(x)](const Node& node, const Tensor& grad) { return grad * sign(x.get(node)); });
}

Tensor sign(const Tensor& x) {
  Tensor y = ops::unary(Unary::sign, x, x.dtype());
  if (!recording(x)) return y;
  return record("sign", y, {&x}, [](const Node&, const Tensor& grad) { return zeros_like(grad); });
}

Tensor square(Tensor x) {
  if (x.dtype() == boolean) return x.to(i64);  // as the power that it is
  const bool tracked = recording(x);
  Tensor y = ops::unary(Unary::square, x, x.dtype(), tracked ? Reuse::no : Reuse::yes);
  if (!tracked) return y;
  return record("square", y, {&x},
                [x = Saved(x)](const Node& node, const Tensor& grad) { return grad * x.get(node) * 2; });
}

Tensor reciprocal(Tensor x) {
  Tensor y = floating(Unary::reciprocal, x, Reuse::yes);
  if (!recording(x)) return y;
  return record("reciprocal", y, {&x}, [y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    return neg(grad * square(y.get(node)));
  });
}

Tensor exp(Tensor x) {
  Tensor y = floating(Unary::exp, x, Reuse::yes);
  if (!recording(x)) return y;
  return record("exp", y, {&x},
                [y = SavedOutput(y)](const Node& node, const Tensor& grad) { return grad * y.get(node); });
}

Tensor log(Tensor x) {
  const bool tracked = recording(x);
  Tensor y = floating(Unary::log, x, tracked ? Reuse::no : Reuse::yes);
  if (!tracked) return y;
  return record("log", y, {&x},
                [x = Saved(x)](const Node& node, const Tensor& grad) { return div(grad, x.get(node)); });
}

Tensor sqrt(Tensor x) {
  Tensor y = floating(Unary::sqrt, x, Reuse::yes);
  if (!recording(x)) return y;
  return record("sqrt", y, {&x}, [y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    return div(grad, y.get(node) * 2);
  });
}

Tensor rsqrt(Tensor x) {
  Tensor y = floating(Unary::rsqrt, x, Reuse::yes);
  if (!recording(x)) return y;
  return record("rsqrt", y, {&x}, [y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor r = y.get(node);
    return grad * (square(r) * r * -0.5);
  });
}

Tensor add(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::add, a, b, ops::result_type(a, b), Reuse::yes);
  if (!recording(a)) return y;
  return record("add", y, {&a}, [](const Node&, const Tensor& grad) { return grad; });
}

Tensor sub(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::sub, a, b, difference_type("sub", a, b), Reuse::yes);
  if (!recording(a)) return y;
  return record("sub", y, {&a}, [](const Node&, const Tensor& grad) { return grad; });
}

Tensor rsub(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::sub, b, a, difference_type("rsub", a, b), Reuse::yes);
  if (!recording(a)) return y;
  return record("rsub", y, {&a}, [](const Node&, const Tensor& grad) { return neg(grad); });
}

Tensor mul(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::mul, a, b, ops::result_type(a, b), Reuse::yes);
  if (!recording(a)) return y;
  return record("mul", y, {&a}, [b](const Node&, const Tensor& grad) { return mul(grad, b); });
}

Tensor div(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::div, a, b, ops::floating_type(ops::result_type(a, b)), Reuse::yes);
  if (!recording(a)) return y;
  return record("div", y, {&a}, [b](const Node&, const Tensor& grad) { return div(grad, b); });
}

namespace {

using Triple = std::array<Tensor, 3>;

DType promoted(const Tensor& x, const Tensor& a, const Tensor& b) {
  return ops::promote(ops::result_type(x, a), ops::result_type(a, b));
}

}  // namespace

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  const DType type = promoted(x, a, b);
  if (!is_floating_point(type)) return add(x, mul(mul(a, b), value));
  Tensor y = ops::ternary(Ternary::addcmul, x, a, b, value.to_double(), type);
  if (!recording(x, a, b)) return y;
  return record("addcmul", y, {&x, &a, &b},
                [a = Saved(a), b = Saved(b), value](const Node& node, const Tensor& grad) -> Triple {
                  const Tensor scaled = grad * value;
                  return {grad, node.needs(1) ? scaled * b.get(node) : Tensor(),
                          node.needs(2) ? scaled * a.get(node) : Tensor()};
                });
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value) {
  const DType type = promoted(x, a, b);
  if (!is_floating_point(type)) {
    throw Error("addcdiv", fmt::format("the division of {} numbers has no {} result", name(type), name(type)),
                "convert one of the tensors: x.to(f32)");
  }
  Tensor y = ops::ternary(Ternary::addcdiv, x, a, b, value.to_double(), type);
  if (!recording(x, a, b)) return y;
  return record("addcdiv", y, {&x, &a, &b},
                [a = Saved(a), b = Saved(b), value](const Node& node, const Tensor& grad) -> Triple {
                  const Tensor over_b = grad * value / b.get(node);
                  return {grad, over_b, node.needs(2) ? neg(over_b * a.get(node) / b.get(node)) : Tensor()};
                });
}

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  const DType type = promoted(start, end, weight);
  if (!is_floating_point(type)) {
    throw Error("lerp", fmt::format("{} numbers have none in between", name(type)),
                "convert them: x.to(f32)");
  }
  Tensor y = ops::ternary(Ternary::lerp, start, end, weight, 0, type);
  if (!recording(start, end, weight)) return y;
  return record("lerp", y, {&start, &end, &weight},
                [start = Saved(start), end = Saved(end), weight = Saved(weight)](
                    const Node& node, const Tensor& grad) -> Triple {
                  const Tensor w = weight.get(node);
                  return {grad * (1 - w), grad * w,
                          node.needs(2) ? grad * (end.get(node) - start.get(node)) : Tensor()};
                });
}

Tensor lerp(const Tensor& start, const Tensor& end, Scalar weight) {
  return lerp(start, end, full({}, weight, ops::result_type(start, end)));
}

Tensor Tensor::abs() const { return mica::abs(*this); }
Tensor Tensor::exp() const { return mica::exp(*this); }
Tensor Tensor::log() const { return mica::log(*this); }
Tensor Tensor::sqrt() const { return mica::sqrt(*this); }
Tensor Tensor::square() const { return mica::square(*this); }
Tensor Tensor::pow(Scalar exponent) const { return mica::pow(*this, exponent); }
Tensor Tensor::pow(const Tensor& exponent) const { return mica::pow(*this, exponent); }
Tensor Tensor::rsqrt() const { return mica::rsqrt(*this); }
Tensor Tensor::neg() const { return mica::neg(*this); }
Tensor Tensor::sign() const { return mica::sign(*this); }
Tensor Tensor::reciprocal() const { return mica::reciprocal(*this); }

}  // namespace mica
