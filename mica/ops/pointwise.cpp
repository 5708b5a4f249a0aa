#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

Tensor sub(Tensor a, Tensor b) {
  const DType type = ops::result_type(a, b);
  if (type == boolean) throw Error("sub", "bool tensors cannot be subtracted", "use ne() for exclusive or");
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

Tensor pow(const Tensor& base, const Tensor& exponent) {
  const DType type = ops::floating_type(ops::result_type(base, exponent));
  Tensor y = ops::binary(Binary::pow, base, exponent, type);
  if (!recording(base, exponent)) return y;
  return record("pow", y, {&base, &exponent},
                [base = Saved(base), exponent = Saved(exponent), y = SavedOutput(y)](
                    const Node& node, const Tensor& grad) -> Pair {
                  const Tensor x = base.get(node);
                  const Tensor p = exponent.get(node);
                  Pair grads;
                  if (node.needs(0)) {
                    const Tensor slope = where(eq(p, 0), zeros_like(p).to(grad.dtype()), p * pow(x, p - 1));
                    grads[0] = grad * slope;
                  }
                  if (node.needs(1)) {
                    // x^p log x, which is 0 where x is 0 and p >= 0: log(1) stands in there
                    const Tensor safe = masked_fill(x.to(grad.dtype()), logical_and(eq(x, 0), ge(p, 0)), 1);
                    grads[1] = grad * y.get(node) * log(safe);
                  }
                  return grads;
                });
}

Tensor pow(const Tensor& base, Scalar exponent) {
  const double p = exponent.to_double();
  Tensor y = ops::binary(Binary::pow, base, p, ops::floating_type(ops::result_type(base, exponent)));
  if (!recording(base)) return y;
  return record("pow", y, {&base}, [p, base = Saved(base)](const Node& node, const Tensor& grad) {
    if (p == 0) return zeros_like(grad);
    return grad * (pow(base.get(node), p - 1) * p);
  });
}

namespace {
Tensor extremum(const char* name, Binary op, const Tensor& a, const Tensor& b) {
  Tensor y = ops::binary(op, a, b, ops::result_type(a, b));
  if (!recording(a, b)) return y;
  const bool largest = op == Binary::maximum;
  return record(name, y, {&a, &b},
                [largest, a = Saved(a), b = Saved(b)](const Node& node, const Tensor& grad) -> Pair {
                  const Tensor x = a.get(node);
                  const Tensor z = b.get(node);
                  const Tensor shared = where(eq(x, z), grad * 0.5, grad);
                  return {masked_fill(shared, largest ? lt(x, z) : gt(x, z), 0),
                          masked_fill(shared, largest ? gt(x, z) : lt(x, z), 0)};
                });
}

Tensor floating(Unary op, const Tensor& x, Reuse reuse) {
  return ops::unary(op, x, ops::floating_type(x.dtype()), reuse);  // integers give f32
}
}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return extremum("maximum", Binary::maximum, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extremum("minimum", Binary::minimum, a, b); }

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

namespace {
// A limit as an element of `dtype`: one beyond the range of integers limits nothing, so the end of the range
// does.
Scalar limit_in(DType dtype, double limit) {
  if (is_floating_point(dtype)) return limit;
  return dispatch(dtype, [&]<class T>() -> Scalar {
    if constexpr (std::is_integral_v<T>) {
      const std::int64_t low = std::numeric_limits<T>::min();
      const std::int64_t high = std::numeric_limits<T>::max();
      return std::clamp(Scalar(limit).to_int(), low, high);
    } else {
      return limit;
    }
  });
}
}  // namespace

Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max) {
  if (!min && !max) throw Error("clamp", "neither min nor max was given");
  const auto whole = [](std::optional<double> limit) { return !limit || *limit == std::trunc(*limit); };
  if (!x.is_floating_point() && !(whole(min) && whole(max))) return clamp(x.to(f32), min, max);
  const auto limit = [&](double value) { return limit_in(x.dtype(), value); };
  Tensor y = x.detach();
  if (min) y = ops::binary(Binary::maximum, y, limit(*min), x.dtype());
  if (max) y = ops::binary(Binary::minimum, y, limit(*max), x.dtype());
  if (!recording(x)) return y;
  return record("clamp", y, {&x}, [min, max, x = Saved(x)](const Node& node, const Tensor& grad) {
    const Tensor input = x.get(node);
    Tensor inside = min ? ge(input, *min) : le(input, *max);
    if (min && max) inside = logical_and(inside, le(input, *max));
    return masked_fill(grad, logical_not(inside), 0);
  });
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  if (condition.dtype() != boolean) {
    throw Error("where", fmt::format("the condition is {}, not bool", name(condition.dtype())),
                "compare first: x > 0");
  }
  const DType type = ops::result_type(a, b);
  const Tensor x = a.dtype() == type ? a : a.to(type);
  const Tensor z = b.dtype() == type ? b : b.to(type);
  const Shape sizes =
      broadcast_shapes(condition.sizes(), broadcast_shapes(x.sizes(), z.sizes(), "where"), "where");
  Tensor y = empty(sizes, type);
  kernels::where(type, sizes, ops::in(condition, sizes), ops::in(x, sizes), ops::in(z, sizes), ops::out(y));
  if (!recording(x, z)) return y;
  return record("where", y, {&x, &z},
                [condition = Saved(condition)](const Node& node, const Tensor& grad) -> Pair {
                  const Tensor c = condition.get(node);
                  const Tensor zero = zeros_like(grad);
                  return {node.needs(0) ? where(c, grad, zero) : Tensor(),
                          node.needs(1) ? where(c, zero, grad) : Tensor()};
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  return where(mask, full({}, value, x.dtype()), x);
}

Tensor add(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::add, a, b, ops::result_type(a, b), Reuse::yes);
  if (!recording(a)) return y;
  return record("add", y, {&a}, [](const Node&, const Tensor& grad) { return grad; });
}

Tensor sub(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::sub, a, b, ops::result_type(a, b), Reuse::yes);
  if (!recording(a)) return y;
  return record("sub", y, {&a}, [](const Node&, const Tensor& grad) { return grad; });
}

Tensor rsub(Tensor a, Scalar b) {
  Tensor y = ops::binary(Binary::sub, b, a, ops::result_type(a, b), Reuse::yes);
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

Tensor Tensor::abs() const { return mica::abs(*this); }
Tensor Tensor::exp() const { return mica::exp(*this); }
Tensor Tensor::log() const { return mica::log(*this); }
Tensor Tensor::sqrt() const { return mica::sqrt(*this); }
Tensor Tensor::square() const { return mica::square(*this); }
Tensor Tensor::pow(Scalar exponent) const { return mica::pow(*this, exponent); }
Tensor Tensor::clamp(std::optional<double> min, std::optional<double> max) const {
  return mica::clamp(*this, min, max);
}
Tensor Tensor::masked_fill(const Tensor& mask, Scalar value) const {
  return mica::masked_fill(*this, mask, value);
}

}  // namespace mica
