#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Double : Module {
  Tensor forward(const Tensor& x) { return x * 2; }
};
struct Net : Module {
  Double first, second;
  Tensor forward(const Tensor& x) { return second(first(x)); }
};

float value(const Tensor& x) { return x.item<float>(); }

TEST(Hooks, SeeWhatGoesInAndComesOut) {
  Net net;
  std::vector<std::string> seen;
  auto before = net.first.register_forward_pre_hook([&](Double& layer, Arguments& args) {
    EXPECT_EQ(&layer, &net.first);
    EXPECT_EQ(args.size(), 1U);
    seen.push_back("in " + std::to_string(args.tensor(0).item<int>()));
  });
  auto after = net.first.register_forward_hook([&](auto& layer, auto& args, Tensor& out) {
    EXPECT_EQ(&layer, &net.first);
    seen.push_back(std::to_string(args.tensor(0).template item<int>()) + " gives " +
                   std::to_string(out.item<int>()));
  });
  net(full({}, 3));
  EXPECT_THAT(seen, ElementsAre("in 3", "3 gives 6"));
}

TEST(Hooks, ReplaceArgumentsAndResults) {
  Net net;
  auto before =
      net.second.register_forward_pre_hook([](Double&, Arguments& args) { args.tensor(0) = full({}, 10); });
  EXPECT_EQ(value(net(full({}, 3))), 20);
  auto after = net.second.register_forward_hook([](Double&, Arguments&, Tensor& out) { out = out + 1; });
  EXPECT_EQ(value(net(full({}, 3))), 21);
  const Tensor x = full({}, 3);  // a caller's own handle is not replaced
  auto outer = net.register_forward_pre_hook([](Net&, Arguments& args) { args.tensor(0) = full({}, 4); });
  net(x);
  EXPECT_EQ(value(x), 3);
}

TEST(Hooks, LiveAsLongAsTheirHandles) {
  Double layer;
  int calls = 0;
  const auto count = [&](Double&, Arguments&, Tensor&) { ++calls; };
  {
    auto handle = layer.register_forward_hook(count);
    layer(ones({}));
    HookHandle other = std::move(handle);
    layer(ones({}));
    other.remove();
    other.remove();
    layer(ones({}));
    EXPECT_EQ(calls, 2);
    other = layer.register_forward_hook(count);
    layer(ones({}));
  }
  layer(ones({}));
  EXPECT_EQ(calls, 3);
  layer.register_forward_hook(count).detach();
  layer(ones({}));
  EXPECT_EQ(calls, 4);
}

TEST(Hooks, FollowTheModuleWhenItMoves) {
  int calls = 0;
  std::vector<Double> layers(1);
  auto handle = layers[0].register_forward_hook([&](Double& layer, Arguments&, Tensor&) {
    EXPECT_EQ(&layer, &layers[0]);
    ++calls;
  });
  layers.resize(100);
  for (Double& layer : layers) layer(ones({}));
  EXPECT_EQ(calls, 1);
  Double assigned;
  auto dropped = assigned.register_forward_hook(
      [](Double&, Arguments&, Tensor&) { FAIL() << "its module was replaced"; });
  assigned = Double{};
  assigned(ones({}));
  handle.remove();
  layers[0](ones({}));
  EXPECT_EQ(calls, 1);
}

TEST(Hooks, EndWithTheirModule) {
  auto alive = std::make_shared<int>(0);
  HookHandle handle;
  {
    Double layer;
    handle = layer.register_forward_hook([alive](Double&, Arguments&, Tensor&) {});
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
  handle.remove();  // nothing is left to remove
  EXPECT_EQ(detail::live_hooks.load(), 0);
}

TEST(Hooks, AreNotCloned) {
  Double layer;
  int calls = 0;
  auto handle = layer.register_forward_hook([&](Double&, Arguments&, Tensor&) { ++calls; });
  Double copy = layer.clone();
  copy(ones({}));
  EXPECT_EQ(calls, 0);
}

TEST(Hooks, RunInOrderAndPrependedOnesFirst) {
  Double layer;
  std::vector<int> order;
  const auto note = [&](int i) { return [&order, i](Double&, Arguments&, Tensor&) { order.push_back(i); }; };
  auto a = layer.register_forward_hook(note(1));
  auto b = layer.register_forward_hook(note(2));
  auto c = layer.register_forward_hook(note(0), {.prepend = true});
  auto everywhere = register_module_forward_hook([&](const ModuleRef& m, Arguments&, Value& out) {
    EXPECT_EQ(m.type(), "Double");
    EXPECT_EQ(value(out.tensor()), 2);
    order.push_back(-1);
  });
  layer(ones({}));
  EXPECT_THAT(order, ElementsAre(-1, 0, 1, 2));
}

TEST(Hooks, GlobalOnesSeeEveryModule) {
  Net net;
  std::vector<std::string> types;
  auto handle =
      register_module_forward_pre_hook([&](const ModuleRef& m, Arguments&) { types.emplace_back(m.type()); });
  net(ones({}));
  EXPECT_THAT(types, ElementsAre("Net", "Double", "Double"));
}

TEST(Hooks, CanBeMadeForModulesFoundByAWalk) {
  Net net;
  std::vector<std::string> seen;
  std::vector<HookHandle> handles;
  for (const auto& [name, module] : net.named_modules())
    handles.push_back(register_forward_hook(
        module, [&seen, path = name](const ModuleRef&, Arguments&, Value&) { seen.push_back(path); }));
  net(ones({}));
  EXPECT_THAT(seen, ElementsAre("first", "second", ""));
}

struct Failing : Module {
  Tensor forward(const Tensor& x) {
    if (value(x) < 0) throw Error("Failing", "negative");
    return x;
  }
};

TEST(Hooks, RunAfterAnExceptionOnlyWhenAsked) {
  Failing layer;
  int always = 0, usual = 0;
  auto a = layer.register_forward_hook([&](Failing&, Arguments&, Tensor&) { ++usual; });
  auto b = layer.register_forward_hook(
      [&](Failing&, Arguments&, Tensor& out) {
        ++always;
        if (always == 1) EXPECT_FALSE(out.defined());
      },
      {.always_call = true});
  EXPECT_THROW(layer(full({}, -1)), Error);
  EXPECT_EQ(always, 1);
  EXPECT_EQ(usual, 0);
  layer(ones({}));
  EXPECT_EQ(always, 2);
  EXPECT_EQ(usual, 1);
}

TEST(Hooks, LeaveEverythingConsistentWhenTheyThrow) {
  Net net;
  auto handle =
      net.first.register_forward_hook([](Double&, Arguments&, Tensor&) { throw Error("hook", "no"); });
  EXPECT_THAT([&] { net(ones({})); }, ThrowsMessage<Error>(HasSubstr("in Net.first (Double)")));
  handle.remove();
  EXPECT_EQ(value(net(ones({}))), 4);
}

struct Several : Module {
  std::tuple<Tensor, int> forward(const Tensor& x, std::optional<Tensor> mask, int times, Tensor& state) {
    state = state + 1;
    return {mask ? x * *mask : x, times};
  }
};

TEST(Hooks, TakeAnySignature) {
  Several layer;
  auto before = layer.register_forward_pre_hook([](Several&, Arguments& args) {
    EXPECT_EQ(args.size(), 4U);
    *args[2].get_if<int>() += 1;
    EXPECT_EQ(args[0].get_if<int>(), nullptr);
    EXPECT_THROW(args.tensor(2), Error);
    EXPECT_THROW(args[4], Error);
  });
  auto after = layer.register_forward_hook(
      [](Several&, Arguments&, std::tuple<Tensor, int>& out) { std::get<1>(out) *= 10; });
  Tensor state = zeros({});
  const auto [y, n] = layer(ones({}), std::optional(full({}, 3)), 4, state);
  EXPECT_EQ(value(y), 3);
  EXPECT_EQ(n, 50);
  EXPECT_EQ(value(state), 1);
}

struct Untold : Module {
  template <class T> T forward(T x) { return x; }
};
struct Silent : Module {
  int calls = 0;
  void forward() { ++calls; }
};
struct Keeps : Module {
  Tensor kept = ones({});
  Tensor& forward() { return kept; }
};

TEST(Hooks, GetAValueWhereTheResultsTypeIsNotKnown) {
  Untold layer;
  int calls = 0;
  auto handle = layer.register_forward_hook(
      [&](Untold&, Arguments&, Value& out) { calls += out.get_if<Tensor>() != nullptr; });
  layer(ones({}));
  layer(5);
  EXPECT_EQ(calls, 1);
  Silent silent;
  auto nothing =
      silent.register_forward_hook([](Silent&, Arguments& args, Value&) { EXPECT_EQ(args.size(), 0U); });
  silent();
  EXPECT_EQ(silent.calls, 1);
  Keeps keeps;
  auto replace = keeps.register_forward_hook([](Keeps&, Arguments&, Tensor& out) { out = zeros({}); });
  EXPECT_EQ(&keeps(), &keeps.kept);
  EXPECT_EQ(value(keeps.kept), 0);
}

TEST(Hooks, MayRemoveThemselvesAndAddOthers) {
  Double layer;
  int calls = 0;
  HookHandle self, later;
  self = layer.register_forward_hook([&](Double& l, Arguments&, Tensor&) {
    later = l.register_forward_hook([&](Double&, Arguments&, Tensor&) { calls += 10; });
    ++calls;
    self.remove();
  });
  layer(ones({}));
  EXPECT_EQ(calls, 1);
  layer(ones({}));
  EXPECT_EQ(calls, 11);
}

TEST(Hooks, ComeAndGoWhileOtherThreadsCall) {
  Double layer;
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  std::jthread caller([&] {
    while (!stop) layer(ones({}));
  });
  for (int i = 0; i < 200; ++i) {
    auto handle = layer.register_forward_hook([&](Double&, Arguments&, Tensor&) { ++calls; });
    layer(ones({}));
  }
  stop = true;
  caller.join();
  EXPECT_GE(calls, 200);
}

}  // namespace
}  // namespace mica::nn
