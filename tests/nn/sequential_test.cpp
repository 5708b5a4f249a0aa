#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/activation.h>
#include <mica/nn/dropout.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>
#include <mica/nn/sequential.h>
#include <mica/ops/ops.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::string> types_of(auto&& stages) {
  std::vector<std::string> types;
  for (AnyModule& stage : stages) types.emplace_back(stage.ref().type());
  return types;
}
using Types = std::vector<std::string>;

TEST(Sequential, FollowsPyTorch) {
  follow_golden("sequential", "sequential", [](DType) {
    return Sequential{Linear{4, 5}, Tanh{}, Sequential{LayerNorm{5}, Linear{5, 2}}};
  });
}

TEST(Sequential, ReturnsItsInputWhenEmpty) {
  Sequential none;
  const Tensor x = ones({2});
  EXPECT_TRUE(none(x).is_same(x));
  EXPECT_EQ(none.size(), 0U);
}

TEST(Sequential, GrowsAndGivesItsStages) {
  Sequential net{Linear{3, 3}};
  net.push_back(ReLU{});
  net.push_back(Linear{3, 2});
  ASSERT_EQ(net.size(), 3U);
  ASSERT_NE(net[2].get_if<Linear>(), nullptr);
  EXPECT_EQ(net[2].get_if<Linear>()->out_features, 2);
  EXPECT_EQ(net[2].get_if<ReLU>(), nullptr);
  EXPECT_EQ(types_of(net), (Types{"Linear", "ReLU", "Linear"}));
  EXPECT_EQ(net[-1].ref().type(), "Linear");
  EXPECT_EQ(net(ones({1, 3})).size(1), 2);
  EXPECT_THAT([&] { net[3]; }, ThrowsMessage<Error>(HasSubstr("index 3 is out of range for 3 stages")));
}

TEST(Sequential, IsChangedAnywhere) {
  Sequential net{Linear{3, 3}, Linear{3, 2}};
  net.insert(1, ReLU{});
  net.insert(3, Tanh{});
  net.insert(-1, Dropout{0.5});
  EXPECT_EQ(types_of(net), (Types{"Linear", "ReLU", "Linear", "Dropout", "Tanh"}));
  EXPECT_EQ(net.named_parameters()[2].first, "2.weight");
  EXPECT_EQ(net.pop(3).ref().type(), "Dropout");
  EXPECT_EQ(net.pop().ref().type(), "Tanh");
  net.extend(Sequential{Sigmoid{}, Linear{2, 1}});
  EXPECT_EQ(types_of(net), (Types{"Linear", "ReLU", "Linear", "Sigmoid", "Linear"}));
  EXPECT_EQ(net(ones({4, 3})).sizes(), Shape({4, 1}));
  EXPECT_THAT([&] { net.insert(6, ReLU{}); },
              ThrowsMessage<Error>(HasSubstr("index 6 is out of range for 5 stages")));
  EXPECT_THAT([&] { net.pop(-6); }, ThrowsMessage<Error>(HasSubstr("index -6")));
  EXPECT_THAT([] { Sequential().pop(); }, ThrowsMessage<Error>(HasSubstr("for 0 stages")));
  EXPECT_EQ(net.size(), 5U);
}

TEST(Sequential, IsCalledInPart) {
  Sequential net{Linear{3, 3}, ReLU{}, Linear{3, 2}};
  const Tensor x = randn({4, 3});
  const Tensor features = net[Slice{0, -1}](x);
  EXPECT_TRUE(equal(features, relu((*net[0].get_if<Linear>())(x))));
  EXPECT_TRUE((equal(net[Slice{-1, {}}](features), net(x))));
  EXPECT_EQ(types_of((net[Slice{.step = 2}])), (Types{"Linear", "Linear"}));
  EXPECT_EQ(types_of((net[Slice{-9, 99}])), types_of(net));
  EXPECT_EQ((net[Slice{.first = 1, .step = std::numeric_limits<std::int64_t>::max()}].size()), 1U);
  EXPECT_TRUE((net[Slice{2, 1}](x).is_same(x)));
  EXPECT_EQ((net[Slice{0, 0}].size()), 0U);
  EXPECT_THAT([&] { net[Slice{.step = 0}]; }, ThrowsMessage<Error>(HasSubstr("step 0")));
}

TEST(Sequential, PassesModesAndConversionOn) {
  Sequential net{Linear{3, 3}, Sequential{Dropout{0.5}}};
  net.eval();
  EXPECT_FALSE(net[1].get_if<Sequential>()->operator[](0).get_if<Dropout>()->mode.training);
  net.to(f64);
  EXPECT_EQ(net(ones({1, 3}, f64)).dtype(), f64);
}

TEST(Sequential, NamesTheStageThatThrew) {
  Sequential net{Linear{3, 3}, ReLU{}, Sequential{Linear{4, 2}}};
  EXPECT_THAT([&] { net(ones({1, 3})); }, ThrowsMessage<Error>(HasSubstr("in Sequential.2.0 (Linear)")));
}

struct Doubler : Module {
  int times = 2;
  Tensor forward(const Tensor& x) { return x * times; }
};

TEST(AnyModule, HoldsAModuleOfAnyTypeAsAMember) {
  struct Net : Module {
    AnyModule head{Linear{2, 2}};
    Tensor forward(Tensor x) { return head(std::move(x)); }
  };
  Net net;
  EXPECT_EQ(net.named_parameters()[0].first, "head.weight");
  net.head = Doubler{.times = 3};
  EXPECT_EQ(net(ones({2})).to_vector<float>(), (std::vector<float>{3, 3}));
  EXPECT_TRUE(net.parameters().empty());
}

}  // namespace
}  // namespace mica::nn
