#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/grad_mode.h>
#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

std::vector<std::string> names(const auto& named) {
  std::vector<std::string> out;
  for (const auto& [name, value] : named) out.push_back(name);
  return out;
}

struct Block : Module {
  int dim = 2;
  Linear fc{dim, dim};
  LayerNorm norm{dim};
  Tensor forward(const Tensor& x) { return norm(fc(x)); }
};

struct Net : Module {
  Linear stem{3, 2};
  std::vector<Block> blocks = repeat(2, [] { return Block{}; });
  std::vector<std::map<std::string, Linear>> heads = [] {
    std::vector<std::map<std::string, Linear>> made(1);
    made[0].emplace("left", Linear{2, 1});
    return made;
  }();
  Sequential tail{Linear{2, 2}, ReLU{}};
  Parameter tie = tied(stem.weight);
  Buffer steps{zeros({1}, i64)};
  Tensor forward(const Tensor& x) { return stem(x); }
};

TEST(Traversal, ChildrenAreTheMembersAndModulesAllThatIsInside) {
  const Net net;
  EXPECT_THAT(names(net.named_children()), ElementsAre("stem", "blocks", "heads", "tail"));
  EXPECT_EQ(net.children()[1].type(), "ModuleList");
  EXPECT_THAT(names(net.children()[1].named_children()), ElementsAre("0", "1"));
  EXPECT_THAT(
      names(net.named_modules("net")),
      ElementsAre("net", "net.stem", "net.blocks", "net.blocks.0", "net.blocks.0.fc", "net.blocks.0.norm",
                  "net.blocks.1", "net.blocks.1.fc", "net.blocks.1.norm", "net.heads", "net.heads.0",
                  "net.heads.0.left", "net.tail", "net.tail.0", "net.tail.1"));
  EXPECT_EQ(net.modules().size(), 15U);
  EXPECT_THAT(ReLU{}.children(), IsEmpty());
}

TEST(Traversal, PrefixRecursionAndTiesAreOptions) {
  const Net net;
  EXPECT_THAT(names(net.named_parameters({.prefix = "net", .recurse = false})), ElementsAre("net.tie"));
  EXPECT_THAT(names(net.named_parameters(matching("stem.*"))), ElementsAre("stem.weight", "stem.bias"));
  EXPECT_THAT(names(net.named_parameters({.remove_duplicate = false, .where = matching("*tie")})),
              ElementsAre("tie"));
  EXPECT_THAT(names(net.named_parameters(matching("t*"))),
              ElementsAre("tail.0.weight", "tail.0.bias", "tie"));
  EXPECT_EQ(net.parameters().size(), 14U);
  EXPECT_EQ(net.parameters({.remove_duplicate = false}).size(), 15U);
  EXPECT_THAT(names(net.named_buffers({.prefix = "p"})), ElementsAre("p.steps"));
}

TEST(Traversal, FiltersCombine) {
  const Net net;
  EXPECT_EQ(net.parameters(inside<LayerNorm>()).size(), 4U);
  EXPECT_THAT(names(net.named_parameters(matching("*bias") && !inside<LayerNorm>() && !matching("heads.*"))),
              ElementsAre("stem.bias", "blocks.0.fc.bias", "blocks.1.fc.bias", "tail.0.bias"));
  EXPECT_THAT(names(net.named_parameters(matching("blocks.?.fc.weight") || matching("tie"))),
              ElementsAre("blocks.0.fc.weight", "blocks.1.fc.weight", "tie"));
  EXPECT_THAT(names(net.state_dict(matching("stem.weight"))), ElementsAre("stem.weight"));
}

TEST(Traversal, PatternsMatchWholePaths) {
  const auto fits = [](const char* pattern, const char* path) {
    const Net net;
    return matching(pattern).takes(path, ModuleRef(net));
  };
  EXPECT_TRUE(fits("*", ""));
  EXPECT_TRUE(fits("**a*b", "xxaaybb"));
  EXPECT_TRUE(fits("a?c", "abc"));
  EXPECT_FALSE(fits("a?c", "ac"));
  EXPECT_FALSE(fits("", "a"));
  EXPECT_FALSE(fits("a*b", "abc"));
  EXPECT_FALSE(fits("weight", "fc.weight"));
  EXPECT_FALSE(fits("*a*a*a*a*a*a*a*a*b", std::string(2000, 'a').c_str()));
}

TEST(Traversal, FreezesByPattern) {
  Net net;
  net.requires_grad_(false, matching("blocks.0.*"));
  for (const auto& [name, p] : net.named_parameters())
    EXPECT_EQ(p.requires_grad(), !name.starts_with("blocks.0.")) << name;
  EXPECT_LT(net.num_parameters(true), net.num_parameters());
}

TEST(Traversal, PathsLeadToMembers) {
  Net net;
  EXPECT_EQ(net.get_submodule("blocks.1.fc").get_if<Linear>(), &net.blocks[1].fc);
  EXPECT_EQ(net.get_submodule("").get_if<Net>(), &net);
  EXPECT_EQ(net.get_submodule("blocks").type(), "ModuleList");
  EXPECT_EQ(net.get_submodule("tail.0").get_if<ReLU>(), nullptr);
  EXPECT_TRUE(net.get_parameter("heads.0.left.bias").is_same(net.heads[0].at("left").bias));
  EXPECT_TRUE(net.get_parameter("tie").is_same(net.stem.weight));
  EXPECT_TRUE(net.get_buffer("steps").is_same(net.steps));
  EXPECT_THAT([&] { net.get_submodule("blocks.1.fcs"); },
              ThrowsMessage<Error>(HasSubstr("did you mean \"blocks.1.fc\"?")));
  EXPECT_THAT([&] { net.get_parameter("stem.wieght"); },
              ThrowsMessage<Error>(HasSubstr("Net has no parameter \"stem.wieght\"")));
  EXPECT_THROW(net.get_buffer("stem.weight"), Error);
}

TEST(Traversal, ModulesAreReplacedInPlace) {
  Net net;
  net.set_submodule("blocks.0.fc", Linear{2, 7});
  EXPECT_EQ(net.blocks[0].fc.out_features, 7);
  net.set_submodule("tail.1", Linear{2, 9});  // a Sequential holds any type
  EXPECT_EQ(net.get_submodule("tail.1").get_if<Linear>()->out_features, 9);
  EXPECT_THAT([&] { net.set_submodule("stem", ReLU{}); },
              ThrowsMessage<Error>(HasSubstr("\"stem\" in Net is a Linear, not a ReLU")));
  EXPECT_EQ(net.stem.in_features, 3);
  EXPECT_THROW(net.set_submodule("trunk", ReLU{}), Error);
}

TEST(Traversal, ApplyVisitsChildrenFirst) {
  Net net;
  std::vector<std::string> order;
  net.apply([&](ModuleRef m) {
    order.emplace_back(m.type());
    if (auto* fc = m.get_if<Linear>()) {
      const NoGrad no_grad;
      fc->bias.fill_(3);
    }
  });
  EXPECT_EQ(order.front(), "Linear");
  EXPECT_EQ(order.back(), "Net");
  EXPECT_THAT(std::vector(order.begin() + 1, order.begin() + 7),
              ElementsAre("Linear", "LayerNorm", "Block", "Linear", "LayerNorm", "Block"));
  EXPECT_EQ(net.get_parameter("tail.0.bias").to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(Traversal, ZipWalksTwoModelsSideBySide) {
  Net target;
  const Net online;
  zip(target, online, [](std::string_view, Tensor& t, const Tensor& o) { t.copy_(o); });
  EXPECT_TRUE(equal(target.blocks[1].fc.weight, online.blocks[1].fc.weight));
  EXPECT_FALSE(target.stem.weight.shares_storage(online.stem.weight));
  const Block other;
  bool called = false;
  EXPECT_THAT(
      [&] { zip(target, other, [&](std::string_view, Tensor&, const Tensor&) { called = true; }); },
      ThrowsMessage<Error>(HasSubstr("Net has \"stem.weight\" [2, 3] where Block has \"fc.weight\" [2, 2]")));
  EXPECT_FALSE(called);
}

struct TwoInputs : Module {
  Linear fc{2, 2};
  Tensor forward(const Tensor& a, const Tensor& b) { return fc(a) + b; }
};
struct Holds : Module {
  AnyModule inner = TwoInputs{};
  Tensor forward(const Tensor& x) { return inner(x); }
};

TEST(Traversal, AnyModuleHoldsModulesOfEverySignature) {
  Holds net;
  EXPECT_THAT(names(net.named_parameters()), ElementsAre("inner.fc.weight", "inner.fc.bias"));
  EXPECT_NE(net.inner.get_if<TwoInputs>(), nullptr);
  EXPECT_THAT([&] { net(ones({1, 2})); }, ThrowsMessage<Error>(HasSubstr("get_if<T>()")));
  net.set_submodule("inner", Linear{2, 3});
  EXPECT_EQ(net(ones({1, 2})).size(1), 3);
}

}  // namespace
}  // namespace mica::nn
