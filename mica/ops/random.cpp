#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/floating.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/inplace.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica {

using autograd::record;

namespace {

// The dimensions from the outermost in memory to the innermost, sorted as PyTorch sorts them before it draws:
// expanded dimensions stay where they are.
Shape memory_order(const Tensor& x) {
  const Shape& sizes = x.sizes();
  const Shape& strides = x.strides();
  const auto before = [&](std::int64_t a, std::int64_t b) {  // must dimension a lie outside of b?
    const std::int64_t sa = strides[static_cast<int>(a)];
    const std::int64_t sb = strides[static_cast<int>(b)];
    return sa == sb ? sizes[static_cast<int>(a)] > sizes[static_cast<int>(b)] : sa > sb;
  };
  Shape order;  // innermost first, while it is being sorted
  for (int d = sizes.size() - 1; d >= 0; --d) order.push_back(d);
  for (int i = 1; i < order.size(); ++i) {
    for (int at = i, j = i - 1; j >= 0; --j) {
      const int a = static_cast<int>(order[j]);
      const int b = static_cast<int>(order[at]);
      if (strides[a] == 0 || strides[b] == 0) continue;
      if (!before(a, b)) break;
      std::swap(order[j], order[at]);
      at = j;
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

// A tensor shaped like x and with its order of memory but dense, filled by fill(row-major tensor).
template <class Fill> Tensor drawn_like(const Tensor& x, DType dtype, Fill fill) {
  const Shape order = memory_order(x);
  Shape sizes;
  for (const std::int64_t d : order) sizes.push_back(x.sizes()[static_cast<int>(d)]);
  const Shape ordered = contiguous_strides(sizes);
  Shape strides = ordered;
  for (int i = 0; i < order.size(); ++i) strides[static_cast<int>(order[i])] = ordered[i];
  const Tensor y = empty_strided(x.sizes(), strides, dtype);
  fill(alias(y, sizes, ordered, 0));
  return y;
}

// x becomes what fill draws in the order of its memory. Its history ends: the old values no longer matter.
template <class Fill> Tensor& redraw(const char* operation, Tensor& x, DType dtype, Fill fill) {
  const bool tracked = ops::check_in_place(operation, x);
  ops::check_no_overlap(operation, x);
  if (x.is_contiguous() && x.dtype() == dtype) {
    fill(x);
    ops::mark_changed(operation, x, tracked);
    if (tracked) x.impl()->grad_fn.reset();
  } else {
    ops::assign(operation, x, drawn_like(x, dtype, fill), tracked);
  }
  return x;
}

// Calls fn(span) with the elements of a row-major tensor of floating point.
template <class Fn> void with_floats(const Tensor& x, Fn fn) {
  dispatch(x.dtype(), [&]<class T>() {
    if constexpr (is_floating_point(dtype_of<T>)) fn(x.data<T>());
  });
}

void check_floating(const char* operation, DType dtype) {
  if (is_floating_point(dtype)) return;
  throw Error(operation, fmt::format("draws floating-point numbers, not {}", name(dtype)),
              "use randint() or random_() for integers");
}

// An integer that no tensor of this dtype can tell from its neighbours, or hold at all, is out of range.
void check_counts(const char* operation, std::int64_t low, std::int64_t high, DType dtype) {
  if (low >= high) throw Error(operation, fmt::format("no integer lies in [{}, {})", low, high));
  const auto [lowest, highest] = dispatch(dtype, []<class T>() -> std::pair<std::int64_t, std::int64_t> {
    constexpr int bits = std::is_same_v<T, double>     ? 53
                         : std::is_same_v<T, float>    ? 24
                         : std::is_same_v<T, Half>     ? 11
                         : std::is_same_v<T, BFloat16> ? 8
                                                       : 0;
    if constexpr (bits > 0)
      return {-(std::int64_t{1} << bits), std::int64_t{1} << bits};
    else
      return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  });
  if (low < lowest || high - 1 > highest) {
    throw Error(operation,
                fmt::format("[{}, {}) has integers that {} does not count", low, high, name(dtype)),
                fmt::format("it counts from {} to {}", lowest, highest));
  }
}

void fill_integers(const Tensor& y, std::int64_t low, std::int64_t high, Generator& generator) {
  fill_randint(y.data<std::int64_t>(), low, high, generator);
}

// The bytes of a boolean tensor.
std::span<std::uint8_t> bytes(const Tensor& x) {
  return {static_cast<std::uint8_t*>(x.raw_data()), static_cast<std::size_t>(x.numel())};
}

}  // namespace

Tensor rand(const Shape& sizes, Generator& generator, DType dtype) {
  check_floating("rand", dtype);
  return empty(sizes, dtype).uniform_(0, 1, generator);
}
Tensor rand(const Shape& sizes, DType dtype) { return rand(sizes, default_generator(), dtype); }

Tensor randn(const Shape& sizes, Generator& generator, DType dtype) {
  check_floating("randn", dtype);
  return empty(sizes, dtype).normal_(0, 1, generator);
}
Tensor randn(const Shape& sizes, DType dtype) { return randn(sizes, default_generator(), dtype); }

Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, Generator& generator, DType dtype) {
  check_counts("randint", low, high, dtype);
  const Tensor y = empty(sizes, i64);
  fill_integers(y, low, high, generator);
  return dtype == i64 ? y : ops::convert(y, dtype);
}
Tensor randint(std::int64_t low, std::int64_t high, const Shape& sizes, DType dtype) {
  return randint(low, high, sizes, default_generator(), dtype);
}
Tensor randint(std::int64_t high, const Shape& sizes, DType dtype) { return randint(0, high, sizes, dtype); }

Tensor randperm(std::int64_t n, Generator& generator, DType dtype) {
  if (n < 0) throw Error("randperm", fmt::format("of {} numbers", n), "their number cannot be negative");
  if (n > 0) check_counts("randperm", 0, n, dtype);
  const Tensor y = empty(Shape(n), i64);
  fill_randperm(y.data<std::int64_t>(), generator);
  return dtype == i64 ? y : ops::convert(y, dtype);
}
Tensor randperm(std::int64_t n, DType dtype) { return randperm(n, default_generator(), dtype); }

Tensor rand_like(const Tensor& x, std::optional<DType> dtype) {
  check_floating("rand_like", dtype.value_or(x.dtype()));
  return drawn_like(x, dtype.value_or(x.dtype()), [](Tensor y) { y.uniform_(); });
}

Tensor randn_like(const Tensor& x, std::optional<DType> dtype) {
  check_floating("randn_like", dtype.value_or(x.dtype()));
  return zeros_like(x, dtype).normal_();  // not in blocks if the order of memory is not row-major
}

Tensor randint_like(const Tensor& x, std::int64_t low, std::int64_t high, std::optional<DType> dtype) {
  const DType type = dtype.value_or(x.dtype());
  check_counts("randint_like", low, high, type);
  const Tensor y =
      drawn_like(x, i64, [&](const Tensor& t) { fill_integers(t, low, high, default_generator()); });
  return type == i64 ? y : ops::convert(y, type);
}
Tensor randint_like(const Tensor& x, std::int64_t high, std::optional<DType> dtype) {
  return randint_like(x, 0, high, dtype);
}

Tensor bernoulli(const Tensor& p, Generator& generator) {
  ops::check_floating("bernoulli", p);
  Tensor y = empty(p.sizes(), p.dtype()).bernoulli_(p, generator);
  return record("bernoulli", y, {&p}, [](const Node&, const Tensor& grad) { return zeros_like(grad); });
}

Tensor normal(double mean, double std, const Shape& sizes, Generator& generator, DType dtype) {
  check_floating("normal", dtype);
  return empty(sizes, dtype).normal_(mean, std, generator);
}
Tensor normal(double mean, double std, const Shape& sizes, DType dtype) {
  return normal(mean, std, sizes, default_generator(), dtype);
}

Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator) {
  ops::check_floating("normal", mean);
  ops::check_floating("normal", std);
  if ((std < 0).any().item<bool>()) throw Error("normal", "a standard deviation is negative");
  const Shape sizes = broadcast_shapes(mean.sizes(), std.sizes(), "normal");
  Tensor y = empty(sizes, mean.dtype()).normal_(0, 1, generator);
  y.mul_(std.detach()).add_(mean.detach());
  return record("normal", y, {&mean, &std}, [](const Node&, const Tensor& grad) -> std::array<Tensor, 2> {
    return {zeros_like(grad), zeros_like(grad)};
  });
}

Tensor normal(const Tensor& mean, double std, Generator& generator) {
  ops::check_floating("normal", mean);
  Tensor y = empty(mean.sizes(), mean.dtype()).normal_(0, std, generator);
  y.add_(mean.detach());
  return record("normal", y, {&mean}, [](const Node&, const Tensor& grad) { return zeros_like(grad); });
}

namespace {

// The first `samples` positions when each weight is divided by an exponential number of its own and the
// quotients are sorted from the largest.
void draw_without_replacement(const Tensor& weights, const Tensor& out, Generator& generator) {
  const Tensor quotients = weights / empty_like(weights).exponential_(1, generator);
  const auto samples = static_cast<std::size_t>(out.sizes().back());
  const auto n = static_cast<std::size_t>(weights.sizes().back());
  const std::vector<double> values = quotients.to_vector<double>();
  std::vector<std::int64_t> order(n);
  auto drawn = out.data<std::int64_t>().begin();
  for (std::size_t row = 0; row < values.size(); row += n) {
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(samples), order.end(),
                      [value = values.data() + row](auto a, auto b) { return value[a] > value[b]; });
    drawn = std::copy_n(order.begin(), samples, drawn);
  }
}

// Where uniform numbers fall among the running sums of the weights.
void draw_with_replacement(const Tensor& weights, const Tensor& out, Generator& generator) {
  kernels::dispatch_floating("multinomial", weights.dtype(), [&]<class T>() {
    const auto values = weights.data<T>();
    const auto samples = static_cast<std::size_t>(out.sizes().back());
    const auto n = static_cast<std::size_t>(weights.sizes().back());
    std::vector<T> sums(n);
    auto drawn = out.data<std::int64_t>().begin();
    for (std::size_t row = 0; row < values.size(); row += n) {
      std::partial_sum(values.begin() + static_cast<std::ptrdiff_t>(row),
                       values.begin() + static_cast<std::ptrdiff_t>(row + n), sums.begin());
      const T total = sums.back();
      for (T& sum : sums) sum /= total;
      sums.back() = 1;
      for (std::size_t i = 0; i < samples; ++i) {
        const double at = generator.uniform_double();
        *drawn++ = std::ranges::lower_bound(sums, at) - sums.begin();
      }
    }
  });
}

void check_weights(const Tensor& weights) {
  const std::vector<double> values = weights.to_vector<double>();
  const auto n = static_cast<std::size_t>(weights.sizes().back());
  for (std::size_t row = 0; row < values.size(); row += n) {
    double total = 0;
    for (std::size_t i = row; i < row + n; ++i) {
      if (!(values[i] >= 0) || std::isinf(values[i]))
        throw Error("multinomial", fmt::format("weight {} is {}", i, values[i]),
                    "weights are finite and not negative");
      total += values[i];
    }
    if (total == 0) throw Error("multinomial", fmt::format("all weights of row {} are 0", row / n));
  }
}

}  // namespace

Tensor multinomial(const Tensor& weights, std::int64_t samples, bool replacement, Generator& generator) {
  ops::check_floating("multinomial", weights);
  if (weights.dim() != 1 && weights.dim() != 2) {
    throw Error("multinomial",
                fmt::format("weights of shape {}, expected (n) or (m, n)", to_string(weights.sizes())));
  }
  const std::int64_t n = weights.sizes().back();
  if (samples <= 0) throw Error("multinomial", fmt::format("{} samples", samples), "draw at least one");
  if (n == 0 || (!replacement && samples > n)) {
    throw Error("multinomial", fmt::format("{} samples of {} positions without replacement", samples, n));
  }
  const Tensor values = weights.detach().contiguous();
  check_weights(values);
  Shape sizes = weights.sizes();
  sizes[sizes.size() - 1] = samples;
  const Tensor y = empty(sizes, i64);
  if (replacement)
    draw_with_replacement(values.to(ops::compute_type(values.dtype())), y, generator);
  else
    draw_without_replacement(values, y, generator);
  return y;
}

// ---- in place ----

Tensor& Tensor::uniform_(double from, double to, Generator& generator) {
  check_floating("uniform_", dtype());
  return redraw("uniform_", *this, dtype(), [&](const Tensor& y) {
    with_floats(y, [&](auto span) { fill_uniform(span, from, to, generator); });
  });
}

Tensor& Tensor::normal_(double mean, double std, Generator& generator) {
  check_floating("normal_", dtype());
  const bool blocks = is_contiguous();
  return redraw("normal_", *this, dtype(), [&](const Tensor& y) {
    with_floats(y, [&](auto span) {
      if (blocks)
        fill_normal(span, mean, std, generator);
      else
        fill_normal_one_by_one(span, mean, std, generator);
    });
  });
}

Tensor& Tensor::exponential_(double lambda, Generator& generator) {
  check_floating("exponential_", dtype());
  return redraw("exponential_", *this, dtype(), [&](const Tensor& y) {
    with_floats(y, [&](auto span) { fill_exponential(span, lambda, generator); });
  });
}

Tensor& Tensor::bernoulli_(double p, Generator& generator) {
  return redraw("bernoulli_", *this, boolean,
                [&](const Tensor& y) { fill_bernoulli(bytes(y), p, generator); });
}

Tensor& Tensor::bernoulli_(const Tensor& p, Generator& generator) {
  ops::check_floating("bernoulli_", p);
  const Tensor expanded = p.detach().to(ops::compute_type(p.dtype())).expand(sizes());
  return redraw("bernoulli_", *this, boolean, [&](const Tensor& y) {
    const Tensor arranged = expanded.permute(memory_order(*this)).contiguous();
    kernels::dispatch_floating("bernoulli_", arranged.dtype(), [&]<class T>() {
      fill_bernoulli(bytes(y), std::span<const T>(arranged.data<T>()), generator);
    });
  });
}

Tensor& Tensor::random_(std::int64_t from, std::int64_t to, Generator& generator) {
  check_counts("random_", from, to, dtype());
  // Converted afterwards, but not by assign(), which never turns integers into booleans.
  const Tensor drawn =
      drawn_like(*this, i64, [&](const Tensor& y) { fill_integers(y, from, to, generator); });
  const bool tracked = ops::check_in_place("random_", *this);
  ops::assign("random_", *this, ops::convert(drawn, dtype()), tracked);
  return *this;
}

Tensor& Tensor::random_(std::int64_t to, Generator& generator) { return random_(0, to, generator); }

Tensor& Tensor::random_(Generator& generator) {
  return redraw("random_", *this, dtype(), [&](const Tensor& y) {
    dispatch(dtype(), [&]<class T>() { fill_random(y.data<T>(), generator); });
  });
}

}  // namespace mica
