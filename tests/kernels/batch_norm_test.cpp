#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/norm.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using BatchNormTest = KernelTest<T>;
TYPED_TEST_SUITE(BatchNormTest, Floating);

struct Sizes {
  std::int64_t batch, channels, spatial;
};
constexpr Sizes kSizes[] = {{1, 1, 1},   {4, 3, 1},   {2, 3, 49},    {5, 16, 9},   {3, 17, 35},
                            {2, 64, 20}, {7, 130, 5}, {2, 1, 10007}, {33, 32, 40}, {2, 300, 3}};

template <class Body> void for_each_shape(DType dtype, const Body& body) {
  for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
    for (const auto& [batch, channels, spatial] : kSizes) {
      SCOPED_TRACE(testing::Message() << batch << " " << channels << " " << spatial
                                      << (layout == Layout::channels_last ? " channels_last" : ""));
      body(BatchNormShape{
          .dtype = dtype, .layout = layout, .batch = batch, .channels = channels, .spatial = spatial});
    }
  }
}

std::int64_t values_of(const BatchNormShape& s) { return s.batch * s.channels * s.spatial; }

std::size_t channel_at(const BatchNormShape& s, std::size_t i) {
  const auto at = static_cast<std::int64_t>(i);
  return static_cast<std::size_t>(s.layout == Layout::channels_last ? at % s.channels
                                                                    : at / s.spatial % s.channels);
}

TYPED_TEST(BatchNormTest, StatisticsAgreeWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for_each_shape(dtype_of<T>, [](const BatchNormShape& s) {
      const auto x = normal_values<T>(values_of(s), 1, 2, 3);
      const auto channels = static_cast<std::size_t>(s.channels);
      std::vector<T> mean(channels), var(channels), mean_ref(channels), var_ref(channels);
      batch_norm_stats(s, x.data(), mean.data(), var.data());
      reference::batch_norm_stats(s, x.data(), mean_ref.data(), var_ref.data());
      expect_close(mean, mean_ref, kTolerance<T>, kTolerance<T>);
      expect_close(var, var_ref, kTolerance<T>, 0);
    });
  });
}

TEST(BatchNormTest, StatisticsAreExactForALargeMeanWithASmallSpread) {
  for_each_target([] {
    for_each_shape(f32, [](const BatchNormShape& s) {
      const auto x = normal_values<float>(values_of(s), 1, 1e4, 1e-2);
      const auto channels = static_cast<std::size_t>(s.channels);
      std::vector<float> mean(channels), var(channels), mean_ref(channels), var_ref(channels);
      batch_norm_stats(s, x.data(), mean.data(), var.data());
      reference::batch_norm_stats(s, x.data(), mean_ref.data(), var_ref.data());
      EXPECT_EQ(mean, mean_ref);
      expect_close(var, var_ref, 1e-5, 0);
    });
  });
}

TYPED_TEST(BatchNormTest, AppliesScaleAndShiftPerChannel) {
  using T = TypeParam;
  for_each_target([] {
    for_each_shape(dtype_of<T>, [](const BatchNormShape& s) {
      const auto x = normal_values<T>(values_of(s), 1);
      const auto mean = normal_values<T>(s.channels, 2), gamma = normal_values<T>(s.channels, 3);
      const auto beta = normal_values<T>(s.channels, 4), rstd = normal_values<T>(s.channels, 5, 2, 0.3);
      for (const int affine : {0, 1, 2, 3}) {
        std::vector<T> y(x.size());
        std::vector<double> expected(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
          const std::size_t c = channel_at(s, i);
          expected[i] =
              (static_cast<double>(x[i]) - static_cast<double>(mean[c])) * static_cast<double>(rstd[c]);
          if (affine & 1) expected[i] *= static_cast<double>(gamma[c]);
          if (affine & 2) expected[i] += static_cast<double>(beta[c]);
        }
        batch_norm_apply(s, x.data(), mean.data(), rstd.data(), affine & 1 ? gamma.data() : nullptr,
                         affine & 2 ? beta.data() : nullptr, y.data());
        expect_close(y, expected, kTolerance<T>, kTolerance<T>);
      }
    });
  });
}

template <class T> struct Gradients {
  std::vector<T> x, gamma, beta;
  explicit Gradients(const BatchNormShape& s)
      : x(static_cast<std::size_t>(values_of(s))),
        gamma(static_cast<std::size_t>(s.channels)),
        beta(gamma.size()) {}
};

TYPED_TEST(BatchNormTest, BackwardFollowsTheFormulaOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for_each_shape(dtype_of<T>, [](const BatchNormShape& s) {
      const auto x = normal_values<T>(values_of(s), 1), grad = normal_values<T>(values_of(s), 2);
      const auto mean = normal_values<T>(s.channels, 3, 0, 0.1);
      const auto rstd = normal_values<T>(s.channels, 4, 1, 0.1), gamma = normal_values<T>(s.channels, 5);
      const auto count = static_cast<double>(s.batch * s.spatial);
      for (const bool training : {true, false}) {
        for (const T* g : {gamma.data(), static_cast<const T*>(nullptr)}) {
          Gradients<double> e(s);
          const auto v = [&](std::size_t i) {
            const std::size_t c = channel_at(s, i);
            return (static_cast<double>(x[i]) - static_cast<double>(mean[c])) * static_cast<double>(rstd[c]);
          };
          for (std::size_t i = 0; i < x.size(); ++i) {
            e.gamma[channel_at(s, i)] += static_cast<double>(grad[i]) * v(i);
            e.beta[channel_at(s, i)] += static_cast<double>(grad[i]);
          }
          for (std::size_t i = 0; i < x.size(); ++i) {
            const std::size_t c = channel_at(s, i);
            double centered = static_cast<double>(grad[i]);
            if (training) centered -= e.beta[c] / count + v(i) * e.gamma[c] / count;
            e.x[i] = centered * static_cast<double>(rstd[c]) * (g ? static_cast<double>(g[c]) : 1);
          }
          Gradients<T> a(s);
          batch_norm_backward(s, training, grad.data(), x.data(), mean.data(), rstd.data(), g, a.x.data(),
                              a.gamma.data(), a.beta.data());
          expect_close(a.x, e.x, 4 * kTolerance<T>, 4 * kTolerance<T>);
          expect_close(a.gamma, e.gamma, kTolerance<T>, kTolerance<T> * std::sqrt(count));
          expect_close(a.beta, e.beta, kTolerance<T>, kTolerance<T> * std::sqrt(count));
        }
      }
    });
  });
}

TEST(BatchNormTest, BackwardComputesOnlyWhatIsAsked) {
  for_each_shape(f32, [](const BatchNormShape& s) {
    const auto x = normal_values<float>(values_of(s), 1), grad = normal_values<float>(values_of(s), 2);
    const auto mean = normal_values<float>(s.channels, 3), rstd = normal_values<float>(s.channels, 4, 2, 0.1);
    for (const bool training : {true, false}) {
      Gradients<float> all(s);
      batch_norm_backward(s, training, grad.data(), x.data(), mean.data(), rstd.data(), nullptr, all.x.data(),
                          all.gamma.data(), all.beta.data());
      for (int mask = 0; mask < 7; ++mask) {
        Gradients<float> some(s);
        const Gradients<float> none(s);
        batch_norm_backward(s, training, grad.data(), x.data(), mean.data(), rstd.data(), nullptr,
                            mask & 1 ? some.x.data() : nullptr, mask & 2 ? some.gamma.data() : nullptr,
                            mask & 4 ? some.beta.data() : nullptr);
        EXPECT_EQ(some.x, mask & 1 ? all.x : none.x);
        EXPECT_EQ(some.gamma, mask & 2 ? all.gamma : none.gamma);
        EXPECT_EQ(some.beta, mask & 4 ? all.beta : none.beta);
      }
    }
  });
}

TEST(BatchNormTest, HandlesZeroSizes) {
  for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
    for (const auto& [batch, spatial] : {std::pair{0, 4}, std::pair{3, 0}, std::pair{0, 1}}) {
      const BatchNormShape s{.layout = layout, .batch = batch, .channels = 3, .spatial = spatial};
      std::vector<float> mean(3, 5), var(3, 5), gamma(3, 5), beta(3, 5), rstd(3, 1);
      batch_norm_stats(s, nullptr, mean.data(), var.data());
      EXPECT_EQ(mean, std::vector<float>(3));
      EXPECT_EQ(var, std::vector<float>(3));
      batch_norm_apply(s, nullptr, mean.data(), rstd.data(), nullptr, nullptr, nullptr);
      batch_norm_backward(s, true, nullptr, nullptr, mean.data(), rstd.data(), nullptr, nullptr, gamma.data(),
                          beta.data());
      EXPECT_EQ(gamma, std::vector<float>(3));
      EXPECT_EQ(beta, std::vector<float>(3));
    }
    const BatchNormShape no_channels{.layout = layout, .batch = 2, .channels = 0, .spatial = 4};
    batch_norm_stats(no_channels, nullptr, nullptr, nullptr);
    batch_norm_apply(no_channels, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    batch_norm_backward(no_channels, true, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                        nullptr);
  }
}

TEST(BatchNormTest, DoesNotDependOnTheNumberOfThreads) {
  for (const Layout layout : {Layout::channels_first, Layout::channels_last}) {
    const BatchNormShape s{.layout = layout, .batch = 8, .channels = 48, .spatial = 333};
    const auto x = normal_values<float>(values_of(s), 1), grad = normal_values<float>(values_of(s), 2);
    const auto run = [&](int count) {
      const Threads threads(count);
      std::vector<float> mean(48), var(48), rstd(48, 1);
      Gradients<float> g(s);
      batch_norm_stats(s, x.data(), mean.data(), var.data());
      batch_norm_backward(s, true, grad.data(), x.data(), mean.data(), rstd.data(), nullptr, g.x.data(),
                          g.gamma.data(), g.beta.data());
      for (const auto* more : {&mean, &var, &g.gamma, &g.beta}) {
        g.x.insert(g.x.end(), more->begin(), more->end());
      }
      return g.x;
    };
    EXPECT_EQ(run(1), run(3));
  }
}

}  // namespace
}  // namespace mica::kernels
