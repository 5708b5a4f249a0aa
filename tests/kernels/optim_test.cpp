#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/optim.h>

#include "golden.h"
#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using OptimTest = KernelTest<T>;
TYPED_TEST_SUITE(OptimTest, Floating);

TEST(OptimTest, FollowsPyTorchForTwentySteps) {
  const auto golden = read_golden("kernels_optim.json");
  for (const auto& g : golden["cases"]) {
    SCOPED_TRACE(g["kind"].get<std::string>() + g["options"].dump());
    const auto& o = g["options"];
    auto param = numbers<double>(golden["start"]);
    const auto count = static_cast<std::int64_t>(param.size());
    std::vector<double> state1(param.size()), state2(param.size()), state3(param.size());
    std::size_t checked = 0;
    for (std::int64_t step = 1; step <= 20; ++step) {
      const auto grad = numbers<double>(golden["grads"][static_cast<std::size_t>(step - 1)]);
      if (g["kind"] == "SGD") {
        const SgdTensor t{.dtype = f64,
                          .count = count,
                          .param = param.data(),
                          .grad = grad.data(),
                          .momentum = o.contains("momentum") ? state1.data() : nullptr,
                          .first_momentum = step == 1};
        sgd_step({&t, 1}, {.lr = o["lr"],
                           .momentum = o.value("momentum", 0.0),
                           .dampening = o.value("dampening", 0.0),
                           .weight_decay = o.value("weight_decay", 0.0),
                           .nesterov = o.value("nesterov", false),
                           .maximize = o.value("maximize", false)});
      } else {
        const bool decoupled = g["kind"] == "AdamW";
        const AdamTensor t{.dtype = f64,
                           .count = count,
                           .param = param.data(),
                           .grad = grad.data(),
                           .exp_avg = state1.data(),
                           .exp_avg_sq = state2.data(),
                           .max_exp_avg_sq = o.value("amsgrad", false) ? state3.data() : nullptr,
                           .step = step};
        adam_step({&t, 1}, {.lr = o["lr"],
                            .beta1 = o.contains("betas") ? o["betas"][0].get<double>() : 0.9,
                            .beta2 = o.contains("betas") ? o["betas"][1].get<double>() : 0.999,
                            .eps = o.value("eps", 1e-8),
                            .weight_decay = o.value("weight_decay", decoupled ? 1e-2 : 0.0),
                            .decoupled_weight_decay = decoupled,
                            .maximize = o.value("maximize", false)});
      }
      if (step == 1 || step == 2 || step == 20) {
        expect_close(param, numbers<double>(g["after"][checked++]), 1e-12, 1e-12);
      }
    }
  }
}

// Tensors of many sizes with their state; steps through the accelerated or the reference kernels.
template <class T> struct Problem {
  explicit Problem(std::int64_t largest = 3001) {
    unsigned seed = 1;
    for (const std::int64_t count : std::vector<std::int64_t>{1, 7, 16, 17, 256, 0, 1000, largest}) {
      sizes.push_back(count);
      for (auto* group : {&params, &grads, &first, &second, &third}) {
        group->push_back(normal_values<T>(count, seed++));
      }
      for (auto* group : {&second, &third}) {
        for (T& v : group->back()) v = std::abs(v);
      }
    }
  }
  std::vector<SgdTensor> sgd(bool momentum, bool first_momentum) {
    std::vector<SgdTensor> tensors;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      tensors.push_back({dtype_of<T>, sizes[i], params[i].data(), grads[i].data(),
                         momentum ? first[i].data() : nullptr, first_momentum});
    }
    return tensors;
  }
  std::vector<AdamTensor> adam(bool amsgrad) {
    std::vector<AdamTensor> tensors;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      tensors.push_back({dtype_of<T>, sizes[i], params[i].data(), grads[i].data(), first[i].data(),
                         second[i].data(), amsgrad ? third[i].data() : nullptr,
                         static_cast<std::int64_t>(1 + i / 2)});
    }
    return tensors;
  }
  void expect_close_to(const Problem& other) const {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "tensor of " << sizes[i]);
      expect_close(params[i], other.params[i], 4 * kTolerance<T>, 4 * kTolerance<T>);
      expect_close(first[i], other.first[i], kTolerance<T>, kTolerance<T>);
      expect_close(second[i], other.second[i], kTolerance<T>, kTolerance<T>);
      expect_close(third[i], other.third[i], kTolerance<T>, kTolerance<T>);
    }
  }
  std::vector<std::int64_t> sizes;
  std::vector<std::vector<T>> params, grads, first, second, third;
};

TYPED_TEST(OptimTest, SgdAgreesWithTheReferenceOnEveryTarget) {
  for_each_target([] {
    for (const int bits : {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 17, 31}) {
      SCOPED_TRACE(bits);
      const bool momentum = bits & 1;
      const SgdOptions o{.lr = 0.1,
                         .momentum = momentum ? 0.9 : 0,
                         .dampening = bits & 16 ? 0.2 : 0,
                         .weight_decay = bits & 2 ? 0.05 : 0,
                         .nesterov = momentum && (bits & 4),
                         .maximize = (bits & 8) != 0};
      Problem<TypeParam> actual, expected;
      for (const bool first : {true, false}) {
        sgd_step(actual.sgd(momentum, first), o);
        reference::sgd_step(expected.sgd(momentum, first), o);
      }
      actual.expect_close_to(expected);
    }
  });
}

TYPED_TEST(OptimTest, AdamAgreesWithTheReferenceOnEveryTarget) {
  for_each_target([] {
    for (int bits = 0; bits < 16; ++bits) {
      SCOPED_TRACE(bits);
      const AdamOptions o{.lr = 0.01,
                          .beta1 = 0.9,
                          .beta2 = 0.99,
                          .eps = 1e-6,
                          .weight_decay = bits & 1 ? 0.1 : 0,
                          .decoupled_weight_decay = (bits & 2) != 0,
                          .maximize = (bits & 4) != 0};
      Problem<TypeParam> actual, expected;
      for (int step = 0; step < 2; ++step) {
        adam_step(actual.adam(bits & 8), o);
        reference::adam_step(expected.adam(bits & 8), o);
      }
      actual.expect_close_to(expected);
    }
  });
}

TEST(OptimTest, DoesNotDependOnTheNumberOfThreads) {
  Problem<float> one(200003), three(200003);
  const AdamOptions o{.lr = 0.01,
                      .beta1 = 0.9,
                      .beta2 = 0.99,
                      .eps = 1e-8,
                      .weight_decay = 0.1,
                      .decoupled_weight_decay = true,
                      .maximize = false};
  {
    const Threads threads(1);
    adam_step(one.adam(true), o);
  }
  const Threads threads(3);
  adam_step(three.adam(true), o);
  EXPECT_EQ(one.params, three.params);
  EXPECT_EQ(one.second, three.second);
}

TEST(OptimTest, KeepsNaNInTheMaximumOfAmsgrad) {
  for_each_target([] {
    std::vector<float> param(20, 1), grad(20, 1), first(20), second(20), max(20);
    grad[3] = NAN;
    max[7] = NAN;
    const AdamTensor t{f32, 20, param.data(), grad.data(), first.data(), second.data(), max.data(), 1};
    adam_step({&t, 1}, {.lr = 0.1,
                        .beta1 = 0.9,
                        .beta2 = 0.99,
                        .eps = 1e-8,
                        .weight_decay = 0,
                        .decoupled_weight_decay = false,
                        .maximize = false});
    EXPECT_TRUE(std::isnan(max[3]));
    EXPECT_TRUE(std::isnan(param[3]));
    EXPECT_TRUE(std::isnan(param[7]));
    EXPECT_FALSE(std::isnan(param[4]));
  });
}

TEST(OptimTest, AcceptsNoTensors) {
  sgd_step({}, {});
  adam_step({}, {});
  const SgdTensor empty{f32, 0, nullptr, nullptr, nullptr, false};
  sgd_step({&empty, 1}, {});
}

}  // namespace
}  // namespace mica::kernels
