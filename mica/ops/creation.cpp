#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>

namespace mica {

Tensor full(const Shape& sizes, Scalar value, DType dtype) { return empty(sizes, dtype).fill_(value); }
Tensor zeros(const Shape& sizes, DType dtype) { return full(sizes, 0, dtype); }
Tensor ones(const Shape& sizes, DType dtype) { return full(sizes, 1, dtype); }

Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype) {
  if (!dtype || *dtype == x.dtype()) return empty_like(x).fill_(value);
  const bool dense = is_dense(x.sizes(), x.strides());
  return empty_strided(x.sizes(), dense ? x.strides() : contiguous_strides(x.sizes()), *dtype).fill_(value);
}
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype) { return full_like(x, 0, dtype); }
Tensor ones_like(const Tensor& x, std::optional<DType> dtype) { return full_like(x, 1, dtype); }

Tensor arange(Scalar last) { return arange(0, last, 1); }

Tensor arange(Scalar first, Scalar last, Scalar step) {
  const bool integers = first.kind() != f64 && last.kind() != f64 && step.kind() != f64;
  return arange(first, last, step, integers ? i64 : f32);
}

Tensor arange(Scalar first, Scalar last, Scalar step, DType dtype) {
  const double a = first.to_double();
  const double d = step.to_double();
  const bool integers = first.kind() != f64 && last.kind() != f64 && step.kind() != f64;
  std::int64_t whole = 0;
  const bool wraps = integers && __builtin_sub_overflow(last.to_int(), first.to_int(), &whole);
  const double distance = integers && !wraps ? static_cast<double>(whole) : last.to_double() - a;
  const double count = std::ceil(distance / d);
  if (d == 0 || !std::isfinite(count)) {
    throw Error("arange", fmt::format("from {} to {} in steps of {}", a, last.to_double(), d),
                "the step must not be 0");
  }
  if (count < 0) {
    throw Error("arange", fmt::format("steps of {} never lead from {} to {}", d, a, last.to_double()));
  }
  if (count >= 0x1p62)
    throw Error("arange", fmt::format("from {} to {} in steps of {}: {} elements are too many", a,
                                      last.to_double(), d, count));
  const Shape sizes(static_cast<std::int64_t>(count));
  if (integers && dtype == i64) {  // not all of them are f64 numbers
    Tensor y = empty(sizes, i64);
    std::int64_t next = first.to_int();
    for (std::int64_t& value : y.data<std::int64_t>()) value = std::exchange(next, next + step.to_int());
    return y;
  }
  Tensor y = empty(sizes, f64);
  const auto values = y.data<double>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = a + static_cast<double>(i) * d;
  return dtype == f64 ? y : ops::convert(y, dtype);
}

namespace {

// f(first), ..., f(last) at equal distances. Counted from both ends, so that the last one is exact.
template <class F>
Tensor spaced(const char* operation, double first, double last, std::int64_t steps, DType dtype, F f) {
  if (steps < 0) throw Error(operation, fmt::format("{} steps", steps), "their number cannot be negative");
  Tensor y = empty(Shape(steps), f64);
  const double step = steps > 1 ? (last - first) / static_cast<double>(steps - 1) : 0;
  std::int64_t i = 0;
  for (double& value : y.data<double>()) {
    value = f(i < (steps + 1) / 2 ? first + step * static_cast<double>(i)
                                  : last - step * static_cast<double>(steps - 1 - i));
    ++i;
  }
  return dtype == f64 ? y : ops::convert(y, dtype);
}

}  // namespace

Tensor linspace(double first, double last, std::int64_t steps, DType dtype) {
  return spaced("linspace", first, last, steps, dtype, [](double x) { return x; });
}

Tensor logspace(double first, double last, std::int64_t steps, double base, DType dtype) {
  return spaced("logspace", first, last, steps, dtype, [base](double x) { return std::pow(base, x); });
}

Tensor eye(std::int64_t n, std::optional<std::int64_t> m, DType dtype) {
  const std::int64_t columns = m.value_or(n);
  Tensor y = zeros({n, columns}, dtype);
  alias(y, Shape(std::min(n, columns)), Shape(columns + 1), 0).fill_(1);
  return y;
}

Tensor detail::from_values(const double* values, const std::int64_t* integers, const Shape& sizes,
                           DType dtype) {
  Tensor y = empty(sizes, dtype);
  const auto n = static_cast<std::size_t>(y.numel());
  dispatch(dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>)
      return;  // never the dtype of a literal
    else {
      const auto span = y.data<T>();
      for (std::size_t i = 0; i < n; ++i)
        span[i] = integers != nullptr ? static_cast<T>(integers[i]) : static_cast<T>(values[i]);
    }
  });
  return y;
}

void detail::check_count(std::size_t count, const Shape& sizes) {
  if (static_cast<std::int64_t>(count) == sizes.numel()) return;
  throw Error("from_vector", fmt::format("{} elements do not fill shape {}", count, to_string(sizes)));
}

void detail::throw_ragged(std::size_t expected, std::size_t found) {
  throw Error("tensor", fmt::format("a row has {} elements where others have {}", found, expected));
}

}  // namespace mica
