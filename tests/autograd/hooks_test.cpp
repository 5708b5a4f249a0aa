#include <atomic>
#include <cmath>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/autograd/hooks.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using autograd::HookHandle;
using testing::HasSubstr;
using Numbers = std::vector<double>;

Tensor leaf(Numbers values) { return from_vector(values).requires_grad_(); }
Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }

TEST(Hooks, OfALeafSeeTheSumOverAllUsesOnce) {
  const Tensor x = leaf({2});
  std::vector<Numbers> seen;
  const HookHandle hook = x.register_hook([&](const Tensor& grad) { seen.push_back(numbers(grad)); });
  (x * 3 + square(x) + x).sum().backward();
  EXPECT_EQ(seen, std::vector<Numbers>{{8}});
  EXPECT_EQ(numbers(x.grad()), Numbers{8});
  (x * 3).sum().backward();  // what this pass brings, not what is there
  EXPECT_EQ(seen.back(), Numbers{3});
  EXPECT_EQ(numbers(x.grad()), Numbers{11});
}

TEST(Hooks, OfAResultSeeItsWholeGradientAndReplaceIt) {
  const Tensor x = leaf({2});
  const Tensor y = x * 5;
  const HookHandle hook = y.register_hook([](const Tensor& grad) { return grad * 10; });
  (y * 3 + y).sum().backward();
  EXPECT_EQ(numbers(x.grad()), Numbers{4 * 10 * 5});
}

TEST(Hooks, RunInTheOrderInWhichTheyCame) {
  for (const bool of_result : {false, true}) {
    const Tensor x = leaf({1});
    const Tensor y = of_result ? x * 1 : x;
    const HookHandle first = y.register_hook([](const Tensor& grad) { return grad + 1; });
    const HookHandle second = y.register_hook([](const Tensor& grad) { return grad * 10; });
    (y * 2).sum().backward();
    EXPECT_EQ(numbers(x.grad()), Numbers{30});
  }
}

TEST(Hooks, ActOnWhatGradGives) {
  const Tensor x = leaf({3});
  const Tensor y = x * 2;
  const HookHandle on_leaf = x.register_hook([](const Tensor& grad) { return grad + 100; });
  const HookHandle on_result = y.register_hook([](const Tensor& grad) { return grad * 10; });
  const Tensor inputs[] = {x, y, x};
  const auto grads = autograd::grad(std::vector{square(y).sum()}, inputs);
  EXPECT_EQ(numbers(grads[1]), Numbers{120});
  EXPECT_EQ(numbers(grads[0]), Numbers{340});
  EXPECT_EQ(numbers(grads[2]), Numbers{340});
}

TEST(Hooks, AreDifferentiatedUnderCreateGraph) {
  const Tensor x = leaf({3});
  const HookHandle hook = x.register_hook([&](const Tensor& grad) { return grad * x; });
  const Tensor slope = autograd::grad(square(x).sum(), x, {.create_graph = true});  // 2 x^2
  EXPECT_EQ(numbers(slope), Numbers{18});
  EXPECT_EQ(numbers(autograd::grad(slope.sum(), x)), Numbers{12 * 3});  // 4 x, times x by the hook
}

TEST(Hooks, LiveAsLongAsTheirHandle) {
  const Tensor x = leaf({1});
  int calls = 0;
  const auto count = [&](const Tensor&) { ++calls; };
  const auto pass = [&] { (x * 2).sum().backward(); };
  std::optional<HookHandle> hook = x.register_hook(count);
  pass();
  hook.reset();
  pass();
  EXPECT_EQ(calls, 1);
  HookHandle moved;
  {
    HookHandle inner = x.register_hook(count);
    moved = std::move(inner);
  }
  pass();
  EXPECT_EQ(calls, 2);
  moved.remove();
  pass();
  EXPECT_EQ(calls, 2);
  x.register_hook(count).detach();
  pass();
  EXPECT_EQ(calls, 3);
}

TEST(Hooks, TheHandleMayOutliveTheTensor) {
  HookHandle on_leaf, on_result;
  {
    const Tensor x = leaf({1});
    const Tensor y = x * 2;
    on_leaf = x.register_hook([](const Tensor&) {});
    on_result = y.register_hook([](const Tensor&) {});
    y.sum().backward();
  }
  on_leaf.remove();
}

TEST(Hooks, MayRemoveThemselves) {
  const Tensor x = leaf({1});
  HookHandle hook;
  int calls = 0;
  hook = x.register_hook([&](const Tensor&) {
    ++calls;
    hook.remove();
  });
  for (int i = 0; i < 2; ++i) (x * 2).sum().backward();
  EXPECT_EQ(calls, 1);
}

TEST(Hooks, AfterAccumulationSeeTheLeafWithItsGradient) {
  const Tensor x = leaf({1, 2});
  Numbers seen;
  const HookHandle hook = x.register_post_accumulate_grad_hook([&](const Tensor& leaf) {
    EXPECT_TRUE(leaf.is_same(x));
    seen = numbers(leaf.grad());
  });
  (x * x + x).sum().backward();
  EXPECT_EQ(seen, (Numbers{3, 5}));
}

// The optimizer inside of the backward pass: each gradient is used and dropped before the next one is there.
TEST(Hooks, AfterAccumulationRunAsSoonAsNothingCanAddToTheGradient) {
  const Tensor late = leaf({2}), early = leaf({3});
  std::vector<std::string> order;
  const HookHandle on_late = late.register_post_accumulate_grad_hook([&](const Tensor& x) {
    order.push_back("late");
    EXPECT_FALSE(early.grad().defined());
    const NoGrad off;
    Tensor(x).sub_(x.grad());
    Tensor(x).set_grad({});
  });
  const HookHandle on_early =
      early.register_post_accumulate_grad_hook([&](const Tensor&) { order.push_back("early"); });
  Tensor h = early * 1;
  h = exp(h);
  h = h * late;
  (h + late).sum().backward();
  EXPECT_EQ(order, (std::vector<std::string>{"late", "early"}));
  EXPECT_FALSE(late.grad().defined());
  EXPECT_NEAR(late.item(), 2 - std::exp(3) - 1, 1e-12);
}

TEST(Hooks, ResultsRetainTheirGradientWhenAsked) {
  const Tensor x = leaf({2});
  const Tensor y = square(x);
  EXPECT_FALSE(y.retains_grad());
  y.retain_grad();
  y.retain_grad();
  EXPECT_TRUE(y.retains_grad());
  const HookHandle hook = y.register_hook([](const Tensor& grad) { return grad * 2; });
  (y * 3).sum().backward();
  EXPECT_EQ(numbers(y.grad()), Numbers{6});  // what the hooks made of it
  EXPECT_EQ(numbers(x.grad()), Numbers{24});
  (y * 3).sum();
  x.retain_grad();
  EXPECT_FALSE(x.retains_grad());
  Tensor(y).set_grad({});
  EXPECT_FALSE(y.grad().defined());
}

TEST(Hooks, RetainedGradientsAddUp) {
  const Tensor x = leaf({2});
  const Tensor y = x * 1;
  y.retain_grad();
  for (int i = 0; i < 2; ++i) (y * 3).sum().backward({}, {.retain_graph = true});
  EXPECT_EQ(numbers(y.grad()), Numbers{6});
}

TEST(Hooks, RefuseTensorsWithoutGradients) {
  const Tensor constant = ones({2});
  EXPECT_THAT(message_of([&] { static_cast<void>(constant.register_hook([](const Tensor&) {})); }),
              HasSubstr("[register_hook] a tensor of shape [2] requires no gradient"));
  EXPECT_THAT(message_of([&] { constant.retain_grad(); }), HasSubstr("requires no gradient"));
  const Tensor result = leaf({1}) * 2;
  EXPECT_THAT(
      message_of([&] { static_cast<void>(result.register_post_accumulate_grad_hook([](const Tensor&) {})); }),
      HasSubstr("is the result of mul, not a leaf"));
}

TEST(Hooks, AReplacementKeepsShapeAndDtype) {
  const Tensor x = leaf({1, 2});
  const HookHandle hook = x.register_hook([](const Tensor& grad) { return grad.sum(); });
  EXPECT_THAT(message_of([&] { (x * 2).sum().backward(); }),
              HasSubstr("replaced a gradient, f64 [2], by one that is f64 []"));
}

TEST(Hooks, ComeAndGoWhileOtherThreadsRunTheirPasses) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      const Tensor x = leaf({1, 2});
      for (int i = 0; i < 50; ++i) {
        int calls = 0;
        const HookHandle hook = x.register_hook([&](const Tensor&) { ++calls; });
        (x * x + x).sum().backward();
        EXPECT_EQ(calls, 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Hooks, OfASharedLeafRunOncePerPassOfEachThread) {
  const Tensor x = leaf({1, 2});
  std::atomic<int> calls{0};
  const HookHandle hook = x.register_hook([&](const Tensor&) { ++calls; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const HookHandle other = x.register_hook([](const Tensor& grad) { return grad * 1; });
        (x * x + x).sum().backward();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 100);
  EXPECT_EQ(numbers(x.grad()), (Numbers{300, 500}));
}

}  // namespace
}  // namespace mica
