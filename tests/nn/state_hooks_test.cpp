// Hooks around state_dict() and load_state_dict().
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Numbers = std::vector<double>;

struct Block : Module {
  Linear fc{1, 1};
  Tensor forward(const Tensor& x) { return fc(x); }
};
struct Net : Module {
  std::vector<Block> blocks = repeat(2, [] { return Block{}; });
  Parameter scale{ones({2})};
  Tensor forward(const Tensor& x) { return blocks[1](blocks[0](x)); }
};

Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }
std::vector<std::string> names(const StateDict& state) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : state) out.push_back(name);
  return out;
}

TEST(StateHooks, RunAroundStateDictOuterModulesFirstThenInnerOnes) {
  Net net;
  std::vector<std::string> order;
  auto a = net.register_state_dict_pre_hook([&](Net& m, std::string_view prefix) {
    EXPECT_EQ(&m, &net);
    order.push_back("before " + std::string(prefix));
    m.scale.detach().fill_(7);  // before it is read
  });
  auto b = net.blocks[1].fc.register_state_dict_pre_hook(
      [&](Linear&, std::string_view prefix) { order.push_back("before " + std::string(prefix)); });
  auto c = net.register_state_dict_post_hook([&](Net&, StateDict& state, std::string_view prefix) {
    order.push_back("after " + std::string(prefix));
    EXPECT_TRUE(state.erase("scale"));
  });
  auto d = net.blocks[1].fc.register_state_dict_post_hook(
      [&](Linear& m, StateDict& state, std::string_view prefix) {
        EXPECT_EQ(&m, &net.blocks[1].fc);
        order.push_back("after " + std::string(prefix));
        EXPECT_EQ(numbers(state.at("scale")), (Numbers{7, 7}));
        const std::string bias = std::string(prefix) + "bias";
        state.set(bias, state.at(bias) * 0 + 3);
        state.insert(std::string(prefix) + "more", ones({1}));
      });
  const StateDict state = net.state_dict();
  EXPECT_THAT(order, ElementsAre("before ", "before blocks.1.fc.", "after blocks.1.fc.", "after "));
  EXPECT_THAT(names(state), ElementsAre("blocks.0.fc.weight", "blocks.0.fc.bias", "blocks.1.fc.weight",
                                        "blocks.1.fc.bias", "blocks.1.fc.more"));
  EXPECT_EQ(numbers(state.at("blocks.1.fc.bias")), Numbers{3});
  d.remove();
  c.remove();
  EXPECT_TRUE(net.state_dict().contains("scale"));
}

TEST(StateHooks, MayRenameWhatIsLoaded) {
  Net net;
  StateDict old = net.state_dict();
  old.erase("blocks.1.fc.bias");
  old.insert("blocks.1.fc.b", full({1}, 4));
  auto hook = net.blocks[1].fc.register_load_state_dict_pre_hook(
      [](Linear&, StateDict& state, std::string_view prefix) {
        const std::string at(prefix);
        if (const Tensor* b = state.find(at + "b")) state.set(at + "bias", *b);
        state.erase(at + "b");
      });
  EXPECT_THAT(net.load_state_dict(old).unexpected, testing::IsEmpty());
  EXPECT_EQ(numbers(net.blocks[1].fc.bias), Numbers{4});
  EXPECT_TRUE(old.contains("blocks.1.fc.b"));  // the caller's own is not changed
  hook.remove();
  EXPECT_THROW(net.load_state_dict(old), Error);
}

TEST(StateHooks, SeeTheLoadedModelAndMayLetNamesPass) {
  Net net;
  StateDict state = net.state_dict();
  state.set("scale", full({2}, 5));
  state.erase("blocks.0.fc.bias");
  state.insert("stray", ones({1}));
  std::vector<std::string> order;
  auto inner = net.blocks[0].register_load_state_dict_post_hook([&](Block& m, LoadReport& report) {
    EXPECT_EQ(&m, &net.blocks[0]);
    EXPECT_THAT(report.missing, ElementsAre("blocks.0.fc.bias"));
    report.missing.clear();
    order.emplace_back("inner");
  });
  auto outer = net.register_load_state_dict_post_hook([&](Net& m, LoadReport& report) {
    EXPECT_EQ(numbers(m.scale), (Numbers{5, 5}));
    report.unexpected.clear();
    order.emplace_back("outer");
  });
  const LoadReport report = net.load_state_dict(state);
  EXPECT_THAT(order, ElementsAre("inner", "outer"));
  EXPECT_THAT(report.missing, testing::IsEmpty());
  EXPECT_EQ(report.applied.size(), 4U);
}

TEST(StateHooks, LeaveTheModelAsItWasWhenLoadingThrows) {
  Net net;
  StateDict state = net.state_dict();
  state.set("scale", full({2}, 5));
  state.insert("stray", ones({1}));
  const Tensor scale = net.scale.detach();
  int calls = 0;
  auto look = net.register_load_state_dict_post_hook([&](Net& m, LoadReport&) {
    EXPECT_EQ(numbers(m.scale), (Numbers{5, 5}));
    ++calls;
  });
  for (const bool assign : {false, true}) {
    EXPECT_THAT([&] { net.load_state_dict(state, {.assign = assign}); },
                ThrowsMessage<Error>(HasSubstr("unexpected: \"stray\"")));
    EXPECT_EQ(numbers(net.scale), (Numbers{1, 1}));
    EXPECT_TRUE(net.scale.shares_storage(scale));
  }
  EXPECT_EQ(calls, 2);
  auto refuse =
      net.register_load_state_dict_post_hook([](Net&, LoadReport&) { throw std::runtime_error("no"); });
  EXPECT_THROW(net.load_state_dict(state, {.strict = false}), std::runtime_error);
  EXPECT_EQ(numbers(net.scale), (Numbers{1, 1}));
  // What does not fit is an error before any hook sees it.
  state.set("scale", ones({3}));
  EXPECT_THROW(net.load_state_dict(state), Error);
  EXPECT_EQ(calls, 3);
  // A hook before loading that throws leaves everything as it is, too.
  auto before = net.register_load_state_dict_pre_hook(
      [](Net&, StateDict&, std::string_view) { throw std::runtime_error("no"); });
  EXPECT_THROW(net.load_state_dict(net.state_dict()), std::runtime_error);
}

TEST(StateHooks, GiveExtraStateBackToo) {
  struct Counts : Module {
    double n = 1;
    Tensor get_extra_state() const { return full({}, n); }
    void set_extra_state(const Tensor& state) { n = state.item(); }
    Tensor forward(const Tensor& x) { return x; }
  };
  Counts counts;
  auto refuse = counts.register_load_state_dict_post_hook([](Counts& m, LoadReport&) {
    EXPECT_EQ(m.n, 8);
    throw std::runtime_error("no");
  });
  EXPECT_THROW(counts.load_state_dict({{"_extra_state", full({}, 8)}}), std::runtime_error);
  EXPECT_EQ(counts.n, 1);
}

TEST(StateHooks, GoWithTheirModuleAndRunInOrder) {
  Net net;
  std::vector<int> order;
  const auto note = [&](int i) {
    return [&order, i](auto&&, StateDict&, std::string_view) { order.push_back(i); };
  };
  auto a = net.blocks[0].register_state_dict_post_hook(note(1));
  auto b = register_state_dict_post_hook(net.blocks[0], note(0), {.prepend = true});
  net.blocks.resize(50);
  net.state_dict();
  EXPECT_THAT(order, ElementsAre(0, 1));
  net.blocks.clear();
  net.state_dict();
  EXPECT_EQ(order.size(), 2U);
  EXPECT_EQ(detail::live_hooks.load(), 0);
}

}  // namespace
}  // namespace mica::nn
