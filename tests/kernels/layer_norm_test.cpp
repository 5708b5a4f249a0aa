#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/norm.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using LayerNormTest = KernelTest<T>;
TYPED_TEST_SUITE(LayerNormTest, Floating);

constexpr std::int64_t kWidths[] = {1, 3, 15, 16, 17, 64, 70, 131, 4096, 9001};

TYPED_TEST(LayerNormTest, AgreesWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for (const std::int64_t n : kWidths) {
      for (const int affine : {0, 1, 2, 3}) {
        SCOPED_TRACE(testing::Message() << "n " << n << " affine " << affine);
        const std::int64_t rows = 5;
        const auto x = normal_values<T>(rows * n, 1, 3, 2);
        const auto gamma = normal_values<T>(n, 2), beta = normal_values<T>(n, 3);
        const T* g = affine & 1 ? gamma.data() : nullptr;
        const T* b = affine & 2 ? beta.data() : nullptr;
        std::vector<T> y(x.size()), mean(rows), rstd(rows), y_ref(x.size()), mean_ref(rows), rstd_ref(rows);
        layer_norm(dtype_of<T>, rows, n, x.data(), g, b, 1e-5, y.data(), mean.data(), rstd.data());
        reference::layer_norm(dtype_of<T>, rows, n, x.data(), g, b, 1e-5, y_ref.data(), mean_ref.data(),
                              rstd_ref.data());
        expect_close(y, y_ref, kTolerance<T>, kTolerance<T>);
        expect_close(mean, mean_ref, kTolerance<T>, 0);
        expect_close(rstd, rstd_ref, kTolerance<T>, 0);
      }
    }
  });
}

TEST(LayerNormTest, IsExactForALargeMeanWithASmallSpread) {
  for_each_target([] {
    for (const std::int64_t n : kWidths) {
      SCOPED_TRACE(n);
      const auto x = normal_values<float>(3 * n, 4, 1e4, 1e-2);
      std::vector<float> y(x.size()), mean(3), rstd(3), y_ref(x.size()), mean_ref(3), rstd_ref(3);
      layer_norm(f32, 3, n, x.data(), nullptr, nullptr, 1e-8, y.data(), mean.data(), rstd.data());
      reference::layer_norm(f32, 3, n, x.data(), nullptr, nullptr, 1e-8, y_ref.data(), mean_ref.data(),
                            rstd_ref.data());
      expect_close(y, y_ref, 1e-5, 1e-5);
      expect_close(rstd, rstd_ref, 1e-5, 0);
      EXPECT_EQ(mean, mean_ref);
    }
  });
}

TEST(LayerNormTest, KeepsItsDigitsWhenTheFirstValueIsAnOutlier) {
  auto x = normal_values<float>(4096, 5, 0, 1);
  x[0] = 1e6F;
  std::vector<float> y(x.size()), y_ref(x.size()), mean(1), rstd(1), mean_ref(1), rstd_ref(1);
  layer_norm(f32, 1, 4096, x.data(), nullptr, nullptr, 1e-5, y.data(), mean.data(), rstd.data());
  reference::layer_norm(f32, 1, 4096, x.data(), nullptr, nullptr, 1e-5, y_ref.data(), mean_ref.data(),
                        rstd_ref.data());
  expect_close(y, y_ref, 1e-5, 1e-5);
  expect_close(rstd, rstd_ref, 1e-6, 0);
}

TEST(LayerNormTest, GivesZeroForConstantRowsAndNaNForNaN) {
  std::vector<float> x(2 * 37, 1234.5F), y(x.size()), mean(2), rstd(2);
  x[37 + 5] = NAN;
  layer_norm(f32, 2, 37, x.data(), nullptr, nullptr, 1e-5, y.data(), mean.data(), rstd.data());
  for (std::size_t i = 0; i < 37; ++i) EXPECT_EQ(y[i], 0.0F);
  for (std::size_t i = 37; i < 74; ++i) EXPECT_TRUE(std::isnan(y[i]));
  EXPECT_EQ(mean[0], 1234.5F);
  EXPECT_NEAR(rstd[0], 316.2278F, 1e-3);
}

// From the definition, in double.
template <class T>
void expected_backward(std::int64_t rows, std::int64_t n, const std::vector<T>& grad, const std::vector<T>& x,
                       const T* gamma, const std::vector<T>& mean, const std::vector<T>& rstd,
                       std::vector<double>& grad_x, std::vector<double>& grad_gamma,
                       std::vector<double>& grad_beta) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto row = static_cast<std::size_t>(r);
    const double m = static_cast<double>(mean[row]), s = static_cast<double>(rstd[row]);
    double sum = 0, dot = 0;
    const auto v = [&](std::size_t at) { return (static_cast<double>(x[at]) - m) * s; };
    const auto g = [&](std::size_t at, std::size_t i) {
      return static_cast<double>(grad[at]) * (gamma ? static_cast<double>(gamma[i]) : 1);
    };
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const std::size_t at = row * static_cast<std::size_t>(n) + i;
      sum += g(at, i);
      dot += g(at, i) * v(at);
      grad_gamma[i] += static_cast<double>(grad[at]) * v(at);
      grad_beta[i] += static_cast<double>(grad[at]);
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const std::size_t at = row * static_cast<std::size_t>(n) + i;
      grad_x[at] = s * (g(at, i) - sum / static_cast<double>(n) - v(at) * dot / static_cast<double>(n));
    }
  }
}

TYPED_TEST(LayerNormTest, BackwardFollowsTheFormulaOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for (const std::int64_t n : {1, 5, 16, 33, 70, 1027}) {
      for (const std::int64_t rows : {1, 7, 64, 131, 1100}) {
        if (rows * n > 100000) continue;
        SCOPED_TRACE(testing::Message() << rows << " x " << n);
        const auto x = normal_values<T>(rows * n, 1, 2, 3), grad = normal_values<T>(rows * n, 2);
        const auto gamma = normal_values<T>(n, 3);
        const auto size = static_cast<std::size_t>(n);
        std::vector<T> y(x.size()), mean(static_cast<std::size_t>(rows)), rstd(mean.size());
        layer_norm(dtype_of<T>, rows, n, x.data(), nullptr, nullptr, 1e-1, y.data(), mean.data(),
                   rstd.data());
        for (const T* g : {gamma.data(), static_cast<const T*>(nullptr)}) {
          std::vector<T> grad_x(x.size()), grad_gamma(size), grad_beta(size);
          std::vector<double> x_ref(x.size()), gamma_ref(size), beta_ref(size);
          expected_backward(rows, n, grad, x, g, mean, rstd, x_ref, gamma_ref, beta_ref);
          layer_norm_backward(dtype_of<T>, rows, n, grad.data(), x.data(), g, mean.data(), rstd.data(),
                              grad_x.data(), grad_gamma.data(), grad_beta.data());
          expect_close(grad_x, x_ref, 10 * kTolerance<T>, 10 * kTolerance<T>);
          const double scale = std::sqrt(static_cast<double>(rows));
          expect_close(grad_gamma, gamma_ref, kTolerance<T>, kTolerance<T> * scale);
          expect_close(grad_beta, beta_ref, kTolerance<T>, kTolerance<T> * scale);
        }
      }
    }
  });
}

TEST(LayerNormTest, BackwardComputesOnlyWhatIsAsked) {
  const auto x = normal_values<float>(6 * 20, 1), grad = normal_values<float>(6 * 20, 2);
  std::vector<float> y(120), mean(6), rstd(6), grad_x(120), grad_gamma(20), grad_beta(20);
  layer_norm(f32, 6, 20, x.data(), nullptr, nullptr, 1e-5, y.data(), mean.data(), rstd.data());
  layer_norm_backward(f32, 6, 20, grad.data(), x.data(), nullptr, mean.data(), rstd.data(), grad_x.data(),
                      grad_gamma.data(), grad_beta.data());
  for (const int mask : {0, 1, 2, 3, 4, 5, 6}) {
    std::vector<float> only_x(120), only_gamma(20), only_beta(20);
    layer_norm_backward(f32, 6, 20, grad.data(), x.data(), nullptr, mean.data(), rstd.data(),
                        mask & 1 ? only_x.data() : nullptr, mask & 2 ? only_gamma.data() : nullptr,
                        mask & 4 ? only_beta.data() : nullptr);
    EXPECT_EQ(only_x, mask & 1 ? grad_x : std::vector<float>(120));
    EXPECT_EQ(only_gamma, mask & 2 ? grad_gamma : std::vector<float>(20));
    EXPECT_EQ(only_beta, mask & 4 ? grad_beta : std::vector<float>(20));
  }
}

TEST(LayerNormTest, HandlesZeroSizes) {
  std::vector<float> gamma_grad(3, 5), beta_grad(3, 5), mean(2, 9), rstd(2, 9);
  layer_norm(f32, 0, 3, nullptr, nullptr, nullptr, 1e-5, nullptr, nullptr, nullptr);
  layer_norm_backward(f32, 0, 3, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, gamma_grad.data(),
                      beta_grad.data());
  EXPECT_EQ(gamma_grad, std::vector<float>(3));
  EXPECT_EQ(beta_grad, std::vector<float>(3));
  layer_norm(f32, 2, 0, nullptr, nullptr, nullptr, 1.0, nullptr, mean.data(), rstd.data());
  EXPECT_EQ(mean, std::vector<float>(2, 0));
  EXPECT_EQ(rstd, std::vector<float>(2, 1));
}

TEST(LayerNormTest, BackwardDoesNotDependOnTheNumberOfThreads) {
  const std::int64_t rows = 700, n = 300;
  const auto x = normal_values<float>(rows * n, 1), grad = normal_values<float>(rows * n, 2);
  const auto run = [&](int count) {
    const Threads threads(count);
    std::vector<float> y(x.size()), mean(700), rstd(700), out(x.size()), gamma(300), beta(300);
    layer_norm(f32, rows, n, x.data(), nullptr, nullptr, 1e-5, y.data(), mean.data(), rstd.data());
    layer_norm_backward(f32, rows, n, grad.data(), x.data(), nullptr, mean.data(), rstd.data(), out.data(),
                        gamma.data(), beta.data());
    out.insert(out.end(), gamma.begin(), gamma.end());
    out.insert(out.end(), beta.begin(), beta.end());
    return out;
  };
  EXPECT_EQ(run(1), run(3));
}

}  // namespace
}  // namespace mica::kernels
