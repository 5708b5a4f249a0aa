#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/softmax.h>

#include "golden.h"
#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using CrossEntropyTest = KernelTest<T>;
TYPED_TEST_SUITE(CrossEntropyTest, Floating);

// The definition, item by item in double: losses, gradients for a scale of 1 per item, sum of weights.
struct Expected {
  std::vector<double> losses, grads;
  double divisor = 0;
};
template <class T> Expected expected(const CrossEntropy& c) {
  const T* logits = static_cast<const T*>(c.logits);
  const T* weight = static_cast<const T*>(c.weight);
  const std::int64_t n = c.classes;
  Expected e;
  e.losses.resize(static_cast<std::size_t>(c.outer * c.inner));
  e.grads.resize(static_cast<std::size_t>(c.outer * n * c.inner));
  const auto w = [&](std::int64_t k) { return weight ? static_cast<double>(weight[k]) : 1.0; };
  for (std::int64_t o = 0; o < c.outer; ++o) {
    for (std::int64_t i = 0; i < c.inner; ++i) {
      const std::int64_t label = c.target[o * c.inner + i];
      if (label == c.ignore_index) continue;
      const auto at = [&](std::int64_t k) { return (o * n + k) * c.inner + i; };
      const auto x = [&](std::int64_t k) { return static_cast<double>(logits[at(k)]); };
      double max = x(0), sum = 0, smooth = 0, weights = 0;
      for (std::int64_t k = 1; k < n; ++k) max = std::max(max, x(k));
      for (std::int64_t k = 0; k < n; ++k) sum += std::exp(x(k) - max);
      const double lse = max + std::log(sum);
      for (std::int64_t k = 0; k < n; ++k) smooth += w(k) * (lse - x(k));
      for (std::int64_t k = 0; k < n; ++k) weights += w(k);
      const double hard = (1 - c.label_smoothing) * w(label);
      const double soft = c.label_smoothing / static_cast<double>(n);
      e.losses[static_cast<std::size_t>(o * c.inner + i)] = hard * (lse - x(label)) + soft * smooth;
      for (std::int64_t k = 0; k < n; ++k) {
        const double p = std::exp(x(k) - lse);
        e.grads[static_cast<std::size_t>(at(k))] =
            hard * (p - (k == label ? 1 : 0)) + soft * (weights * p - w(k));
      }
      e.divisor += w(label);
    }
  }
  return e;
}

struct Shape {
  std::int64_t outer, classes, inner;
};
constexpr Shape kShapes[] = {{1, 1, 1},    {9, 2, 1},    {4, 10, 1}, {5, 16, 1},   {3, 17, 1},  {2, 1000, 1},
                             {2, 4097, 1}, {1, 9000, 1}, {2, 5, 3},  {3, 10, 260}, {1, 129, 40}};

TYPED_TEST(CrossEntropyTest, FollowsTheDefinitionOnEveryTarget) {
  using T = TypeParam;
  for_each_target([] {
    for (const Shape& s : kShapes) {
      for (const int variant : {0, 1, 2, 3}) {
        SCOPED_TRACE(testing::Message()
                     << s.outer << " " << s.classes << " " << s.inner << " variant " << variant);
        const auto logits = normal_values<T>(s.outer * s.classes * s.inner, 1, 100, 3);
        auto weight = normal_values<T>(s.classes, 2, 1, 0.2);
        auto target = labels(s.outer * s.inner, s.classes, 3);
        if (target.size() > 2) target[1] = -100;
        const CrossEntropy c{.dtype = dtype_of<T>,
                             .outer = s.outer,
                             .classes = s.classes,
                             .inner = s.inner,
                             .logits = logits.data(),
                             .target = target.data(),
                             .weight = variant & 1 ? weight.data() : nullptr,
                             .label_smoothing = variant & 2 ? 0.3 : 0};
        const Expected e = expected<T>(c);
        std::vector<T> losses(target.size()), lse(target.size()), grads(logits.size());
        EXPECT_NEAR(cross_entropy(c, losses.data(), lse.data()), e.divisor, 1e-9);
        expect_close(losses, e.losses, kTolerance<T>, kTolerance<T>);

        std::vector<T> scale(target.size(), T(1));
        cross_entropy_backward(c, lse.data(), scale.data(), true, grads.data());
        // The saved log-sum-exp of about 100 carries the rounding of its type.
        expect_close(grads, e.grads, 10 * kTolerance<T>, 10 * kTolerance<T>);
        std::vector<T> once(logits.size());
        cross_entropy_backward(c, lse.data(), scale.data(), false, once.data());
        EXPECT_EQ(once, grads);
      }
    }
  });
}

TEST(CrossEntropyTest, AgreesWithPyTorch) {
  for (const auto& g : read_golden("kernels_nn.json")["cross_entropy"]) {
    const auto logits = numbers<double>(g["logits"]), weight = numbers<double>(g["weight"]);
    const auto loss = numbers<double>(g["loss"]), grad = numbers<double>(g["grad"]);
    const auto target = numbers<std::int64_t>(g["target"]);
    const CrossEntropy c{.dtype = f64,
                         .outer = g["outer"],
                         .classes = g["classes"],
                         .inner = g["inner"],
                         .logits = logits.data(),
                         .target = target.data(),
                         .weight = weight.empty() ? nullptr : weight.data(),
                         .label_smoothing = g["smoothing"]};
    std::vector<double> losses(target.size()), lse(target.size()), grad_logits(logits.size());
    const double divisor = cross_entropy(c, losses.data(), lse.data());
    if (g["reduction"] == "none") {
      expect_close(losses, loss, 1e-12, 1e-12);
      cross_entropy_backward(c, lse.data(), grad.data(), true, grad_logits.data());
    } else {
      double sum = 0;
      for (const double l : losses) sum += l;
      EXPECT_NEAR(sum / divisor, loss[0], 1e-12);
      const double scale = grad[0] / divisor;
      cross_entropy_backward(c, lse.data(), &scale, false, grad_logits.data());
    }
    expect_close(grad_logits, numbers<double>(g["grad_logits"]), 1e-12, 1e-12);
  }
}

TEST(CrossEntropyTest, SurvivesLogitsThatWouldOverflow) {
  for_each_target([] {
    for (const std::int64_t inner : {1, 2}) {
      const std::vector<float> logits =
          inner == 1 ? std::vector<float>{1000, 0, 0, 1000} : std::vector<float>{1000, 0, 0, 1000};
      const std::vector<std::int64_t> target{0, -100};
      const CrossEntropy c{.outer = inner == 1 ? 2 : 1,
                           .classes = 2,
                           .inner = inner,
                           .logits = logits.data(),
                           .target = target.data()};
      std::vector<float> losses(2), lse(2), grads(4), scale{1, 1};
      EXPECT_EQ(cross_entropy(c, losses.data(), lse.data()), 1);
      EXPECT_EQ(losses, (std::vector<float>{0, 0}));
      cross_entropy_backward(c, lse.data(), scale.data(), true, grads.data());
      EXPECT_EQ(grads, std::vector<float>(4, 0.0F));  // zero also for the ignored item
    }
  });
}

TEST(CrossEntropyTest, KeepsInfinityAndNaN) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  std::vector<float> logits(3 * 5000, -inf);
  logits[4999] = 2;                                    // row 0: one class is possible, in the second block
  logits[5000] = 1, logits[5001] = NAN;                // row 1
  const std::vector<std::int64_t> target{4999, 0, 0};  // row 2: all -inf
  const CrossEntropy c{.outer = 3, .classes = 5000, .logits = logits.data(), .target = target.data()};
  std::vector<float> losses(3), lse(3);
  cross_entropy(c, losses.data(), lse.data());
  EXPECT_EQ(losses[0], 0.0F);
  EXPECT_TRUE(std::isnan(losses[1]));
  EXPECT_TRUE(std::isnan(losses[2]));
}

TEST(CrossEntropyTest, DoesNothingForZeroSizes) {
  float untouched = 3;
  const CrossEntropy none{.outer = 0, .classes = 4};
  EXPECT_EQ(cross_entropy(none, &untouched, &untouched), 0);
  cross_entropy_backward(none, &untouched, &untouched, false, &untouched);
  const CrossEntropy no_inner{.outer = 2, .classes = 4, .inner = 0};
  EXPECT_EQ(cross_entropy(no_inner, &untouched, &untouched), 0);
  cross_entropy_backward(no_inner, &untouched, &untouched, true, &untouched);
  EXPECT_EQ(untouched, 3);
}

}  // namespace
}  // namespace mica::kernels
