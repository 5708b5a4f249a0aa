// The operations of pointwise.h that choose among numbers: maximum, clamp, where and their like.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

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
using Pair = std::array<Tensor, 2>;

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
}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return extremum("maximum", Binary::maximum, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extremum("minimum", Binary::minimum, a, b); }

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

namespace {
[[noreturn]] void throw_no_limit() {
  throw Error("clamp", "neither min nor max was given", "give one: clamp(x, 0.0, {})");
}
}  // namespace

Tensor clamp(const Tensor& x, std::optional<double> min, std::optional<double> max) {
  if (!min && !max) throw_no_limit();
  if (x.dtype() == boolean) return clamp(x.to(i64), min, max);
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

Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  if (!min.defined() && !max.defined()) throw_no_limit();
  if (!max.defined()) return clamp_min(x, min);
  if (!min.defined()) return clamp_max(x, max);
  broadcast_shapes(x.sizes(), broadcast_shapes(min.sizes(), max.sizes(), "clamp"), "clamp");
  const DType type = ops::promote(ops::result_type(x, min), ops::result_type(x, max));
  const Tensor low = ops::binary(Binary::maximum, x, min, type);
  Tensor y = ops::binary(Binary::minimum, low, max, type);
  if (!recording(x, min, max)) return y;
  return record("clamp", y, {&x, &min, &max},
                [x = Saved(x), min = Saved(min), max = Saved(max)](
                    const Node& node, const Tensor& grad) -> std::array<Tensor, 3> {
                  const Tensor input = x.get(node);
                  const Tensor low = min.get(node);
                  const Tensor high = max.get(node);
                  const Tensor inside = logical_and(ge(input, low), le(input, high));
                  const Tensor ordered = lt(low, high);
                  const Tensor below = logical_and(ordered, lt(input, low));
                  const Tensor above = logical_or(logical_not(ordered), gt(input, high));
                  return {where(inside, grad, 0), where(below, grad, 0), where(above, grad, 0)};
                });
}

namespace {
// One limit, which gets the gradient where x is beyond it.
Tensor limit_by(const char* name, Binary op, const Tensor& x, const Tensor& limit) {
  broadcast_shapes(x.sizes(), limit.sizes(), name);
  Tensor y = ops::binary(op, x, limit, ops::result_type(x, limit));
  if (!recording(x, limit)) return y;
  const bool from_below = op == Binary::maximum;
  return record(
      name, y, {&x, &limit},
      [from_below, x = Saved(x), limit = Saved(limit)](const Node& node, const Tensor& grad) -> Pair {
        const Tensor input = x.get(node);
        const Tensor end = limit.get(node);
        return {where(from_below ? ge(input, end) : le(input, end), grad, 0),
                where(from_below ? lt(input, end) : gt(input, end), grad, 0)};
      });
}
}  // namespace

Tensor clamp_min(const Tensor& x, double min) { return clamp(x, min, std::nullopt); }
Tensor clamp_max(const Tensor& x, double max) { return clamp(x, std::nullopt, max); }
Tensor clamp_min(const Tensor& x, const Tensor& min) {
  return limit_by("clamp_min", Binary::maximum, x, min);
}
Tensor clamp_max(const Tensor& x, const Tensor& max) {
  return limit_by("clamp_max", Binary::minimum, x, max);
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

Tensor where(const Tensor& condition, Scalar a, const Tensor& b) {
  return where(condition, full({}, a, ops::result_type(b, a)), b);
}
Tensor where(const Tensor& condition, const Tensor& a, Scalar b) {
  return where(condition, a, full({}, b, ops::result_type(a, b)));
}
Tensor where(const Tensor& condition, Scalar a, Scalar b) {
  const auto type_of = [](Scalar s) { return s.kind() == f64 ? f32 : s.kind(); };
  const DType type = ops::promote(type_of(a), type_of(b));
  return where(condition, full({}, a, type), full({}, b, type));
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  return where(mask, full({}, value, x.dtype()), x);
}

namespace {
// The largest finite number.
double largest(DType dtype) {
  return dispatch(dtype, []<class T>() -> double {
    if constexpr (std::is_same_v<T, BFloat16>)
      return 0x1.fep127;
    else if constexpr (std::is_same_v<T, Half>)
      return 65504;
    else
      return static_cast<double>(std::numeric_limits<T>::max());
  });
}
}  // namespace

Tensor nan_to_num(const Tensor& x, const NanToNumOptions& options) {
  if (!x.is_floating_point()) return ops::convert(x, x.dtype());
  const double end = largest(x.dtype());
  const double infinity = std::numeric_limits<double>::infinity();
  Tensor y = masked_fill(x, isnan(x), options.nan);
  y = masked_fill(y, eq(x, infinity), options.posinf.value_or(end));
  return masked_fill(y, eq(x, -infinity), options.neginf.value_or(-end));
}

Tensor Tensor::clamp(std::optional<double> min, std::optional<double> max) const {
  return mica::clamp(*this, min, max);
}
Tensor Tensor::masked_fill(const Tensor& mask, Scalar value) const {
  return mica::masked_fill(*this, mask, value);
}

}  // namespace mica
