#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/nn/linear.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/optim/adam.h>
#include <mica/optim/optimizer.h>
#include <mica/optim/sgd.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

using Make = std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)>;

struct Kind {
  std::string name;
  Make make;
};

// One of each, with every kind of state.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"SGD", [](const auto& p) { return std::make_unique<SGD>(p, SGDOptions{.lr = 0.1}); }},
      {"momentum",
       [](const auto& p) { return std::make_unique<SGD>(p, SGDOptions{.lr = 0.1, .momentum = 0.9}); }},
      {"Adam", [](const auto& p) { return std::make_unique<Adam>(p, AdamOptions{.lr = 0.1}); }},
      {"AMSGrad",
       [](const auto& p) { return std::make_unique<AdamW>(p, AdamWOptions{.lr = 0.1, .amsgrad = true}); }}};
  return all;
}

void run(Optimizer& optimizer, std::vector<Tensor>& parameters, std::size_t first, std::size_t last) {
  for (std::size_t step = first; step < last; ++step) {
    set_golden_gradients(parameters, step);
    optimizer.step();
  }
}

std::vector<std::vector<double>> values(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<double>> out;
  for (const Tensor& t : tensors) out.push_back(t.to_vector<double>());
  return out;
}

// A state whose tensors do not change when the optimizer goes on.
StateDict snapshot(const Optimizer& optimizer) {
  StateDict out;
  for (const auto& [name, tensor] : optimizer.state_dict()) out.insert(name, tensor.clone());
  return out;
}

bool same(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    if (!b.contains(name) || !equal(tensor, b.at(name))) return false;
  }
  return true;
}

TEST(Optimizer, ContinuesFromItsStateBitForBit) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    auto parameters = golden_parameters();
    const auto whole = kind.make(parameters);
    run(*whole, parameters, 0, 7);
    std::vector<Tensor> copies;
    for (const Tensor& p : parameters) copies.push_back(p.detach().clone().requires_grad_());
    const StateDict state = snapshot(*whole);
    const auto resumed = kind.make(copies);
    resumed->set_lr(0.7);
    resumed->load_state_dict(state);
    EXPECT_EQ(resumed->lr(), 0.1);
    run(*whole, parameters, 7, 20);
    run(*resumed, copies, 7, 20);
    EXPECT_EQ(values(parameters), values(copies));
  }
}

TEST(Optimizer, CopiesTheStateThatItLoads) {
  auto parameters = golden_parameters();
  SGD one(parameters, {.lr = 0.1, .momentum = 0.9});
  run(one, parameters, 0, 1);
  SGD two(golden_parameters(), {.lr = 0.1, .momentum = 0.9});
  two.load_state_dict(one.state_dict());
  const StateDict before = snapshot(two);
  run(one, parameters, 1, 3);
  EXPECT_TRUE(same(two.state_dict(), before));
}

TEST(Optimizer, NamesItsStateByParameter) {
  auto parameters = golden_parameters();
  Adam adam(parameters, {.amsgrad = true});
  run(adam, parameters, 0, 1);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : adam.state_dict()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"lr", "step", "state.0.exp_avg", "state.1.exp_avg",
                                             "state.0.exp_avg_sq", "state.1.exp_avg_sq",
                                             "state.0.max_exp_avg_sq", "state.1.max_exp_avg_sq"}));
}

// `state` with one entry replaced, or removed if the tensor is undefined.
StateDict with(const StateDict& state, const std::string& name, const Tensor& replacement) {
  StateDict out;
  for (const auto& [key, tensor] : state) {
    if (key != name)
      out.insert(key, tensor);
    else if (replacement.defined())
      out.insert(key, replacement);
  }
  if (!state.contains(name)) out.insert(name, replacement);
  return out;
}

TEST(Optimizer, RefusesAWrongStateAndChangesNothing) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    auto parameters = golden_parameters();
    const auto optimizer = kind.make(parameters);
    run(*optimizer, parameters, 0, 2);
    const StateDict before = snapshot(*optimizer);
    std::vector<StateDict> wrong{StateDict{}};
    wrong.push_back(with(before, "lr", {}));
    wrong.push_back(with(before, "lr", full({}, 1, i64)));
    wrong.push_back(with(before, "lr", full({}, -1, f64)));
    wrong.push_back(with(before, "state.0.unknown", zeros({2, 3}, f64)));
    wrong.push_back(with(before, "state.2.exp_avg", zeros({2, 3}, f64)));
    wrong.push_back(with(before, "momentum", zeros({}, f64)));
    for (const auto& [name, tensor] : before) {
      wrong.push_back(with(before, name, zeros({7}, tensor.dtype())));
      wrong.push_back(with(before, name, zeros(tensor.sizes(), tensor.is_floating_point() ? i64 : f64)));
      if (kind.name != "momentum") wrong.push_back(with(before, name, {}));
    }
    if (before.contains("step")) {
      wrong.push_back(with(before, "step", {}));
      wrong.push_back(with(before, "step", from_vector<std::int64_t>({3, -1})));
      wrong.push_back(with(before, "step", from_vector<std::int64_t>({2, 0})));  // but it has moments
    }
    for (const StateDict& state : wrong) EXPECT_THROW(optimizer->load_state_dict(state), Error);
    EXPECT_TRUE(same(optimizer->state_dict(), before));
  }
}

TEST(Optimizer, RefusesTheStateOfAnotherKind) {
  for (const Kind& from : kinds()) {
    auto parameters = golden_parameters();
    const auto source = from.make(parameters);
    run(*source, parameters, 0, 2);
    for (const Kind& to : kinds()) {
      if (to.name == from.name || (from.name == "SGD" && to.name == "momentum")) continue;  // no momentum yet
      SCOPED_TRACE(from.name + " into " + to.name);
      const auto target = to.make(golden_parameters());
      EXPECT_THROW(target->load_state_dict(source->state_dict()), Error);
    }
  }
}

TEST(Optimizer, SuggestsTheNameOfAMisspeltEntry) {
  Adam adam(golden_parameters());
  StateDict state;
  state.insert("lr", full({}, 0.1, f64));
  state.insert("steps", zeros({2}, i64));
  EXPECT_THAT([&] { adam.load_state_dict(state); },
              ThrowsMessage<Error>(HasSubstr("did you mean \"steps\"?")));
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    std::vector<Tensor> p{ones({3}).requires_grad_(), ones({3}).requires_grad_(), ones({3})};
    const auto optimizer = kind.make(p);
    p[0].square().sum().backward();
    optimizer->step();
    EXPECT_NE(p[0].to_vector<double>(), std::vector<double>(3, 1));
    EXPECT_EQ(p[1].to_vector<double>(), std::vector<double>(3, 1));
    EXPECT_EQ(p[2].to_vector<double>(), std::vector<double>(3, 1));
  }
}

TEST(Optimizer, LeavesFrozenLayersAlone) {
  nn::Linear frozen(3, 3), free(3, 2);
  frozen.requires_grad_(false);
  std::vector<Tensor> all = frozen.parameters();
  for (const Tensor& p : free.parameters()) all.push_back(p);
  AdamW adam(all, {.lr = 0.1});
  const Tensor before = frozen.weight.detach().clone(), moved = free.weight.detach().clone();
  free(frozen(ones({2, 3}))).sum().backward();
  adam.step();
  EXPECT_TRUE(equal(frozen.weight, before));
  EXPECT_FALSE(equal(free.weight, moved));
}

TEST(Optimizer, ZeroGradForgetsOrClears) {
  std::vector<Tensor> p{ones({2}).requires_grad_(), ones({2}).requires_grad_()};
  SGD sgd(p);
  p[0].sum().backward();
  const Tensor held = p[0].grad();
  sgd.zero_grad(false);
  EXPECT_TRUE(p[0].grad().is_same(held) || p[0].grad().shares_storage(held));
  EXPECT_EQ(held.to_vector<double>(), std::vector<double>(2, 0));
  EXPECT_FALSE(p[1].grad().defined());
  sgd.zero_grad();
  EXPECT_FALSE(p[0].grad().defined());
}

// A leaf of this layout in a larger block of sevens, which must survive.
struct Layout {
  std::string name;
  std::function<Tensor(const Tensor& block)> view;  // of (6, 8)
};

TEST(Optimizer, UpdatesParametersAndGradientsOfAnyLayout) {
  const std::vector<Layout> layouts{
      {"transposed", [](const Tensor& b) { return b.narrow(0, 0, 3).t(); }},
      {"columns", [](const Tensor& b) { return b.narrow(1, 2, 3).slice(0, {.step = 2}); }},
      {"every other", [](const Tensor& b) { return b.slice(1, {.step = 2}); }},
      {"one column", [](const Tensor& b) { return b.select(1, 5); }}};
  for (const Kind& kind : kinds()) {
    for (const Layout& layout : layouts) {
      for (const bool strided_gradient : {false, true}) {
        SCOPED_TRACE(kind.name + ", " + layout.name);
        const Tensor block = full({6, 8}, 7, f64);
        std::vector<Tensor> strided{layout.view(block).detach()};
        Generator generator(1);
        strided[0].copy_(randn(strided[0].sizes(), generator, f64));
        strided[0].requires_grad_();
        std::vector<Tensor> plain{strided[0].detach().contiguous().clone().requires_grad_()};
        const Tensor rest = block.clone();
        const auto one = kind.make(strided);
        const auto two = kind.make(plain);
        for (int step = 0; step < 3; ++step) {
          const Tensor grad = randn(plain[0].sizes(), generator, f64);
          const Tensor spread = layout.view(zeros({6, 8}, f64));
          Tensor(spread).copy_(grad);
          strided[0].set_grad(strided_gradient ? spread : grad);
          plain[0].set_grad(strided_gradient ? grad : spread);
          one->step();
          two->step();
        }
        EXPECT_TRUE(equal(strided[0], plain[0]));
        layout.view(block).copy_(layout.view(rest));  // what is left is what was outside the parameter
        EXPECT_TRUE(equal(block, rest));
      }
    }
  }
}

TEST(Optimizer, ConvertsItsStateWithTheModel) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    manual_seed(0);
    nn::Linear layer(40, 30), reference(40, 30, {.dtype = f64});
    reference.load_state_dict(layer.state_dict());
    const auto optimizer = kind.make(layer.parameters());
    const auto in_f64 = kind.make(reference.parameters());
    const Tensor x = randn({5, 40});
    for (int step = 0; step < 4; ++step) {
      if (step == 2) layer.to(f64);
      layer.zero_grad();
      reference.zero_grad();
      layer(x.to(layer.weight.dtype())).square().sum().backward();
      reference(x.to(f64)).square().sum().backward();
      optimizer->step();
      in_f64->step();
    }
    EXPECT_TRUE(allclose(layer.weight, reference.weight, 1e-3, 1e-3));
  }
}

TEST(Optimizer, TrainsParametersOfHalfTheBits) {
  for (const DType dtype : {bf16, f16}) {
    std::vector<Tensor> p{full({8}, 2.0, dtype).requires_grad_()};
    Adam adam(p, {.lr = 0.05});
    for (int i = 0; i < 60; ++i) {
      adam.zero_grad();
      p[0].square().sum().backward();
      adam.step();
    }
    EXPECT_LT(p[0].detach().abs().max().item(), 0.5) << name(dtype);
  }
}

TEST(Optimizer, RefusesListsThatCannotBeTrained) {
  const Tensor p = ones({2, 3}).requires_grad_();
  EXPECT_THAT([&] { SGD({}); }, ThrowsMessage<Error>(HasSubstr("empty")));
  EXPECT_THAT([&] { SGD({p, p}); }, ThrowsMessage<Error>(AllOf(HasSubstr("twice"), HasSubstr("[2, 3]"))));
  EXPECT_THAT([&] { Adam({p * 2}); }, ThrowsMessage<Error>(AllOf(HasSubstr("[Adam]"), HasSubstr("mul"))));
  EXPECT_THROW(SGD({Tensor()}), Error);
}

TEST(Optimizer, StepInvalidatesWhatAGraphHasSaved) {
  std::vector<Tensor> p{ones({2}).requires_grad_()};
  SGD sgd(p, {.lr = 0.1});
  const Tensor loss = p[0].square().sum();
  loss.backward({}, {.retain_graph = true});
  sgd.step();
  EXPECT_THAT([&] { loss.backward(); }, ThrowsMessage<Error>(HasSubstr("SGD")));
}

}  // namespace
}  // namespace mica::optim
