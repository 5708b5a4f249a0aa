#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/ops/reduce.h>

namespace mica::nn {
namespace {

using testing::HasSubstr;
using Kind = Finding::Kind;
using Found = std::vector<std::pair<Kind, std::string>>;

Found found(const Findings& findings) {
  Found out;
  for (const Finding& f : findings) {
    out.emplace_back(f.kind, f.path);
    EXPECT_THAT(f.message, HasSubstr(": ")) << "says what to do";
  }
  return out;
}

struct Net : Module {
  Linear a{3, 3}, b{3, 3};
  BatchNorm1d norm{3};
  Parameter scale{ones({3})};
  bool uses_b = true;
  Tensor forward(const Tensor& x) {
    const Tensor y = norm(a(x)) * scale;
    return uses_b ? b(y) : y;
  }
};

TEST(Lint, HasNothingToSayOfASoundModel) {
  Net net;
  EXPECT_TRUE(lint(net).empty());
  EXPECT_TRUE(lint(net, randn({4, 3})).empty());
  net(randn({4, 3})).sum().backward();
  EXPECT_TRUE(lint(net).empty());
  EXPECT_EQ(lint(net).to_string(), "");
}

struct Forgetful : Module {
  Linear fc{2, 2};
  Tensor weight{randn({2, 2}).requires_grad_()};
  Tensor constant{ones({2})};
  std::vector<Tensor> list{ones({1}), Tensor(), full({1}, 1, i64)};
  std::map<std::string, Tensor> named{{"key", ones({1})}};
  Tensor undefined{}, count{zeros({1}, i64)};
  Tensor handle{fc.weight};
  Tensor last{};
  Tensor forward(const Tensor& x) { return last = fc(x); }
};

TEST(Lint, FindsTensorsThatShouldBeParameters) {
  Forgetful net;
  net(ones({1, 2}));
  const Findings findings = lint(net);
  EXPECT_EQ(found(findings), (Found{{Kind::forgotten_parameter, "weight"},
                                    {Kind::forgotten_parameter, "constant"},
                                    {Kind::forgotten_parameter, "list.0"},
                                    {Kind::forgotten_parameter, "named.key"}}));
  EXPECT_THAT(findings.list[0].message, HasSubstr("declare it as nn::Parameter"));
  EXPECT_THAT(findings.list[1].message, HasSubstr("nn::Buffer if it is a constant"));
}

struct Nested : Module {
  std::vector<Forgetful> blocks = repeat(2, [] { return Forgetful{}; });
};

TEST(Lint, NamesThePath) {
  const Nested net;
  EXPECT_THAT(lint(net).to_string(), HasSubstr("blocks.1.list.0: forgotten parameter: a Tensor f32 [1]"));
}

TEST(Lint, FindsParametersThatNoGradientReached) {
  Net net{.uses_b = false};
  EXPECT_TRUE(lint(net).empty()) << "before a backward nothing has a gradient";
  net(randn({4, 3})).sum().backward();
  EXPECT_EQ(found(lint(net)), (Found{{Kind::no_gradient, "b.weight"}, {Kind::no_gradient, "b.bias"}}));
  net.b.requires_grad_(false);
  EXPECT_TRUE(lint(net).empty()) << "a frozen parameter needs none";
}

TEST(Lint, FindsParametersThatForwardDoesNotUse) {
  Net net{.uses_b = false};
  net.b.bias.requires_grad_(false);
  EXPECT_EQ(found(lint(net, randn({4, 3}))), (Found{{Kind::unused_parameter, "b.weight"}}));
  net(randn({4, 3})).sum().backward();
  EXPECT_EQ(found(lint(net, randn({4, 3}))), (Found{{Kind::unused_parameter, "b.weight"}})) << "once";
}

struct TwoHeads : Module {
  Linear first{2, 2}, second{2, 2}, cut{2, 2};
  std::tuple<Tensor, Tensor> forward(const Tensor& x) { return {first(x) + cut(x).detach(), second(x)}; }
};

TEST(Lint, FollowsEveryResultAndStopsWhereTheGraphIsCut) {
  TwoHeads net;
  EXPECT_EQ(found(lint(net, randn({1, 2}))),
            (Found{{Kind::unused_parameter, "cut.weight"}, {Kind::unused_parameter, "cut.bias"}}));
  const NoGrad no_grad;
  EXPECT_EQ(lint(net, randn({1, 2})).size(), 2U) << "records though the caller does not";
}

struct Opaque : Module {
  struct Result {
    Tensor y;
  };
  Linear fc{2, 2}, unused{2, 2};
  Result forward(const Tensor& x) { return {fc(x)}; }
};

TEST(Lint, DoesNotGuessWhereItCannotSeeTheResult) {
  Opaque net;
  EXPECT_TRUE(lint(net, randn({1, 2})).empty());
}

TEST(Lint, LeavesTheModelAsItWas) {
  Net net;
  const Tensor mean = net.norm.running_mean.clone();
  manual_seed(1);
  const float expected = rand({1}).item<float>();
  manual_seed(1);
  EXPECT_TRUE(lint(net, ones({4, 3})).empty());
  EXPECT_EQ(net.norm.running_mean.to_vector<float>(), mean.to_vector<float>());
  EXPECT_EQ(net.norm.num_batches_tracked.item<int>(), 0);
  EXPECT_FALSE(net.a.weight.grad().defined());
  EXPECT_EQ(rand({1}).item<float>(), expected);
  EXPECT_THROW(static_cast<void>(lint(net, ones({4, 2}))), Error);
  EXPECT_EQ(net.norm.num_batches_tracked.item<int>(), 0);
  EXPECT_EQ(detail::live_hooks.load(), 0);
}

struct Sharing : Module {
  Tensor block = randn({4, 4});
  Parameter left{block.narrow(1, 0, 2)}, right{block.narrow(1, 2, 2)};  // columns: no number in common
  Parameter rows{block.narrow(0, 0, 2)};
  Parameter twin{tied(left)};
  Buffer view{block.select(0, 3)}, other_view{block.select(0, 3)};
  Parameter empty_one{block.narrow(0, 0, 0)};
};

TEST(Lint, FindsMemoryThatIsSharedWithoutATie) {
  Sharing net;
  net.block = {};
  const Findings findings = lint(net);
  EXPECT_EQ(found(findings), (Found{{Kind::shared_memory, "rows"},
                                    {Kind::shared_memory, "view"},
                                    {Kind::shared_memory, "other_view"},
                                    {Kind::shared_memory, "rows"},
                                    {Kind::shared_memory, "view"},
                                    {Kind::shared_memory, "other_view"}}));
  EXPECT_THAT(findings.list[0].message, HasSubstr("memory of left"));
  EXPECT_THAT(findings.list[3].message, HasSubstr("memory of right"));
}

struct OwnNorm : Module {
  Parameter gain{ones({2})};
  Buffer running_mean{zeros({2})}, running_var{ones({2})};
  Mode mode;
};
struct Norms : Module {
  BatchNorm1d bn{2};
  BatchNorm2d plain{2, {.affine = false}};
  OwnNorm own;
};

TEST(Lint, FindsFrozenBatchNormsInTrainMode) {
  Norms net;
  EXPECT_TRUE(lint(net).empty());
  net.requires_grad_(false);
  EXPECT_EQ(found(lint(net)), (Found{{Kind::frozen_batch_norm, "bn"}, {Kind::frozen_batch_norm, "own"}}));
  EXPECT_EQ(found(lint(net.bn)), (Found{{Kind::frozen_batch_norm, ""}}));
  EXPECT_THAT(lint(net.bn).to_string(), testing::StartsWith("the model: frozen batch norm: "));
  net.bn.eval();
  EXPECT_EQ(found(lint(net)), (Found{{Kind::frozen_batch_norm, "own"}}));
}

struct Mixed : Module {
  Linear a{2, 2}, b{2, 2, {.dtype = f64}};
  Parameter c{ones({1}, bf16)};
  Buffer counts{zeros({1}, i64)}, mean{zeros({1})};
};

TEST(Lint, FindsAMixOfDtypes) {
  Mixed net;
  std::ostringstream out;
  out << lint(net);
  EXPECT_EQ(
      out.str(),
      "b.weight: mixed dtypes: it is f64, as 1 other is, where most are f32: call to(f32) on the model, "
      "unless that is intended\n"
      "c: mixed dtypes: it is bf16, where most are f32: call to(f32) on the model, unless that is "
      "intended\n");
  net.to(f32);
  EXPECT_TRUE(lint(net).empty());
}

}  // namespace
}  // namespace mica::nn
