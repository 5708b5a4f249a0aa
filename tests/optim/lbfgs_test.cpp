#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Tensor function(const std::string& name, const std::vector<Tensor>& parameters) {
  std::vector<Tensor> parts;
  for (const Tensor& p : parameters) parts.push_back(p.reshape(Shape(-1)));
  const Tensor x = cat(parts);
  if (name == "bowl") {
    const Tensor weight = arange(1, 11, 1, x.dtype());
    return (weight * square(x - 0.5)).sum() + 0.1 * square(square(x)).sum();
  }
  const Tensor before = x.narrow(0, 0, 9), after = x.narrow(0, 1, 9);
  return (10 * square(after - square(before)) + square(1 - before)).sum();
}

// What a step does: the closure of `name`, counting its calls.
Closure closure(LBFGS& optimizer, const std::vector<Tensor>& parameters, const std::string& name,
                int* calls = nullptr) {
  return [&optimizer, parameters, name, calls] {
    if (calls != nullptr) ++*calls;
    optimizer.zero_grad();
    Tensor loss = function(name, parameters);
    loss.backward();
    return loss;
  };
}

TEST(LBFGS, FollowsPyTorchAtEachStep) {
  for (const auto& g : golden()["lbfgs"]) {
    SCOPED_TRACE(g["function"].get<std::string>() + g["options"].dump());
    const std::vector<Tensor> parameters = golden_parameters();
    LBFGS optimizer(parameters, read_options<LBFGSOptions>(g["options"]));
    int calls = 0;
    const Closure again = closure(optimizer, parameters, g["function"], &calls);
    for (std::size_t step = 0; step < g["after"].size(); ++step) {
      SCOPED_TRACE(step);
      EXPECT_NEAR(optimizer.step(again).item(), g["losses"][step].get<double>(), 1e-9);
      EXPECT_EQ(calls, g["evaluations"][step].get<int>());
      expect_near(parameters, g["after"][step], 1e-10);
    }
  }
}

TEST(LBFGS, FindsTheBottomOfAValleyInSinglePrecision) {
  const std::vector<Tensor> parameters = golden_parameters(f32);
  LBFGS optimizer(parameters, {.max_iter = 200, .line_search_fn = LineSearch::strong_wolfe});
  optimizer.step(closure(optimizer, parameters, "valley"));
  EXPECT_LT(function("valley", parameters).item(), 1e-6);
}

TEST(LBFGS, ContinuesFromItsState) {
  const LBFGSOptions options{.max_iter = 3, .history_size = 4, .line_search_fn = LineSearch::strong_wolfe};
  const std::vector<Tensor> parameters = golden_parameters();
  LBFGS whole(parameters, options);
  for (int i = 0; i < 3; ++i) whole.step(closure(whole, parameters, "valley"));
  std::vector<Tensor> copies;
  for (const Tensor& p : parameters) copies.push_back(p.detach().clone().requires_grad_());
  LBFGS resumed(copies, options);
  resumed.load_state_dict(snapshot(whole));
  for (int i = 0; i < 3; ++i) {
    whole.step(closure(whole, parameters, "valley"));
    resumed.step(closure(resumed, copies, "valley"));
  }
  EXPECT_EQ(values(parameters), values(copies));
}

TEST(LBFGS, NamesItsStateAsPyTorch) {
  const std::vector<Tensor> parameters = golden_parameters();
  LBFGS optimizer(parameters);
  EXPECT_FALSE(optimizer.state_dict().contains("state.0.d"));
  optimizer.step(closure(optimizer, parameters, "bowl"));
  const StateDict state = optimizer.state_dict();
  for (const char* key : {"func_evals", "n_iter", "d", "t", "old_dirs", "old_stps", "ro", "H_diag",
                          "prev_flat_grad", "prev_loss"}) {
    EXPECT_TRUE(state.contains(std::string("state.0.") + key)) << key;
  }
}

TEST(LBFGS, TakesParametersWithoutGradientForFlat) {
  std::vector<Tensor> p{full({2}, 3, f64).requires_grad_(), full({3}, 5, f64).requires_grad_()};
  LBFGS optimizer(p);
  for (int i = 0; i < 3; ++i) {
    optimizer.step([&] {
      optimizer.zero_grad();
      Tensor loss = square(p[0]).sum();
      loss.backward();
      return loss;
    });
  }
  EXPECT_LT(p[0].detach().abs().max().item(), 1e-6);
  EXPECT_EQ(p[1].to_vector<double>(), std::vector<double>(3, 5));
}

TEST(LBFGS, NeedsAClosureAndOptionsInRange) {
  const std::vector<Tensor> p{ones({2}).requires_grad_()};
  LBFGS optimizer(p);
  EXPECT_THAT([&] { optimizer.step(); }, ThrowsMessage<Error>(HasSubstr("without a closure")));
  EXPECT_THAT([&] { LBFGS(p, {.max_iter = 0}); }, ThrowsMessage<Error>(HasSubstr("max_iter is 0")));
  EXPECT_THAT([&] { LBFGS(p, {.max_eval = 0}); }, ThrowsMessage<Error>(HasSubstr("max_eval is 0")));
  EXPECT_THAT([&] { LBFGS(p, {.history_size = -1}); }, ThrowsMessage<Error>(HasSubstr("history_size is -1")));
  EXPECT_THAT([&] { LBFGS(p, {.lr = -1}); }, ThrowsMessage<Error>(HasSubstr("lr is -1")));
  EXPECT_THAT([&] { LBFGS(p, {.tolerance_grad = -1}); },
              ThrowsMessage<Error>(HasSubstr("tolerance_grad is -1")));
}

}  // namespace
}  // namespace mica::optim
