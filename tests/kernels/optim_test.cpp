#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/optim.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using OptimTest = KernelTest<T>;
TYPED_TEST_SUITE(OptimTest, Floating);

// Tensors of many sizes with their state; steps through the accelerated or the reference kernels.
template <class T> struct Problem {
  // The first array of state is signed, as averages of gradients are, unless it is one of mean squares.
  explicit Problem(bool mean_squares = false, std::int64_t largest = 3001) {
    unsigned seed = 1;
    for (const std::int64_t count : std::vector<std::int64_t>{1, 7, 16, 17, 256, 0, 1000, largest}) {
      sizes.push_back(count);
      params.push_back(normal_values<T>(count, seed++));
      grads.push_back(normal_values<T>(count, seed++));
      for (auto& array : state) array.push_back(normal_values<T>(count, seed++));
      for (std::size_t k = mean_squares ? 0 : 1; k < 3; ++k) {
        for (T& v : state[k].back()) v = std::abs(v);
      }
    }
  }
  // `used`: which of the three arrays of state the rule has.
  template <class Rule> std::vector<OptimTensor<Rule>> tensors(const Rule& rule, std::array<bool, 3> used) {
    std::vector<OptimTensor<Rule>> out;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      OptimTensor<Rule> t{dtype_of<T>, sizes[i], params[i].data(), grads[i].data(), {}, rule};
      for (std::size_t k = 0; k < 3; ++k) {
        if (used[k]) t.state[k] = state[k][i].data();
      }
      out.push_back(t);
    }
    return out;
  }
  void expect_close_to(const Problem& other) const {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "tensor of " << sizes[i]);
      expect_close(params[i], other.params[i], 8 * kTolerance<T>, 8 * kTolerance<T>);
      for (std::size_t k = 0; k < 3; ++k) {
        expect_close(state[k][i], other.state[k][i], kTolerance<T>, kTolerance<T>);
      }
    }
  }
  std::vector<std::int64_t> sizes;
  std::vector<std::vector<T>> params, grads;
  std::array<std::vector<std::vector<T>>, 3> state;
};

// Two steps on every target, against the reference.
template <class T, class Rule>
void compare(const Rule& rule, std::array<bool, 3> used, bool mean_squares = false) {
  static const std::array<Problem<T>, 2> start{Problem<T>(false), Problem<T>(true)};  // drawn once
  for_each_target([&] {
    Problem<T> actual = start[mean_squares ? 1 : 0], expected = actual;
    for (int step = 0; step < 2; ++step) {
      optim_step(OptimTensors<Rule>(actual.tensors(rule, used)));
      reference::optim_step(OptimTensors<Rule>(expected.tensors(rule, used)));
    }
    actual.expect_close_to(expected);
  });
}

TYPED_TEST(OptimTest, SgdAgreesWithTheReference) {
  for (const int bits : {0, 1, 2, 3, 5, 6, 8, 10, 15, 17, 31, 33, 45, 51}) {
    SCOPED_TRACE(bits);
    const bool momentum = bits & 1;
    compare<TypeParam>(SgdRule{.lr = 0.1,
                               .momentum = momentum ? 0.9 : 0,
                               .dampening = bits & 16 ? 0.2 : 0,
                               .weight_decay = bits & 2 ? 0.05 : 0,
                               .nesterov = momentum && (bits & 4),
                               .maximize = (bits & 8) != 0,
                               .first = (bits & 32) != 0},
                       {momentum, false, false});
  }
}

TYPED_TEST(OptimTest, AdamAgreesWithTheReference) {
  for (int bits = 0; bits < 16; ++bits) {
    SCOPED_TRACE(bits);
    const bool amsgrad = bits & 8;
    compare<TypeParam>(AdamRule{.beta1 = 0.9,
                                .beta2 = 0.99,
                                .eps = 1e-6,
                                .weight_decay = bits & 1 ? 0.1 : 0,
                                .shrink = bits & 2 ? 0.99 : 1,
                                .step_size = 0.02,
                                .sqrt_correction2 = 0.3,
                                .amsgrad = amsgrad,
                                .maximize = (bits & 4) != 0},
                       {true, true, amsgrad});
  }
}

TYPED_TEST(OptimTest, VariantsOfAdamAgreeWithTheReference) {
  for (int bits = 0; bits < 8; ++bits) {
    SCOPED_TRACE(bits);
    const double weight_decay = bits & 1 ? 0.1 : 0, shrink = bits & 2 ? 0.99 : 1;
    const bool maximize = bits & 4;
    compare<TypeParam>(AdamaxRule{.beta1 = 0.9,
                                  .beta2 = 0.8,
                                  .eps = 1e-6,
                                  .weight_decay = weight_decay,
                                  .step_size = 0.02,
                                  .maximize = maximize},
                       {true, true, false});
    compare<TypeParam>(NAdamRule{.beta1 = 0.9,
                                 .beta2 = 0.99,
                                 .eps = 1e-6,
                                 .weight_decay = weight_decay,
                                 .shrink = shrink,
                                 .correction2 = 0.2,
                                 .grad_step = 0.01,
                                 .momentum_step = 0.03,
                                 .maximize = maximize},
                       {true, true, false});
    for (const bool rectified : {false, true}) {
      compare<TypeParam>(RAdamRule{.beta1 = 0.9,
                                   .beta2 = 0.99,
                                   .eps = 1e-6,
                                   .weight_decay = weight_decay,
                                   .shrink = shrink,
                                   .step_size = 0.02,
                                   .rectified = rectified,
                                   .maximize = maximize},
                         {true, true, false});
    }
  }
}

TYPED_TEST(OptimTest, RulesOfMeanSquaresAgreeWithTheReference) {
  for (int bits = 0; bits < 4; ++bits) {
    SCOPED_TRACE(bits);
    const double weight_decay = bits & 1 ? 0.1 : 0;
    const bool maximize = bits & 2;
    for (const double momentum : {0.0, 0.9}) {
      compare<TypeParam>(RmspropRule{.lr = 0.01,
                                     .alpha = 0.9,
                                     .eps = 1e-3,
                                     .weight_decay = weight_decay,
                                     .momentum = momentum,
                                     .centered = false,
                                     .maximize = maximize},
                         {true, momentum != 0, false}, true);
    }
    compare<TypeParam>(
        AdagradRule{.step_size = 0.1, .eps = 1e-6, .weight_decay = weight_decay, .maximize = maximize},
        {true, false, false}, true);
    compare<TypeParam>(
        AdadeltaRule{.lr = 0.5, .rho = 0.9, .eps = 1e-3, .weight_decay = weight_decay, .maximize = maximize},
        {true, true, false}, true);
    for (const double mu : {1.0, 0.1}) {
      compare<TypeParam>(
          AsgdRule{.eta = 0.01, .mu = mu, .weight_decay = weight_decay, .shrink = 0.99, .maximize = maximize},
          {true, false, false});
    }
    compare<TypeParam>(
        RpropRule{.eta_minus = 0.5, .eta_plus = 1.2, .smallest = 0.1, .largest = 0.9, .maximize = maximize},
        {true, true, false});
  }
}

TEST(OptimTest, DoesNotDependOnTheNumberOfThreads) {
  Problem<float> one(false, 200003), three(false, 200003);
  const AdamRule rule{.beta1 = 0.9,
                      .beta2 = 0.99,
                      .eps = 1e-8,
                      .weight_decay = 0,
                      .shrink = 0.999,
                      .step_size = 0.01,
                      .sqrt_correction2 = 0.1,
                      .amsgrad = true,
                      .maximize = false};
  {
    const Threads threads(1);
    optim_step(OptimTensors<AdamRule>(one.tensors(rule, {true, true, true})));
  }
  const Threads threads(3);
  optim_step(OptimTensors<AdamRule>(three.tensors(rule, {true, true, true})));
  EXPECT_EQ(one.params, three.params);
  EXPECT_EQ(one.state, three.state);
}

TEST(OptimTest, KeepsNaNInTheMaximumOfAmsgrad) {
  for_each_target([] {
    std::vector<float> param(20, 1), grad(20, 1), first(20), second(20), max(20);
    grad[3] = NAN;
    max[7] = NAN;
    const OptimTensor<AdamRule> t{f32,
                                  20,
                                  param.data(),
                                  grad.data(),
                                  {first.data(), second.data(), max.data()},
                                  {.beta1 = 0.9,
                                   .beta2 = 0.99,
                                   .eps = 1e-8,
                                   .weight_decay = 0,
                                   .shrink = 1,
                                   .step_size = 1,
                                   .sqrt_correction2 = 0.1,
                                   .amsgrad = true,
                                   .maximize = false}};
    optim_step(OptimTensors<AdamRule>(&t, 1));
    EXPECT_TRUE(std::isnan(max[3]));
    EXPECT_TRUE(std::isnan(param[3]));
    EXPECT_TRUE(std::isnan(param[7]));
    EXPECT_FALSE(std::isnan(param[4]));
  });
}

TYPED_TEST(OptimTest, CenteredRmspropAgreesWithTheReference) {
  for (const double momentum : {0.0, 0.9}) {
    const RmspropRule rule{.lr = 0.01,
                           .alpha = 0.9,
                           .eps = 1e-3,
                           .weight_decay = 0.1,
                           .momentum = momentum,
                           .centered = true,
                           .maximize = false};
    for_each_target([&] {
      Problem<TypeParam> actual(true), expected(true);
      for (Problem<TypeParam>* problem : {&actual, &expected}) {
        for (std::size_t i = 0; i < problem->sizes.size(); ++i) {
          // Mean squares that are larger than the squared means.
          for (std::size_t k = 0; k < problem->state[0][i].size(); ++k) {
            const TypeParam mean = problem->state[2][i][k];
            problem->state[0][i][k] += mean * mean + 1;
          }
        }
      }
      optim_step(OptimTensors<RmspropRule>(actual.tensors(rule, {true, momentum != 0, true})));
      reference::optim_step(OptimTensors<RmspropRule>(expected.tensors(rule, {true, momentum != 0, true})));
      actual.expect_close_to(expected);
    });
  }
}

TEST(OptimTest, AcceptsNoTensors) {
  optim_step(OptimTensors<SgdRule>());
  const OptimTensor<SgdRule> empty{f32, 0, nullptr, nullptr, {}, {}};
  optim_step(OptimTensors<SgdRule>(&empty, 1));
}

}  // namespace
}  // namespace mica::kernels
