#include <cmath>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>

namespace mica {

Tensor full(const Shape& sizes, Scalar value, DType dtype) { return empty(sizes, dtype).fill_(value); }
Tensor zeros(const Shape& sizes, DType dtype) { return full(sizes, 0, dtype); }
Tensor ones(const Shape& sizes, DType dtype) { return full(sizes, 1, dtype); }
Tensor zeros_like(const Tensor& x) { return empty_like(x).fill_(0); }
Tensor ones_like(const Tensor& x) { return empty_like(x).fill_(1); }

Tensor arange(Scalar last) { return arange(0, last, 1); }

Tensor arange(Scalar first, Scalar last, Scalar step) {
  const bool integers = first.kind() != f64 && last.kind() != f64 && step.kind() != f64;
  return arange(first, last, step, integers ? i64 : f32);
}

Tensor arange(Scalar first, Scalar last, Scalar step, DType dtype) {
  const double a = first.to_double();
  const double d = step.to_double();
  const bool integers = first.kind() != f64 && last.kind() != f64 && step.kind() != f64;
  const double distance =
      integers ? static_cast<double>(last.to_int() - first.to_int()) : last.to_double() - a;
  const double count = std::ceil(distance / d);
  if (d == 0 || !std::isfinite(count)) {
    throw Error("arange", fmt::format("from {} to {} in steps of {}", a, last.to_double(), d),
                "the step must not be 0");
  }
  if (count < 0) {
    throw Error("arange", fmt::format("steps of {} never lead from {} to {}", d, a, last.to_double()));
  }
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

Tensor eye(std::int64_t n, std::int64_t m, DType dtype) {
  const std::int64_t columns = m < 0 ? n : m;
  Tensor y = zeros({n, columns}, dtype);
  const std::int64_t diagonal = std::min(n, columns);
  alias(y, Shape(diagonal), Shape(columns + 1), 0).fill_(1);
  return y;
}

namespace {

Tensor drawn(const char* operation, const Shape& sizes, DType dtype, auto&& fill) {
  if (!is_floating_point(dtype)) {
    throw Error(operation, fmt::format("draws floating-point numbers, not {}", name(dtype)), "use randint()");
  }
  Tensor y = empty(sizes, ops::compute_type(dtype));
  if (dtype == f64)
    fill(y.data<double>());
  else
    fill(y.data<float>());
  return y.dtype() == dtype ? y : ops::convert(y, dtype);
}

// In place, whatever the strides and the dtype of `x`.
Tensor& redraw(const char* operation, Tensor& x, auto&& fill) {
  return x.copy_(drawn(operation, x.sizes(), x.dtype(), fill));
}

}  // namespace

Tensor rand(const Shape& sizes, Generator& generator, DType dtype) {
  return drawn("rand", sizes, dtype, [&](auto span) { fill_uniform(span, 0, 1, generator); });
}
Tensor randn(const Shape& sizes, Generator& generator, DType dtype) {
  return drawn("randn", sizes, dtype, [&](auto span) { fill_normal(span, 0, 1, generator); });
}
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, Generator& generator, DType dtype) {
  if (low >= high) throw Error("randint", fmt::format("no integer lies in [{}, {})", low, high));
  Tensor y = empty(sizes, i64);
  fill_randint(y.data<std::int64_t>(), low, high, generator);
  return dtype == i64 ? y : ops::convert(y, dtype);
}
Tensor randperm(std::int64_t n, Generator& generator) {
  Tensor y = empty(Shape(n), i64);
  fill_randperm(y.data<std::int64_t>(), generator);
  return y;
}
Tensor rand(const Shape& sizes, DType dtype) { return rand(sizes, default_generator(), dtype); }
Tensor randn(const Shape& sizes, DType dtype) { return randn(sizes, default_generator(), dtype); }
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, DType dtype) {
  return randint(low, high, sizes, default_generator(), dtype);
}
Tensor randperm(std::int64_t n) { return randperm(n, default_generator()); }

Tensor& Tensor::uniform_(double from, double to) {
  return redraw("uniform_", *this, [&](auto span) { fill_uniform(span, from, to, default_generator()); });
}
Tensor& Tensor::normal_(double mean, double std) {
  if (std < 0) throw Error("normal_", fmt::format("standard deviation {} is negative", std));
  return redraw("normal_", *this, [&](auto span) { fill_normal(span, mean, std, default_generator()); });
}
Tensor& Tensor::bernoulli_(double p) {
  if (!(p >= 0 && p <= 1)) throw Error("bernoulli_", fmt::format("probability {} is not between 0 and 1", p));
  Tensor drawn = empty(sizes(), u8);
  fill_bernoulli(drawn.data<std::uint8_t>(), p, default_generator());
  return copy_(drawn);
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

void detail::throw_ragged() { throw Error("tensor", "the rows have different lengths"); }

}  // namespace mica
