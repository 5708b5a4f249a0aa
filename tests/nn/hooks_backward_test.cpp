#include <array>
#include <atomic>
#include <barrier>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/checkpoint.h>
#include <mica/autograd/engine.h>
#include <mica/autograd/hooks.h>
#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/inplace.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Numbers = std::vector<double>;

Tensor leaf(double value) { return full({2}, value, f64).requires_grad_(); }
double value(const Tensor& x) { return x.to_vector<double>().at(0); }
// NaN for an undefined gradient.
Numbers values(const Gradients& grads) {
  Numbers out;
  for (const Tensor& g : grads) out.push_back(g.defined() ? value(g) : std::nan(""));
  return out;
}

struct Scale : Module {
  double by = 3;
  Tensor forward(const Tensor& x) { return x * by; }
};
struct Chain : Module {
  Scale first{.by = 3}, second{.by = 5};
  Tensor forward(const Tensor& x) { return second(first(x)); }
};

TEST(BackwardHooks, SeeTheGradientsOfArgumentsAndResult) {
  Chain net;
  const Tensor x = leaf(1);
  std::vector<std::string> order;
  auto pre = net.first.register_full_backward_pre_hook([&](Scale& layer, const Gradients& grad_output) {
    EXPECT_EQ(&layer, &net.first);
    EXPECT_THAT(values(grad_output), ElementsAre(10));
    order.emplace_back("pre");
  });
  auto hook = net.first.register_full_backward_hook(
      [&](auto& layer, const Gradients& grad_input, const Gradients& grad_output) {
        EXPECT_EQ(&layer, &net.first);
        EXPECT_THAT(values(grad_input), ElementsAre(30));
        EXPECT_THAT(values(grad_output), ElementsAre(10));
        order.emplace_back("hook");
      });
  const Tensor y = net(x);
  EXPECT_THAT(order, testing::IsEmpty());
  (y * 2).sum().backward();
  EXPECT_THAT(order, ElementsAre("pre", "hook"));
  EXPECT_EQ(value(x.grad()), 30);
  EXPECT_EQ(value(y), 15);
}

TEST(BackwardHooks, ReplaceGradients) {
  Chain net;
  auto pre = net.second.register_full_backward_pre_hook(
      [](Scale&, const Gradients& grad_output) { return grad_output[0] * 10; });
  const Tensor a = leaf(1);
  net(a).sum().backward();
  EXPECT_EQ(value(a.grad()), 150);
  auto hook = net.first.register_full_backward_hook(
      [](Scale&, const Gradients& grad_input, const Gradients&) { return Gradients{grad_input[0] + 1}; });
  const Tensor b = leaf(1);
  net(b).sum().backward();
  EXPECT_EQ(value(b.grad()), 151);
  bool replace = false;
  auto sometimes = net.first.register_full_backward_hook(
      [&](Scale&, const Gradients& grad_input, const Gradients&) -> std::optional<Gradients> {
        if (!replace) return std::nullopt;
        return Gradients{grad_input[0] * 0};
      });
  const Tensor c = leaf(1);
  net(c).sum().backward();
  EXPECT_EQ(value(c.grad()), 151);
  replace = true;
  const Tensor d = leaf(1);
  net(d).sum().backward();
  EXPECT_EQ(value(d.grad()), 0);
  auto none = net.first.register_full_backward_hook(
      [](Scale&, const Gradients&, const Gradients&) { return Gradients{Tensor()}; });
  const Tensor e = leaf(1);
  net(e).sum().backward();
  EXPECT_FALSE(e.grad().defined());  // undefined stands for zero
}

struct Several : Module {
  std::tuple<Tensor, int, Tensor> forward(const Tensor& a, int n, Tensor b, const Tensor& constant) {
    return {a * b + constant, n, a * 7};
  }
};

TEST(BackwardHooks, HaveOneGradientForEachArgumentAndEachPartOfTheResult) {
  Several layer;
  const Tensor a = leaf(2), b = leaf(3), constant = full({2}, 1, f64);
  std::vector<Numbers> inputs, outputs;
  auto hook = layer.register_full_backward_hook(
      [&](Several&, const Gradients& grad_input, const Gradients& grad_output) {
        inputs.push_back(values(grad_input));
        outputs.push_back(values(grad_output));
        return Gradients{grad_input[0] * 10, Tensor(), grad_input[2], Tensor()};
      });
  const auto [sum, n, scaled] = layer(a, 4, b, constant);
  EXPECT_EQ(n, 4);
  (sum * 5 + scaled).sum().backward();
  EXPECT_THAT(inputs.back(), ElementsAre(22, testing::IsNan(), 10, testing::IsNan()));
  EXPECT_THAT(outputs.back(), ElementsAre(5, testing::IsNan(), 1));
  EXPECT_EQ(value(a.grad()), 220);
  EXPECT_EQ(value(b.grad()), 10);
  // Only one part of the result is used.
  const auto again = layer(a, 4, b, constant);
  std::get<2>(again).sum().backward();
  EXPECT_THAT(inputs.back(), ElementsAre(7, testing::IsNan(), testing::IsNan(), testing::IsNan()));
  EXPECT_THAT(outputs.back(), ElementsAre(testing::IsNan(), testing::IsNan(), 1));
}

struct Listed : Module {
  std::vector<Tensor> forward(const Tensor& x) { return {x * 2, x * 3}; }
};
struct Paired : Module {
  std::array<Tensor, 2> forward(const Tensor& x) { return {x, x}; }
};
struct Kept : Module {
  Tensor kept;
  Tensor& forward(const Tensor& x) { return kept = x * 2; }
};
struct Nothing : Module {
  void forward(const Tensor&) {}
};

TEST(BackwardHooks, SeeListsAndArraysOfResults) {
  const Tensor x = leaf(1);
  std::vector<Numbers> seen;
  const auto note = [&](auto&, const Gradients&, const Gradients& grad_output) {
    seen.push_back(values(grad_output));
  };
  Listed listed;
  Paired paired;
  auto a = listed.register_full_backward_hook(note);
  auto b = paired.register_full_backward_hook(note);
  const auto list = listed(x);
  (list[0] + list[1] * 4).sum().backward();
  const auto pair = paired(x);
  (pair[0] + pair[1] * 4).sum().backward();
  EXPECT_THAT(seen, ElementsAre(Numbers{1, 4}, Numbers{1, 4}));
  EXPECT_EQ(value(x.grad()), 2 + 12 + 5);
  // A result that belongs to somebody is not seen, and stays as it is.
  Kept kept;
  auto c = kept.register_full_backward_hook(
      [](Kept&, const Gradients&, const Gradients&) { FAIL() << "returned by reference"; });
  EXPECT_EQ(&kept(x), &kept.kept);
  kept.kept.sum().backward();
  Nothing nothing;
  auto d = register_module_full_backward_hook([](const ModuleRef&, const Gradients&, const Gradients&) {});
  nothing(x);
}

TEST(BackwardHooks, RunOnTheResultAloneWhereNoArgumentRequiresAGradient) {
  Linear layer(2, 2, {.dtype = f64});
  int calls = 0;
  auto hook = layer.register_full_backward_hook(
      [&](Linear&, const Gradients& grad_input, const Gradients& grad_output) {
        EXPECT_THAT(values(grad_input), ElementsAre(testing::IsNan()));
        EXPECT_THAT(values(grad_output), ElementsAre(1));
        ++calls;
        return grad_input;
      });
  layer(ones({1, 2}, f64)).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(value(layer.bias.grad()), 1);
  auto bad = layer.register_full_backward_hook(
      [](Linear&, const Gradients&, const Gradients& grad_output) { return grad_output; });
  EXPECT_THAT([&] { layer(ones({1, 2}, f64)).sum().backward(); },
              ThrowsMessage<Error>(AllOf(HasSubstr("Linear"), HasSubstr("no argument"))));
}

TEST(BackwardHooks, AreNotRunWithoutAGraph) {
  Scale layer;
  int calls = 0;
  auto hook = layer.register_full_backward_hook([&](Scale&, const Gradients&, const Gradients&) { ++calls; });
  const Tensor x = leaf(1);
  EXPECT_FALSE(layer(x.detach()).requires_grad());
  const NoGrad off;
  EXPECT_FALSE(layer(x).requires_grad());
  EXPECT_EQ(calls, 0);
}

TEST(BackwardHooks, RunOnlyIfTheGradientsThatTheyAreAboutAreComputed) {
  Linear layer(2, 2, {.dtype = f64});
  std::vector<std::string> seen;
  auto pre =
      layer.register_full_backward_pre_hook([&](Linear&, const Gradients&) { seen.emplace_back("result"); });
  auto hook = layer.register_full_backward_hook(
      [&](Linear&, const Gradients&, const Gradients&) { seen.emplace_back("arguments"); });
  const Tensor x = ones({1, 2}, f64).requires_grad_();
  static_cast<void>(autograd::grad(layer(x).sum(), layer.weight));
  EXPECT_THAT(seen, ElementsAre("result"));
  static_cast<void>(autograd::grad(layer(x).sum(), x));
  EXPECT_THAT(seen, ElementsAre("result", "result", "arguments"));
}

TEST(BackwardHooks, ErrorsNameBothCountsAndShapes) {
  Scale layer;
  const Tensor x = leaf(1);
  {
    auto hook = layer.register_full_backward_hook(
        [](Scale&, const Gradients&, const Gradients&) { return Gradients(3); });
    EXPECT_THAT(
        [&] { layer(x).sum().backward(); },
        ThrowsMessage<Error>(AllOf(HasSubstr("[full_backward_hook] a hook of Scale returned 3 gradients"),
                                   HasSubstr("expected 1"))));
  }
  {
    auto pre = layer.register_full_backward_pre_hook([](Scale&, const Gradients&) { return Gradients(); });
    EXPECT_THAT([&] { layer(x).sum().backward(); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr("[full_backward_pre_hook]"), HasSubstr("0 gradients, expected 1"))));
  }
  auto shape = layer.register_full_backward_pre_hook([](Scale&, const Gradients&) { return ones({3}, f64); });
  EXPECT_THAT([&] { layer(x).sum().backward(); },
              ThrowsMessage<Error>(HasSubstr("f64 [3] for gradient 0, which is f64 [2]")));
  EXPECT_FALSE(x.grad().defined());
}

TEST(BackwardHooks, RunInOrderGlobalOnesFirst) {
  Scale layer;
  std::vector<int> order;
  const auto note = [&](int i) {
    return [&order, i](auto&&, const Gradients&, const Gradients&) { order.push_back(i); };
  };
  auto a = layer.register_full_backward_hook(note(1));
  auto b = layer.register_full_backward_hook(note(2));
  auto c = layer.register_full_backward_hook(note(0), {.prepend = true});
  auto d = register_module_full_backward_hook(note(-1));
  auto e =
      register_module_full_backward_pre_hook([&](const ModuleRef& m, const Gradients& grad_output) -> Tensor {
        EXPECT_EQ(m.type(), "Scale");
        order.push_back(-2);
        return grad_output[0] * 2;
      });
  const Tensor x = leaf(1);
  layer(x).sum().backward();
  EXPECT_THAT(order, ElementsAre(-2, -1, 0, 1, 2));
  EXPECT_EQ(value(x.grad()), 6);
}

TEST(BackwardHooks, CanBeMadeForModulesFoundByAWalk) {
  Chain net;
  std::vector<std::string> seen;
  std::vector<HookHandle> handles;
  for (const auto& [name, module] : net.named_modules()) {
    handles.push_back(register_full_backward_hook(
        module, [&seen, path = name](const ModuleRef&, const Gradients&, const Gradients&) {
          seen.push_back(path);
        }));
  }
  net(leaf(1)).sum().backward();
  EXPECT_THAT(seen, ElementsAre("second", "first", ""));
}

TEST(BackwardHooks, WhoseHandleDiesAreNotCalledByGraphsThatAreThere) {
  auto layer = std::make_unique<Scale>();
  int calls = 0;
  auto owned = std::make_shared<int>(0);
  auto hook = layer->register_full_backward_hook(
      [&calls, owned](Scale&, const Gradients&, const Gradients&) { ++calls; });
  const Tensor x = leaf(1);
  const Tensor y = (*layer)(x), z = (*layer)(x);
  y.sum().backward();
  EXPECT_EQ(calls, 1);
  hook.remove();
  EXPECT_EQ(owned.use_count(), 1);
  z.sum().backward();
  EXPECT_EQ(calls, 1);
  // Nor are those of a module that is gone.
  layer->register_full_backward_hook([&](Scale&, const Gradients&, const Gradients&) { ++calls; }).detach();
  const Tensor last = (*layer)(x);
  layer.reset();
  last.sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(value(x.grad()), 9);
  EXPECT_EQ(detail::live_hooks.load(), 0);
}

TEST(BackwardHooks, FindAModuleThatWasMovedAfterItsCall) {
  std::vector<Scale> layers(1);
  int calls = 0;
  const auto check = [&](Scale& layer) {
    EXPECT_EQ(&layer, layers.data());
    ++calls;
  };
  auto hook = layers[0].register_full_backward_hook(
      [&](Scale& layer, const Gradients&, const Gradients&) { check(layer); });
  auto global = register_module_full_backward_hook(
      [&](const ModuleRef& module, const Gradients&, const Gradients&) { check(*module.get_if<Scale>()); });
  {
    const Tensor y = layers[0](leaf(1));
    layers.resize(100);
    y.sum().backward();
    EXPECT_EQ(calls, 2);
    hook.remove();
    const Tensor z = layers[0](leaf(1));
    layers.resize(1000);  // known to the graph only
    z.sum().backward();
    EXPECT_EQ(calls, 3);
    const Tensor gone = layers[0](leaf(1));
    layers.clear();
    gone.sum().backward();
    EXPECT_EQ(calls, 3);
  }
  global.remove();
  EXPECT_EQ(detail::followed_modules.load(), 0);
}

struct Cube : Module {
  Tensor forward(const Tensor& x) { return x * x * x; }
};

TEST(BackwardHooks, TakePartInSecondDerivatives) {
  Cube layer;
  int calls = 0;
  auto hook = layer.register_full_backward_hook([&](Cube&, const Gradients& grad_input, const Gradients&) {
    ++calls;
    return grad_input[0] * grad_input[0];
  });
  const Tensor x = leaf(2);
  const Tensor first = autograd::grad(layer(x).sum(), x, {.create_graph = true});
  EXPECT_EQ(value(first), 144);  // (3 x^2)^2
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(value(autograd::grad(first.sum(), x)), 9 * 4 * 8);
}

TEST(BackwardHooks, KeepNoGraphAliveWhenAPassDoesNotComeToTheArguments) {
  Linear layer(2, 2, {.dtype = f64});
  auto hook = layer.register_full_backward_hook([](Linear&, const Gradients&, const Gradients&) {});
  {
    const Tensor y = layer(ones({1, 2}, f64).requires_grad_());
    const Tensor g = autograd::grad((y * y).sum(), layer.weight, {.create_graph = true});
    EXPECT_TRUE(g.requires_grad());
  }
  hook.remove();
  EXPECT_EQ(detail::followed_modules.load(), 0);
}

TEST(BackwardHooks, WorkInsideCheckpoints) {
  Chain net;
  int calls = 0;
  auto hook =
      net.first.register_full_backward_hook([&](Scale&, const Gradients& grad_input, const Gradients&) {
        ++calls;
        return grad_input[0] * 2;
      });
  const Tensor x = leaf(1);
  autograd::checkpoint([&](const Tensor& in) { return net(in); }, x).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(value(x.grad()), 30);
}

TEST(BackwardHooks, ForbidChangesInPlaceOfWhatTheySee) {
  struct InPlace : Module {
    Tensor forward(Tensor x) { return x.mul_(2); }
  };
  InPlace layer;
  Scale scale;
  const Tensor x = leaf(1) * 1;
  const auto nothing = [](auto&, const Gradients&, const Gradients&) {};
  EXPECT_NO_THROW(layer(x.clone()));
  auto a = layer.register_full_backward_hook(nothing);
  EXPECT_THAT([&] { layer(x.clone()); }, ThrowsMessage<Error>(HasSubstr("changed in place")));
  auto b = scale.register_full_backward_hook(nothing);
  EXPECT_THAT([&] { scale(x).add_(1); }, ThrowsMessage<Error>(HasSubstr("changed in place")));
}

TEST(BackwardHooks, KeepTheirStateBetweenCalls) {
  Scale layer;
  std::vector<int> seen;
  auto hook = layer.register_forward_hook(
      [&seen, n = 0](Scale&, Arguments&, Tensor&) mutable { seen.push_back(n++); });
  auto back = layer.register_full_backward_hook(
      [&seen, n = 10](Scale&, const Gradients&, const Gradients&) mutable { seen.push_back(n++); });
  for (int i = 0; i < 2; ++i) layer(leaf(1)).sum().backward();
  EXPECT_THAT(seen, ElementsAre(0, 10, 1, 11));
}

TEST(BackwardHooks, ServePassesOnSeveralThreads) {
  Chain net;
  std::atomic<int> calls = 0, wrong = 0;
  auto hook =
      net.register_full_backward_hook([&](Chain&, const Gradients& grad_input, const Gradients& grad_output) {
        ++calls;
        if (value(grad_input[0]) != 15 * value(grad_output[0])) ++wrong;
      });
  std::barrier together(2);  // each round, both passes are inside of the call at once
  auto inner = net.second.register_full_backward_pre_hook(
      [&](Scale&, const Gradients&) { together.arrive_and_wait(); });
  const Tensor x = leaf(1);
  const Tensor shared = net(x);
  std::vector<std::jthread> threads;
  for (int t = 1; t <= 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const Tensor weight = full({2}, t, f64);
        shared.backward(weight, {.retain_graph = true});
        net(x).backward(weight);
        auto other = net.register_full_backward_hook([](Chain&, const Gradients&, const Gradients&) {});
      }
    });
  }
  threads.clear();
  EXPECT_EQ(calls, 80);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(value(x.grad()), 15 * 2 * 20 * (1 + 2));
}

}  // namespace
}  // namespace mica::nn
