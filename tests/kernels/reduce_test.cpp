#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <tests/kernels/strided.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/reduce.h>

namespace mica::kernels::testing {
namespace {

class ReduceKernel : public EveryTarget {};
class ArgReduceKernel : public EveryTarget {};
INSTANTIATE_TEST_SUITE_P(Targets, ReduceKernel, ::testing::ValuesIn(supported_targets()), target_name);
INSTANTIATE_TEST_SUITE_P(Targets, ArgReduceKernel, ::testing::ValuesIn(supported_targets()), target_name);

std::vector<Shape> reduce_shapes(Rng& rng) {
  std::vector<Shape> shapes = test_shapes(rng);
  for (const Shape& more : {Shape{700, 5}, Shape{5, 700}, Shape{3, 1500}, Shape{1500, 3}, Shape{300, 130},
                            Shape{2, 1100, 3}, Shape{40, 1, 33, 7}, Shape{4, 5, 40, 50}, Shape{40000}}) {
    shapes.push_back(more);
  }
  return shapes;
}

std::int64_t outputs_of(const Shape& sizes, std::uint32_t dims) {
  std::int64_t n = 1;
  for (int i = 0; i < sizes.size(); ++i) n *= ((dims >> i) & 1U) != 0 ? 1 : sizes[i];
  return n;
}

// A random choice of dimensions, none, or all.
std::uint32_t pick_dims(const Shape& sizes, Rng& rng) {
  return static_cast<std::uint32_t>(pick(rng, 0, (1 << sizes.size()) - 1));
}

// Small whole numbers: exact in every order of summation.
template <class T> T whole_value(Rng& rng) {
  return std::is_same_v<T, bool> ? static_cast<T>(pick(rng, 0, 1)) : static_cast<T>(pick(rng, 0, 100));
}

template <class T, class Out> void check_reduce(Reduce op, Rng& rng) {
  const bool extremum = op == Reduce::max || op == Reduce::min;
  for (const Shape& sizes : reduce_shapes(rng)) {
    const std::uint32_t dims = pick_dims(sizes, rng);
    if (extremum && sizes.numel() == 0) continue;
    Strided<T> x(sizes, input_layouts[pick(rng, 0, 4)], rng);
    x.fill([&] {
      if (op == Reduce::prod) return static_cast<T>(pick(rng, 0, 200) == 0 ? 2 : 1);  // stays exact
      return extremum ? random_value<T>(rng) : whole_value<T>(rng);
    });
    using Item = std::conditional_t<std::is_same_v<Out, bool>, std::uint8_t, Out>;
    std::vector<Item> actual(static_cast<std::size_t>(outputs_of(sizes, dims)) + 1, Item{77});
    std::vector<Item> expected = actual;
    reduce(op, dtype_of<T>, sizes, x, dims, actual.data());
    reference::reduce(op, dtype_of<T>, sizes, x, dims, expected.data());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const bool both_nan = actual[i] != actual[i] && expected[i] != expected[i];
      ASSERT_TRUE(both_nan || actual[i] == expected[i])
          << name(dtype_of<T>) << " op " << static_cast<int>(op) << " [" << i << "] " << +actual[i] << " not "
          << +expected[i] << ", sizes " << to_string(sizes) << " strides " << to_string(x.strides) << " dims "
          << dims;
    }
  }
}

TEST_P(ReduceKernel, SumsAndMultipliesEveryLayout) {
  Rng rng(1);
  for (const Reduce op : {Reduce::sum, Reduce::prod}) {
    check_reduce<float, float>(op, rng);
    check_reduce<double, double>(op, rng);
    check_reduce<std::int64_t, std::int64_t>(op, rng);
    check_reduce<std::int32_t, std::int64_t>(op, rng);
    check_reduce<std::uint8_t, std::int64_t>(op, rng);
    check_reduce<bool, std::int64_t>(op, rng);
  }
}

TEST_P(ReduceKernel, FindsExtremaOfEveryLayoutAndNanWins) {
  Rng rng(2);
  for (const Reduce op : {Reduce::max, Reduce::min}) {
    check_reduce<float, float>(op, rng);
    check_reduce<double, double>(op, rng);
    check_reduce<std::int64_t, std::int64_t>(op, rng);
    check_reduce<std::int32_t, std::int32_t>(op, rng);
    check_reduce<std::uint8_t, std::uint8_t>(op, rng);
  }
}

TEST_P(ReduceKernel, CombinesBooleans) {
  Rng rng(3);
  check_reduce<bool, bool>(Reduce::any, rng);
  check_reduce<bool, bool>(Reduce::all, rng);
}

TEST_P(ReduceKernel, FindsNanWhereverItIs) {
  for (std::int64_t n = 1; n <= 140; ++n) {
    for (std::int64_t at = 0; at < n; at += 1 + n / 9) {
      std::vector<float> x(static_cast<std::size_t>(n), 1.0F);
      x[static_cast<std::size_t>(at)] = std::numeric_limits<float>::quiet_NaN();
      float result = 0;
      reduce(Reduce::max, f32, {n}, {x.data(), {1}}, 1, &result);
      ASSERT_TRUE(std::isnan(result)) << n << " " << at;
      reduce(Reduce::min, f32, {n}, {x.data(), {1}}, 1, &result);
      ASSERT_TRUE(std::isnan(result)) << n << " " << at;
    }
  }
}

TEST(Reduce, GivesTheIdentityForNothing) {
  float sum[3] = {7, 7, 7};
  float product[3] = {7, 7, 7};
  std::uint8_t any = 7;
  std::uint8_t all = 7;
  reduce(Reduce::sum, f32, {3, 0}, {sum, {0, 1}}, 2, sum);
  reduce(Reduce::prod, f32, {3, 0}, {product, {0, 1}}, 2, product);
  reduce(Reduce::any, boolean, {0}, {&any, {1}}, 1, &any);
  reduce(Reduce::all, boolean, {0}, {&all, {1}}, 1, &all);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sum[i], 0);
    EXPECT_EQ(product[i], 1);
  }
  EXPECT_EQ(any, 0);
  EXPECT_EQ(all, 1);
}

TEST(Reduce, SumsManyFloatsAccurately) {
  // 0.1 has no exact form: a running f32 sum of these would be off by several per cent.
  const std::int64_t rows = 1 << 20;
  const std::int64_t columns = 4;
  const std::vector<float> x(static_cast<std::size_t>(rows * columns), 0.1F);
  const double exact = static_cast<double>(0.1F) * static_cast<double>(rows);
  float total = 0;
  reduce(Reduce::sum, f32, {rows * columns}, {x.data(), {1}}, 1, &total);
  EXPECT_NEAR(total / (4 * exact), 1, 1e-6);
  float by_column[4] = {};
  reduce(Reduce::sum, f32, {rows, columns}, {x.data(), {columns, 1}}, 1, by_column);
  for (const float sum : by_column) EXPECT_NEAR(sum / exact, 1, 1e-6);
}

TEST(Reduce, GivesTheSameBitsEveryTime) {
  Rng rng(4);
  std::vector<float> x(300'000);
  for (float& value : x) value = std::normal_distribution<float>()(rng);
  float first = 0;
  reduce(Reduce::sum, f32, {300'000}, {x.data(), {1}}, 1, &first);
  for (int i = 0; i < 20; ++i) {
    float again = 0;
    reduce(Reduce::sum, f32, {300'000}, {x.data(), {1}}, 1, &again);
    ASSERT_EQ(first, again);
  }
}

TEST(Reduce, RefusesWhatADtypeHasNot) {
  std::uint16_t x[2] = {};
  float y = 0;
  EXPECT_THROW(reduce(Reduce::sum, bf16, {2}, {x, {1}}, 1, &y), Error);
  EXPECT_THROW(reduce(Reduce::any, f32, {0}, {x, {1}}, 1, &y), Error);
  std::int64_t index = 0;
  EXPECT_THROW(arg_reduce(true, f16, {2}, {x, {1}}, 0, nullptr, &index), Error);
}

template <class T> void check_arg(bool largest, Rng& rng) {
  for (const Shape& sizes : reduce_shapes(rng)) {
    if (sizes.empty()) continue;
    const int dim = static_cast<int>(pick(rng, 0, sizes.size() - 1));
    if (sizes[dim] == 0) continue;
    Strided<T> x(sizes, input_layouts[pick(rng, 0, 4)], rng);
    // Few different values, so that the first of equals shows; now and then anything, NaN included.
    x.fill([&] { return pick(rng, 0, 500) == 0 ? random_value<T>(rng) : static_cast<T>(pick(rng, 0, 9)); });
    const std::int64_t outputs = outputs_of(sizes, 1U << dim);
    std::vector<T> values(static_cast<std::size_t>(outputs) + 1, T{77});
    std::vector<std::int64_t> positions(values.size(), -7);
    arg_reduce(largest, dtype_of<T>, sizes, x, dim, values.data(), positions.data());
    for (std::int64_t o = 0; o < outputs; ++o) {
      std::int64_t rest = o;
      std::int64_t offset = 0;
      for (int i = sizes.size() - 1; i >= 0; --i) {
        if (i == dim) continue;
        offset += rest % sizes[i] * x.strides[i];
        rest /= sizes[i];
      }
      const T* fiber = x.data() + offset;
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < sizes[dim]; ++i) {
        const T a = fiber[i * x.strides[dim]];
        const T b = fiber[best * x.strides[dim]];
        if (b == b && (a != a || (largest ? a > b : a < b))) best = i;
      }
      const auto at = static_cast<std::size_t>(o);
      ASSERT_EQ(positions[at], best) << name(dtype_of<T>) << to_string(sizes) << to_string(x.strides) << dim;
      const T value = fiber[best * x.strides[dim]];
      ASSERT_TRUE(values[at] == value || (value != value && values[at] != values[at]));
    }
    EXPECT_EQ(positions.back(), -7);
    std::vector<std::int64_t> alone(positions.size(), -7);
    arg_reduce(largest, dtype_of<T>, sizes, x, dim, nullptr, alone.data());
    ASSERT_EQ(alone, positions);
  }
}

TEST_P(ArgReduceKernel, FindsTheFirstOfEqualsAndNanWins) {
  Rng rng(5);
  for (const bool largest : {true, false}) {
    check_arg<float>(largest, rng);
    check_arg<double>(largest, rng);
    check_arg<std::int64_t>(largest, rng);
    check_arg<std::int32_t>(largest, rng);
    check_arg<std::uint8_t>(largest, rng);
  }
}

TEST_P(ArgReduceKernel, FindsInfinities) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x(100, -inf);
  std::int64_t index = -1;
  arg_reduce(true, f32, {100}, {x.data(), {1}}, 0, nullptr, &index);
  EXPECT_EQ(index, 0);
}

TEST(ArgReduce, OfAScalarIsZero) {
  const double x = 3.5;
  double value = 0;
  std::int64_t index = -1;
  arg_reduce(true, f64, {}, {&x, {}}, 0, &value, &index);
  EXPECT_EQ(index, 0);
  EXPECT_EQ(value, 3.5);
}

}  // namespace
}  // namespace mica::kernels::testing
