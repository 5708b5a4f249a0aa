#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/activation.h>
#include <mica/nn/dropout.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>
#include <mica/nn/sequential.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Sequential, FollowsPyTorch) {
  follow_golden("sequential", [](DType) {
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
  std::vector<std::string> types;
  for (const AnyModule& stage : net) types.emplace_back(stage.ref().type());
  EXPECT_EQ(types, (std::vector<std::string>{"Linear", "ReLU", "Linear"}));
  EXPECT_EQ(net(ones({1, 3})).size(1), 2);
  EXPECT_THAT([&] { net[3]; }, ThrowsMessage<Error>(HasSubstr("index 3 is out of range for 3 stages")));
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
