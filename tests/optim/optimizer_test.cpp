#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/linear.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)> make;
  std::string golden;  // as optimizers() has it
};

// One of each, with every kind of state.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = [] {
    const std::vector<std::pair<std::string, nlohmann::json>> options{
        {"SGD", {}},       {"SGD", {{"momentum", 0.9}}},
        {"Adam", {}},      {"AdamW", {{"amsgrad", true}}},
        {"Adamax", {}},    {"NAdam", {}},
        {"RAdam", {}},     {"RMSprop", {{"centered", true}, {"momentum", 0.9}}},
        {"Adagrad", {}},   {"Adadelta", {}},
        {"Adafactor", {}}, {"ASGD", {{"t0", 2.0}}},
        {"Rprop", {}},     {"Muon", {}}};
    std::vector<Kind> out;
    for (const auto& [kind, o] : options) {
      const nlohmann::json given = with_lr(o.is_null() ? nlohmann::json::object() : o, 0.1);
      out.push_back({kind + given.dump(),
                     [kind, given](const auto& p) { return optimizers().at(kind)(p, given); }, kind});
    }
    return out;
  }();
  return all;
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
    auto parameters = parameters_for(kind.golden);
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

TEST(Optimizer, NamesItsStateAsPyTorch) {
  auto parameters = golden_parameters();
  Adam adam({parameters[0]}, {.amsgrad = true});
  adam.add_param_group({parameters[1]}, {.lr = 0.5, .betas = {0.5, 0.75}});
  run(adam, parameters, 0, 1);
  std::vector<std::string> names;
  const StateDict state = adam.state_dict();
  for (const auto& [name, tensor] : state) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"state.0.step",
                                             "state.0.exp_avg",
                                             "state.0.exp_avg_sq",
                                             "state.0.max_exp_avg_sq",
                                             "state.1.step",
                                             "state.1.exp_avg",
                                             "state.1.exp_avg_sq",
                                             "param_groups.0.lr",
                                             "param_groups.0.betas",
                                             "param_groups.0.eps",
                                             "param_groups.0.weight_decay",
                                             "param_groups.0.amsgrad",
                                             "param_groups.0.maximize",
                                             "param_groups.0.decoupled_weight_decay",
                                             "param_groups.0.params",
                                             "param_groups.1.lr",
                                             "param_groups.1.betas",
                                             "param_groups.1.eps",
                                             "param_groups.1.weight_decay",
                                             "param_groups.1.amsgrad",
                                             "param_groups.1.maximize",
                                             "param_groups.1.decoupled_weight_decay",
                                             "param_groups.1.params"}));
  EXPECT_EQ(state.at("param_groups.1.betas").to_vector<double>(), (std::vector<double>{0.5, 0.75}));
  EXPECT_EQ(state.at("param_groups.1.params").to_vector<std::int64_t>(), std::vector<std::int64_t>{1});
  EXPECT_EQ(state.at("param_groups.0.amsgrad").dtype(), boolean);
  EXPECT_EQ(state.at("state.0.step").item<std::int64_t>(), 1);
}

TEST(Optimizer, RestoresTheOptionsOfEachGroup) {
  auto parameters = golden_parameters();
  RMSprop one({parameters[0]}, {.lr = 0.2, .centered = true});
  one.add_param_group({parameters[1]}, {.lr = 0.3, .momentum = 0.5});
  run(one, parameters, 0, 3);
  RMSprop two({parameters[0]});
  two.add_param_group({parameters[1]});
  two.load_state_dict(snapshot(one));
  EXPECT_TRUE(two.options(0).centered);
  EXPECT_EQ(two.options(1).momentum, 0.5);
  EXPECT_EQ(two.lr(0), 0.2);
  EXPECT_EQ(two.lr(1), 0.3);
  EXPECT_FALSE(two.options(1).centered);
  EXPECT_TRUE(same(one.state_dict(), two.state_dict()));
}

TEST(Optimizer, NumbersInTheStateMayBeOthers) {
  auto parameters = golden_parameters();
  SGD one(parameters, {.lr = 0.1, .momentum = 0.9});
  run(one, parameters, 0, 2);
  StateDict state;
  for (const auto& [name, tensor] : one.state_dict()) {
    if (name.starts_with("state.")) {
      state.insert(name[6] == '0' ? "state.7.momentum_buffer" : "state.3.momentum_buffer", tensor.clone());
    } else if (name != "param_groups.0.params") {
      state.insert(name, tensor);
    }
  }
  state.insert("param_groups.0.params", from_vector<std::int64_t>({7, 3}));
  SGD two(parameters, {.lr = 0.1, .momentum = 0.9});
  two.load_state_dict(state);
  EXPECT_TRUE(same(one.state_dict(), two.state_dict()));
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
    auto parameters = parameters_for(kind.golden);
    const auto optimizer = kind.make(parameters);
    run(*optimizer, parameters, 0, 2);
    const StateDict before = snapshot(*optimizer);
    std::vector<StateDict> wrong{StateDict{}};
    wrong.push_back(with(before, "param_groups.0.lr", full({}, 1, i64)));
    wrong.push_back(with(before, "param_groups.0.lr", full({}, -1, f64)));
    wrong.push_back(with(before, "param_groups.0.params", zeros({3}, i64)));
    wrong.push_back(with(before, "state.0.unknown", zeros({2, 3}, f64)));
    wrong.push_back(with(before, "state.2.exp_avg", zeros({2, 3}, f64)));
    wrong.push_back(with(before, "momentum", zeros({}, f64)));
    for (const auto& [name, tensor] : before) {
      wrong.push_back(with(before, name, zeros({7, 5, 3}, tensor.dtype())));
      if (name.find(".step") == std::string::npos || !name.ends_with("step"))
        wrong.push_back(with(before, name, zeros(tensor.sizes(), tensor.is_floating_point() ? i64 : f64)));
      if (!name.ends_with("momentum_buffer")) wrong.push_back(with(before, name, {}));
    }
    if (before.contains("state.0.step")) {
      wrong.push_back(with(before, "state.0.step", full({}, 0, i64)));
      wrong.push_back(with(before, "state.0.step", full({}, -2, i64)));
      wrong.push_back(with(before, "state.0.step", full({}, 1.5, f64)));
    }
    for (const StateDict& state : wrong) EXPECT_THROW(optimizer->load_state_dict(state), Error);
    EXPECT_TRUE(same(optimizer->state_dict(), before));
  }
}

TEST(Optimizer, RefusesTheStateOfAnotherKind) {
  for (const Kind& from : kinds()) {
    auto parameters = parameters_for(from.golden);
    const auto source = from.make(parameters);
    run(*source, parameters, 0, 2);
    for (const Kind& to : kinds()) {
      if (to.golden == from.golden) continue;
      SCOPED_TRACE(from.name + " into " + to.name);
      const auto target = to.make(parameters_for(to.golden));
      EXPECT_THROW(target->load_state_dict(source->state_dict()), Error);
    }
  }
}

TEST(Optimizer, SuggestsTheNameOfAMisspeltEntry) {
  SGD sgd(golden_parameters());
  StateDict state;
  for (const auto& [name, tensor] : sgd.state_dict()) {
    state.insert(name == "param_groups.0.momentum" ? "param_groups.0.momentun" : name, tensor);
  }
  EXPECT_THAT([&] { sgd.load_state_dict(state); },
              ThrowsMessage<Error>(HasSubstr("did you mean \"param_groups.0.momentun\"?")));
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    std::vector<Tensor> p{ones({3, 1}).requires_grad_(), ones({3, 1}).requires_grad_(), ones({3, 1})};
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
      {"one column", [](const Tensor& b) { return b.narrow(1, 5, 1); }}};
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
        // What is summed or multiplied as a matrix rounds by the order of memory.
        if (kind.golden == "Adafactor" || kind.golden == "Muon")
          EXPECT_TRUE(allclose(strided[0], plain[0], 1e-12, 1e-12));
        else
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
    nn::Linear layer(40, 30, {.bias = false}), reference(40, 30, {.bias = false, .dtype = f64});
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

TEST(Optimizer, ChangesTheOptionsOfOneGroup) {
  std::vector<Tensor> p{ones({2}, f64).requires_grad_(), ones({2}, f64).requires_grad_()};
  SGD sgd({p[0]}, {.lr = 0.1});
  sgd.add_param_group({p[1]});
  EXPECT_EQ(sgd.num_groups(), 2U);
  EXPECT_EQ(sgd.parameters().size(), 2U);
  EXPECT_TRUE(sgd.parameters(1)[0].is_same(p[1]));
  sgd.options(1).lr = 0.5;
  EXPECT_EQ(sgd.lr(1), 0.5);
  for (Tensor& t : p) t.set_grad(ones({2}, f64));
  sgd.step();
  EXPECT_EQ(p[0].to_vector<double>(), std::vector<double>(2, 0.9));
  EXPECT_EQ(p[1].to_vector<double>(), std::vector<double>(2, 0.5));
  sgd.set_lr(0.25);
  EXPECT_EQ(sgd.lr(0), 0.25);
  EXPECT_EQ(sgd.lr(1), 0.25);
  EXPECT_EQ(sgd.defaults().lr, 0.1);
}

TEST(Optimizer, RefusesGroupsAndChangesNothing) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({3}).requires_grad_();
  SGD sgd({a});
  EXPECT_THAT([&] { sgd.add_param_group({}); }, ThrowsMessage<Error>(HasSubstr("empty")));
  EXPECT_THAT([&] { sgd.add_param_group({a}); }, ThrowsMessage<Error>(HasSubstr("twice")));
  EXPECT_THAT([&] { sgd.add_param_group({b, b}); }, ThrowsMessage<Error>(HasSubstr("twice")));
  EXPECT_THAT([&] { sgd.add_param_group({b}, {.lr = -1}); }, ThrowsMessage<Error>(HasSubstr("lr is -1")));
  EXPECT_EQ(sgd.num_groups(), 1U);
  EXPECT_EQ(sgd.parameters().size(), 1U);
  EXPECT_THAT([&] { sgd.options(1); }, ThrowsMessage<Error>(HasSubstr("no group 1 among 1")));
  EXPECT_THAT([&] { sgd.set_lr(4, 0.1); }, ThrowsMessage<Error>(HasSubstr("no group 4")));
}

TEST(Optimizer, MomentumThatIsSwitchedOnLaterStartsAtTheGradient) {
  std::vector<Tensor> p{zeros({1}, f64).requires_grad_()};
  SGD sgd(p, {.lr = 1, .dampening = 0.5});
  p[0].set_grad(ones({1}, f64));
  sgd.step();
  sgd.options().momentum = 0.5;
  sgd.step();
  EXPECT_EQ(p[0].item(), -2);
  sgd.step();
  EXPECT_EQ(p[0].item(), -3);  // 0.5 * 1 + 0.5 * 1
}

TEST(Optimizer, CountsStepsOfEachParameterApart) {
  std::vector<Tensor> p{zeros({1}).requires_grad_(), zeros({1}).requires_grad_()};
  Adam adam(p, {.lr = 0.1});
  p[0].set_grad(ones({1}));
  adam.step();
  adam.step();
  p[1].set_grad(full({1}, 5));
  adam.step();
  EXPECT_EQ(adam.state_dict().at("state.0.step").item<std::int64_t>(), 3);
  EXPECT_EQ(adam.state_dict().at("state.1.step").item<std::int64_t>(), 1);
  // The first step of each is lr long, whatever the gradient's size: the moments are corrected for their age.
  EXPECT_NEAR(p[1].item(), -0.1, 1e-6);
}

TEST(Optimizer, CallsTheClosureBeforeTheStep) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    std::vector<Tensor> p{full({2, 2}, 3, f64).requires_grad_()};
    const auto optimizer = kind.make(p);
    const NoGrad no_grad;  // the closure has gradients all the same
    const Tensor loss = optimizer->step([&] {
      optimizer->zero_grad();
      Tensor l = p[0].square().sum();
      l.backward();
      return l;
    });
    EXPECT_EQ(loss.item(), 36);
    EXPECT_LT(p[0].detach().max().item(), 3);
  }
}

TEST(Optimizer, AcceptsParametersWithoutElementsOrDimensions) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    std::vector<Tensor> p{zeros({0, 3}).requires_grad_(), ones({1, 1}).requires_grad_()};
    if (kind.golden != "Muon") p.push_back(full({}, 2.0).requires_grad_());
    const auto optimizer = kind.make(p);
    for (Tensor& t : p) t.set_grad(ones_like(t));
    optimizer->step();
    optimizer->step();
    EXPECT_LT(p[1].item(), 1);
    if (p.size() == 3) EXPECT_LT(p[2].item(), 2);
  }
}

}  // namespace
}  // namespace mica::optim
