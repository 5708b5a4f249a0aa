#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "golden.h"

namespace mica::optim {
namespace {

struct Fixture : testing::Test {
  std::vector<Tensor> parameters = golden_parameters();
  SGD sgd{parameters, {.lr = 0.1}};
  std::string seen;
  StepHook note(char letter) {
    return [this, letter](Optimizer& o) {
      EXPECT_EQ(&o, &sgd);
      seen += letter;
    };
  }
  void step() { run(sgd, parameters, 0, 1); }
};
using OptimizerHooks = Fixture;

TEST_F(OptimizerHooks, RunAroundEachStepInTheirOrder) {
  const auto a = sgd.register_step_pre_hook(note('a'));
  const auto z = sgd.register_step_post_hook(note('z'));
  const auto b = sgd.register_step_pre_hook(note('b'));
  const auto global_first = register_optimizer_step_pre_hook(note('1'));
  const auto global_last = register_optimizer_step_post_hook(note('9'));
  step();
  EXPECT_EQ(seen, "1ab9z");
  sgd.step([&] {
    seen += 'c';
    return zeros({});
  });
  EXPECT_EQ(seen, "1ab9z1abc9z");
}

TEST_F(OptimizerHooks, LiveAsLongAsTheirHandles) {
  {
    const auto a = sgd.register_step_pre_hook(note('a'));
    step();
  }
  step();
  EXPECT_EQ(seen, "a");
  auto b = sgd.register_step_pre_hook(note('b'));
  StepHookHandle moved = std::move(b);
  step();
  moved.remove();
  step();
  EXPECT_EQ(seen, "ab");
  moved = sgd.register_step_post_hook(note('c'));
  moved.detach();
  step();
  EXPECT_EQ(seen, "abc");
}

TEST_F(OptimizerHooks, MayOutliveTheOptimizer) {
  StepHookHandle handle;
  {
    SGD other(golden_parameters());
    handle = other.register_step_pre_hook([](Optimizer&) {});
  }
  handle.remove();
}

TEST_F(OptimizerHooks, MayRemoveThemselves) {
  std::optional<StepHookHandle> once;
  once = sgd.register_step_pre_hook([&](Optimizer&) {
    seen += 'o';
    once.reset();
  });
  step();
  step();
  EXPECT_EQ(seen, "o");
}

TEST_F(OptimizerHooks, APreHookSeesTheGradientsBeforeTheStep) {
  const auto clip = sgd.register_step_pre_hook([](Optimizer& o) {
    for (Tensor p : o.parameters()) {
      if (p.grad().defined()) p.set_grad(zeros_like(p.grad()));
    }
  });
  step();
  EXPECT_EQ(values(parameters), values(golden_parameters()));
}

TEST_F(OptimizerHooks, OnStateSeeAndChangeIt) {
  const auto before = sgd.register_state_dict_pre_hook([&](Optimizer&, StateDict& state) {
    EXPECT_TRUE(state.empty());
    seen += 'p';
  });
  const auto after = sgd.register_state_dict_post_hook(
      [](Optimizer&, StateDict& state) { state.insert("extra", zeros({1})); });
  const StateDict state = sgd.state_dict();
  EXPECT_TRUE(state.contains("extra"));
  const auto loading = sgd.register_load_state_dict_pre_hook([&](Optimizer&, StateDict& s) {
    EXPECT_TRUE(s.erase("extra"));
    s.set("param_groups.0.lr", full({}, 0.7, f64));
  });
  const auto loaded = sgd.register_load_state_dict_post_hook([&](Optimizer& o, StateDict&) {
    EXPECT_EQ(o.lr(), 0.7);
    seen += 'l';
  });
  sgd.load_state_dict(state);
  EXPECT_EQ(seen, "pl");
  EXPECT_TRUE(state.contains("extra"));
  EXPECT_EQ(state.at("param_groups.0.lr").item(), 0.1);
}

}  // namespace
}  // namespace mica::optim
