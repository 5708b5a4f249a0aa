#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <tests/kernels/strided.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>

namespace mica::kernels::testing {
namespace {

constexpr Unary every_unary[] = {
    Unary::neg,  Unary::abs,       Unary::sign,    Unary::square, Unary::reciprocal, Unary::exp,
    Unary::log,  Unary::sqrt,      Unary::rsqrt,   Unary::relu,   Unary::sigmoid,    Unary::tanh,
    Unary::gelu, Unary::gelu_tanh, Unary::floor,   Unary::ceil,   Unary::round,      Unary::trunc,
    Unary::frac, Unary::exp2,      Unary::expm1,   Unary::log1p,  Unary::log2,       Unary::sin,
    Unary::cos,  Unary::erf,       Unary::softplus};
constexpr Unary integer_unary[] = {Unary::neg, Unary::abs, Unary::sign, Unary::square, Unary::relu};

// Units in the last place that the fast form may be off. The GELUs: for inputs of a few units, where the
// rounding of the square in the exponent shows.
std::uint64_t allowed_ulps(Unary op) {
  switch (op) {
    case Unary::gelu:
    case Unary::gelu_tanh:
      return 600;  // random_value reaches about 16, where exp(-x^2 / 2) loses x^2 / 2 units
    case Unary::exp:
    case Unary::log:
    case Unary::sigmoid:
    case Unary::exp2:
    case Unary::expm1:
    case Unary::log1p:
    case Unary::log2:
    case Unary::sin:
    case Unary::cos:
    case Unary::erf:
    case Unary::softplus:
    case Unary::tanh: return 4;
    case Unary::rsqrt: return 2;
    case Unary::square:
    case Unary::reciprocal:
    case Unary::sqrt: return 1;  // the reference rounds twice
    default: return 0;
  }
}

class UnaryKernel : public EveryTarget {};
INSTANTIATE_TEST_SUITE_P(Targets, UnaryKernel, ::testing::ValuesIn(supported_targets()), target_name);

template <class T> void check_layouts(Unary op, Rng& rng) {
  for (const Shape& sizes : test_shapes(rng)) {
    const Layout in = input_layouts[pick(rng, 0, 4)];
    const Layout out = output_layouts[pick(rng, 0, 3)];
    Strided<T> x(sizes, in, rng);
    x.fill([&] { return random_value<T>(rng); });
    Strided<T> actual(sizes, out, rng);
    actual.fill([] { return T{7}; });
    Strided<T> expected = actual;
    unary(op, dtype_of<T>, sizes, x, actual);
    reference::unary(op, dtype_of<T>, sizes, x, expected);
    ASSERT_TRUE(same_storage(actual, expected, allowed_ulps(op))) << "op " << static_cast<int>(op);
  }
}

TEST_P(UnaryKernel, AgreesWithReferenceOnEveryLayout) {
  Rng rng(1);
  for (const Unary op : every_unary) {
    check_layouts<float>(op, rng);
    check_layouts<double>(op, rng);
  }
  for (const Unary op : integer_unary) {
    check_layouts<std::int64_t>(op, rng);
    check_layouts<std::int32_t>(op, rng);
    check_layouts<std::uint8_t>(op, rng);
  }
}

TEST_P(UnaryKernel, WritesInPlace) {
  Rng rng(2);
  for (const Unary op : every_unary) {
    for (const Layout layout : output_layouts) {
      Strided<float> x({6, 37}, layout, rng);
      x.fill([&] { return random_value<float>(rng); });
      Strided<float> expected = x;
      reference::unary(op, f32, x.sizes, x, expected);
      unary(op, f32, x.sizes, x, x);
      ASSERT_TRUE(same_storage(x, expected, allowed_ulps(op))) << "op " << static_cast<int>(op);
    }
  }
}

template <class T> T of(Unary op, T x) {
  T y = 7;
  unary(op, dtype_of<T>, {}, {&x, {}}, {&y, {}});
  return y;
}

template <class T> void check_special_values() {
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (const Unary op : every_unary) {
    if (op == Unary::sign) continue;
    EXPECT_TRUE(std::isnan(of(op, nan))) << static_cast<int>(op);
  }
  EXPECT_EQ(of(Unary::sign, nan), 0);  // as torch.sign
  EXPECT_EQ(of(Unary::exp, inf), inf);
  EXPECT_EQ(of(Unary::exp, -inf), 0);
  EXPECT_EQ(of(Unary::exp, T{1e6}), inf);
  EXPECT_EQ(of(Unary::exp, T{-1e6}), 0);
  EXPECT_EQ(of(Unary::exp, -T{0}), 1);
  EXPECT_EQ(of(Unary::log, T{0}), -inf);
  EXPECT_EQ(of(Unary::log, -T{0}), -inf);
  EXPECT_EQ(of(Unary::log, inf), inf);
  EXPECT_EQ(of(Unary::log, T{1}), 0);
  EXPECT_TRUE(std::isnan(of(Unary::log, T{-1})));
  EXPECT_TRUE(std::isnan(of(Unary::log, -inf)));
  EXPECT_TRUE(std::isnan(of(Unary::log, -std::numeric_limits<T>::denorm_min())));
  EXPECT_TRUE(std::isnan(of(Unary::sqrt, T{-1})));
  EXPECT_TRUE(std::isnan(of(Unary::rsqrt, T{-1})));
  EXPECT_EQ(of(Unary::rsqrt, -T{0}), -inf);
  EXPECT_EQ(of(Unary::reciprocal, -T{0}), -inf);
  EXPECT_EQ(of(Unary::sigmoid, T{-1000}), 0);
  EXPECT_EQ(of(Unary::sigmoid, T{1000}), 1);
  EXPECT_EQ(of(Unary::sigmoid, -inf), 0);
  EXPECT_EQ(of(Unary::tanh, inf), 1);
  EXPECT_EQ(of(Unary::tanh, -inf), -1);
  EXPECT_EQ(of(Unary::gelu, inf), inf);
  EXPECT_EQ(of(Unary::gelu, T{0x1p60}), T{0x1p60});
  EXPECT_EQ(of(Unary::gelu, T{-0x1p60}), 0);
  EXPECT_TRUE(std::isnan(of(Unary::gelu, -inf)));  // -inf * 0, as PyTorch
  EXPECT_EQ(of(Unary::gelu_tanh, T{0x1p60}), T{0x1p60});
  EXPECT_EQ(of(Unary::gelu_tanh, T{-0x1p60}), 0);
  EXPECT_EQ(of(Unary::relu, inf), inf);
  EXPECT_EQ(of(Unary::relu, -inf), 0);
  EXPECT_EQ(of(Unary::exp2, inf), inf);
  EXPECT_EQ(of(Unary::exp2, -inf), 0);
  EXPECT_EQ(of(Unary::exp2, T{10}), 1024);
  EXPECT_EQ(of(Unary::expm1, inf), inf);
  EXPECT_EQ(of(Unary::expm1, -inf), -1);
  EXPECT_EQ(of(Unary::log1p, inf), inf);
  EXPECT_EQ(of(Unary::log1p, T{-1}), -inf);
  EXPECT_TRUE(std::isnan(of(Unary::log1p, T{-2})));
  EXPECT_EQ(of(Unary::log2, T{0}), -inf);
  EXPECT_EQ(of(Unary::log2, std::numeric_limits<T>::min()), std::numeric_limits<T>::min_exponent - 1);
  EXPECT_TRUE(std::isnan(of(Unary::sin, inf)));
  EXPECT_TRUE(std::isnan(of(Unary::cos, -inf)));
  EXPECT_EQ(of(Unary::sin, T{0x1p40}), std::sin(T{0x1p40}));
  EXPECT_EQ(of(Unary::erf, inf), 1);
  EXPECT_EQ(of(Unary::erf, -inf), -1);
  EXPECT_EQ(of(Unary::round, T{2.5}), 2);
  EXPECT_EQ(of(Unary::round, T{-3.5}), -4);
  for (const Unary op : {Unary::relu, Unary::tanh, Unary::sqrt, Unary::floor, Unary::ceil, Unary::round,
                         Unary::trunc, Unary::expm1, Unary::log1p, Unary::sin, Unary::erf}) {
    EXPECT_TRUE(std::signbit(of(op, -T{0}))) << static_cast<int>(op);
  }
  EXPECT_FALSE(std::signbit(of(Unary::abs, -T{0})));
  EXPECT_FALSE(std::signbit(of(Unary::neg, -T{0})));
}

TEST_P(UnaryKernel, FollowsPyTorchOnSpecialValues) {
  check_special_values<float>();
  check_special_values<double>();
}

// The largest error over `count` inputs spread evenly between low and high, in units in the last place.
template <class T> std::uint64_t largest_error(Unary op, T low, T high, std::int64_t count) {
  std::vector<T> x(static_cast<std::size_t>(count));
  std::vector<T> actual(x.size());
  std::vector<T> expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = low + (high - low) * static_cast<T>(i) / static_cast<T>(count);
  }
  const Shape sizes{count};
  unary(op, dtype_of<T>, sizes, {x.data(), {1}}, {actual.data(), {1}});
  reference::unary(op, dtype_of<T>, sizes, {x.data(), {1}}, {expected.data(), {1}});
  std::uint64_t worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulp_distance(actual[i], expected[i]));
  return worst;
}

TEST_P(UnaryKernel, IsAccurateOverTheWholeDomain) {
  struct Range {
    Unary op;
    double low, high;
    std::uint64_t ulps;
  };
  constexpr std::int64_t count = 20000;
  for (const Range& r : {Range{Unary::exp, -103, 88.7, 2},    Range{Unary::exp, -1e-3, 1e-3, 2},
                         Range{Unary::log, 0, 4, 2},          Range{Unary::log, 0.9, 1.1, 2},
                         Range{Unary::log, 0, 1e-38, 2},      Range{Unary::log, 1, 3e38, 2},
                         Range{Unary::tanh, -10, 10, 3},      Range{Unary::tanh, -1e-2, 1e-2, 3},
                         Range{Unary::tanh, 0, 1e-39, 3},     Range{Unary::sigmoid, -80, 80, 3},
                         Range{Unary::gelu, -1, 5, 8},        Range{Unary::gelu, -5, 0, 20},
                         Range{Unary::gelu_tanh, -1, 5, 8},   Range{Unary::gelu_tanh, -5, 0, 60},
                         Range{Unary::exp2, -140, 127, 2},    Range{Unary::expm1, -50, 80, 3},
                         Range{Unary::expm1, -1e-3, 1e-3, 3}, Range{Unary::log1p, -1, 4, 3},
                         Range{Unary::log1p, -1e-3, 1e-3, 3}, Range{Unary::log2, 0, 4, 3},
                         Range{Unary::log2, 0.9, 1.1, 3},     Range{Unary::log2, 1, 3e38, 3},
                         Range{Unary::sin, -10, 10, 3},       Range{Unary::sin, -1e6, 1e6, 3},
                         Range{Unary::cos, -10, 10, 3},       Range{Unary::cos, -39000, 39000, 3},
                         Range{Unary::erf, -1, 1, 3},         Range{Unary::erf, -6, 6, 3},
                         Range{Unary::softplus, -80, 0, 4}}) {
    const auto low = static_cast<float>(r.low);
    const auto high = static_cast<float>(r.high);
    EXPECT_LE(largest_error<float>(r.op, low, high, count), r.ulps)
        << "f32 op " << static_cast<int>(r.op) << " on " << r.low << ".." << r.high;
    EXPECT_LE(largest_error<double>(r.op, r.low, r.high, count), r.ulps)
        << "f64 op " << static_cast<int>(r.op) << " on " << r.low << ".." << r.high;
  }
  EXPECT_LE(largest_error<double>(Unary::exp, -745, 709.7, count), 2U);
}

TEST(Unary, WrapsIntegersAround) {
  constexpr auto lowest = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(of<std::int32_t>(Unary::neg, lowest), lowest);
  EXPECT_EQ(of<std::int32_t>(Unary::abs, lowest), lowest);
  EXPECT_EQ(of<std::uint8_t>(Unary::neg, 3), 253);
}

TEST(Unary, RefusesWhatADtypeHasNot) {
  std::array<std::int64_t, 2> x{};
  const In in{x.data(), {1}};
  const Out out{x.data(), {1}};
  EXPECT_THROW(unary(Unary::exp, i64, {2}, in, out), Error);
  EXPECT_THROW(unary(Unary::neg, boolean, {2}, in, out), Error);
  EXPECT_THROW(unary(Unary::relu, bf16, {2}, in, out), Error);
}

TEST(Unary, IsTheSameOnLargeArraysWithAndWithoutThreads) {
  // Large enough for several threads and for streaming stores, and not a multiple of anything.
  const Shape sizes{5'000'003};
  std::vector<float> x(5'000'003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1001) - 500;
  std::vector<float> y(x.size() + 1, -1.0F);
  unary(Unary::relu, f32, sizes, {x.data(), {1}}, {y.data(), {1}});
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], std::max(x[i], 0.0F)) << i;
  EXPECT_EQ(y.back(), -1.0F);
}

}  // namespace
}  // namespace mica::kernels::testing
