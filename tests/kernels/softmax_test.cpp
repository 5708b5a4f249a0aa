#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/softmax.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using SoftmaxTest = KernelTest<T>;
TYPED_TEST_SUITE(SoftmaxTest, Floating);

using Sizes = std::array<std::int64_t, 3>;
constexpr Sizes kSizes[] = {{1, 1, 1},    {3, 7, 1},     {2, 15, 1},   {2, 16, 1}, {2, 17, 1},
                            {5, 64, 1},   {3, 70, 1},    {2, 4099, 1}, {1, 9, 2},  {2, 130, 3},
                            {3, 10, 257}, {1, 1000, 33}, {2, 1, 70},   {4, 3, 16}};

TYPED_TEST(SoftmaxTest, AgreesWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for (const auto& [outer, n, inner] : kSizes) {
      for (const bool log : {false, true}) {
        SCOPED_TRACE(testing::Message() << outer << " " << n << " " << inner << " log " << log);
        const auto x = normal_values<T>(outer * n * inner, 1, 0, 5);
        std::vector<T> actual(x.size()), expected(x.size());
        softmax(log, dtype_of<T>, outer, n, inner, x.data(), actual.data());
        reference::softmax(log, dtype_of<T>, outer, n, inner, x.data(), expected.data());
        expect_close(actual, expected, kTolerance<T>, kTolerance<T> * (log ? 1 : 1e-4));
      }
    }
  });
}

TYPED_TEST(SoftmaxTest, WorksInPlace) {
  using T = TypeParam;
  for (const auto& [outer, n, inner] : {Sizes{4, 37, 1}, Sizes{2, 37, 5}}) {
    auto x = normal_values<T>(outer * n * inner, 2);
    std::vector<T> expected(x.size());
    reference::softmax(false, dtype_of<T>, outer, n, inner, x.data(), expected.data());
    softmax(false, dtype_of<T>, outer, n, inner, x.data(), x.data());
    expect_close(x, expected, kTolerance<T>, 0);
  }
}

TYPED_TEST(SoftmaxTest, IsUnchangedByALargeCommonOffset) {
  using T = TypeParam;
  for (const std::int64_t inner : {1, 3}) {
    std::vector<T> x(static_cast<std::size_t>(20 * inner)), shifted(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<T>(i % 7);
      shifted[i] = x[i] + T(10000);
    }
    std::vector<T> y(x.size()), y_shifted(x.size());
    softmax(false, dtype_of<T>, 1, 20, inner, x.data(), y.data());
    softmax(false, dtype_of<T>, 1, 20, inner, shifted.data(), y_shifted.data());
    EXPECT_EQ(y, y_shifted);
  }
}

// The values of torch.softmax and torch.log_softmax.
TYPED_TEST(SoftmaxTest, TreatsInfinityAndNaNAsPyTorch) {
  using T = TypeParam;
  constexpr T inf = std::numeric_limits<T>::infinity();
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  for_each_target([&] {
    for (const std::int64_t inner : {1, 2}) {
      const auto run = [&](bool log, std::vector<T> row) {
        std::vector<T> x, y(row.size() * static_cast<std::size_t>(inner)), first;
        for (const T v : row) x.insert(x.end(), static_cast<std::size_t>(inner), v);
        softmax(log, dtype_of<T>, 1, static_cast<std::int64_t>(row.size()), inner, x.data(), y.data());
        for (std::size_t i = 0; i < y.size(); i += static_cast<std::size_t>(inner)) first.push_back(y[i]);
        return first;
      };
      expect_close(run(false, {0, -inf, 0}), std::vector<T>{0.5, 0, 0.5}, 1e-7, 0);
      expect_close(run(true, {0, -inf}), std::vector<T>{0, -inf}, 0, 0);
      for (const bool log : {false, true}) {
        expect_close(run(log, {-inf, -inf}), std::vector<T>{nan, nan}, 0, 0);
        expect_close(run(log, {0, nan, 1}), std::vector<T>{nan, nan, nan}, 0, 0);
        expect_close(run(log, {nan, 0, 1}), std::vector<T>{nan, nan, nan}, 0, 0);
      }
      EXPECT_TRUE(std::isnan(run(false, {0, inf})[1]));
      expect_close(run(false, {1e30F, 0, -1e30F}), std::vector<T>{1, 0, 0}, 0, 0);
    }
  });
}

TYPED_TEST(SoftmaxTest, BackwardFollowsTheFormula) {
  using T = TypeParam;
  for_each_target([] {
    for (const auto& [outer, n, inner] : kSizes) {
      for (const bool log : {false, true}) {
        SCOPED_TRACE(testing::Message() << outer << " " << n << " " << inner << " log " << log);
        const auto x = normal_values<T>(outer * n * inner, 3);
        const auto grad = normal_values<T>(outer * n * inner, 4);
        std::vector<T> y(x.size()), actual(x.size());
        std::vector<double> expected(x.size());
        softmax(log, dtype_of<T>, outer, n, inner, x.data(), y.data());
        softmax_backward(log, dtype_of<T>, outer, n, inner, y.data(), grad.data(), actual.data());
        for (std::int64_t o = 0; o < outer; ++o) {
          for (std::int64_t i = 0; i < inner; ++i) {
            const auto at = [&](std::int64_t k) { return static_cast<std::size_t>((o * n + k) * inner + i); };
            double sum = 0;
            for (std::int64_t k = 0; k < n; ++k) {
              const double g = static_cast<double>(grad[at(k)]);
              sum += log ? g : g * static_cast<double>(y[at(k)]);
            }
            for (std::int64_t k = 0; k < n; ++k) {
              const double g = static_cast<double>(grad[at(k)]), v = static_cast<double>(y[at(k)]);
              expected[at(k)] = log ? g - std::exp(v) * sum : v * (g - sum);
            }
          }
        }
        expect_close(actual, expected, 4 * kTolerance<T>, 4 * kTolerance<T>);
      }
    }
  });
}

TEST(SoftmaxTest, DoesNothingForZeroSizes) {
  float untouched = 7;
  for (const auto& [outer, n, inner] : {Sizes{0, 3, 1}, Sizes{3, 0, 1}, Sizes{3, 2, 0}, Sizes{2, 0, 4}}) {
    softmax(false, f32, outer, n, inner, &untouched, &untouched);
    softmax_backward(false, f32, outer, n, inner, &untouched, &untouched, &untouched);
  }
  EXPECT_EQ(untouched, 7);
}

TEST(SoftmaxTest, DoesNotDependOnTheNumberOfThreads) {
  const auto x = normal_values<float>(300 * 1000, 5);
  std::vector<float> one(x.size()), three(x.size());
  for (const auto& [outer, n, inner] : {Sizes{300, 1000, 1}, Sizes{3, 100, 1000}}) {
    {
      const Threads threads(1);
      softmax(false, f32, outer, n, inner, x.data(), one.data());
    }
    const Threads threads(3);
    softmax(false, f32, outer, n, inner, x.data(), three.data());
    EXPECT_EQ(one, three);
  }
}

}  // namespace
}  // namespace mica::kernels
