#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>
#include <mica/tensor/state_dict.h>

namespace mica {
namespace {

StateDict sample() {
  StateDict state;
  state.insert("fc.weight", ones({2, 3}));
  state.insert("fc.bias", ones({2}));
  state.insert("blocks.0.weight", ones({1}));
  return state;
}

std::vector<std::string> names(const StateDict& state) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : state) out.push_back(name);
  return out;
}

TEST(StateDict, KeepsTheOrderOfInsertion) {
  EXPECT_EQ(names(sample()), (std::vector<std::string>{"fc.weight", "fc.bias", "blocks.0.weight"}));
  EXPECT_EQ(sample().size(), 3U);
  EXPECT_TRUE(StateDict().empty());
}

TEST(StateDict, FindsByName) {
  const StateDict state = sample();
  EXPECT_EQ(state.at("fc.bias").sizes(), Shape({2}));
  EXPECT_TRUE(state.contains("blocks.0.weight"));
  EXPECT_FALSE(state.contains("fc"));
  EXPECT_EQ(state.find("fc.weigh"), nullptr);
}

TEST(StateDict, SharesTheTensors) {
  const Tensor x = ones({2});
  StateDict state;
  state.insert("x", x);
  EXPECT_TRUE(state.at("x").is_same(x));
}

TEST(StateDict, SuggestsTheNameThatWasMeant) {
  try {
    sample().at("fc.wieght");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.hint().find("fc.weight"), std::string::npos);
  }
  try {
    sample().at("something entirely different");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.hint(), "");
  }
}

TEST(StateDict, NamesAreUnique) {
  StateDict state = sample();
  EXPECT_THROW(state.insert("fc.bias", ones({2})), Error);
  EXPECT_EQ(state.size(), 3U);
}

TEST(StateDict, PrefixesNestAndUnnest) {
  StateDict outer;
  outer.insert_all("net.", sample());
  EXPECT_EQ(names(outer), (std::vector<std::string>{"net.fc.weight", "net.fc.bias", "net.blocks.0.weight"}));
  EXPECT_EQ(names(outer.with_prefix("net.")), names(sample()));
  EXPECT_EQ(names(outer.with_prefix("net.fc.")), (std::vector<std::string>{"weight", "bias"}));
  EXPECT_TRUE(outer.with_prefix("other.").empty());
}

TEST(StateDict, IsMadeFromNamesAndTensors) {
  const Tensor w = ones({2});
  const StateDict state{{"b", w}, {"a", zeros({1})}};
  EXPECT_EQ(names(state), (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(state.at("b").is_same(w));
  const std::vector<StateDict::Entry> list(state.begin(), state.end());
  EXPECT_EQ(names(StateDict(list)), names(state));
  EXPECT_THROW((StateDict{{"a", w}, {"a", w}}), Error);
}

TEST(StateDict, ReplacesAndErases) {
  StateDict state = sample();
  state.set("fc.bias", full({1}, 7));
  state.set("new", ones({1}));
  EXPECT_EQ(state.at("fc.bias").item(), 7);
  EXPECT_TRUE(state.erase("fc.weight"));
  EXPECT_FALSE(state.erase("fc.weight"));
  EXPECT_EQ(names(state), (std::vector<std::string>{"fc.bias", "blocks.0.weight", "new"}));
  EXPECT_EQ(state.at("fc.bias").item(), 7);  // found where it is now
  EXPECT_EQ(state.find("fc.weight"), nullptr);
  state.insert("fc.weight", ones({1}));
  EXPECT_EQ(names(state).back(), "fc.weight");
}

TEST(ClosestName, IsTheNearestOfThoseThatAreNear) {
  const std::vector<std::string_view> names{"weight", "bias", "running_mean"};
  EXPECT_EQ(closest_name("wieght", names), "weight");
  EXPECT_EQ(closest_name("runing_mean", names), "running_mean");
  EXPECT_EQ(closest_name("bais", names), "bias");
  EXPECT_EQ(closest_name("momentum_buffer", names), "");
  EXPECT_EQ(closest_name("weight", {}), "");
}

}  // namespace
}  // namespace mica
