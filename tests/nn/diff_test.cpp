#include <cmath>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/nn.h>
#include <mica/ops/creation.h>

namespace mica::nn {
namespace {

using Kind = Difference::Kind;
using Found = std::vector<std::pair<Kind, std::string>>;

Found found(const Differences& differences) {
  Found out;
  for (const Difference& d : differences) out.emplace_back(d.kind, d.path);
  return out;
}

struct Block : Module {
  int dim = 2;
  Linear fc{dim, dim};
  Dropout drop{0.5};
};
struct Net : Module {
  int depth = 2;
  double rate = 0.5;
  std::vector<Block> blocks = repeat(depth, [] { return Block{}; });
  BatchNorm1d norm{2};
  Parameter scale{ones({3})};
};

TEST(Diff, OfACopyIsEmpty) {
  Net net;
  net.scale.detach().select(0, 0).fill_(std::numeric_limits<double>::quiet_NaN());
  const Net copy = net.clone();
  EXPECT_TRUE(diff(net, copy).empty());
  EXPECT_TRUE(diff(net, net).empty());
  EXPECT_EQ(diff(net, copy).to_string(), "");
}

TEST(Diff, FindsWhatOneHasAlone) {
  const Net a, b{.depth = 3};
  EXPECT_EQ(found(diff(a, b)), (Found{{Kind::hyper_parameters, ""},
                                      {Kind::values, "blocks.0.fc.weight"},
                                      {Kind::values, "blocks.0.fc.bias"},
                                      {Kind::values, "blocks.1.fc.weight"},
                                      {Kind::values, "blocks.1.fc.bias"},
                                      {Kind::only_in_b, "blocks.2"}}));
  const Linear with{2, 2}, without{2, 2, {.bias = false}};
  Differences d = diff(with, without);
  EXPECT_EQ(found(d).back(), (std::pair{Kind::only_in_a, std::string("bias")}));
  EXPECT_EQ(d.list.back().a, "parameter f32 [2]");
  EXPECT_EQ(d.list.back().b, "");
}

TEST(Diff, FindsOtherShapesTypesAndDtypes) {
  struct A : Module {
    Parameter p{ones({2})}, q{ones({2})};
    Parameter same{ones({2})}, role{ones({1})};
    ReLU act;
  };
  struct B : Module {
    Parameter p{ones({2, 1})}, q{full({2}, 1, f64)};
    Parameter same{ones({2})};
    Buffer role{ones({1})};
    Tanh act;
  };
  const A a;
  const B b;
  const Differences d = diff(a, b);
  EXPECT_EQ(found(d), (Found{{Kind::type, ""},
                             {Kind::shape, "p"},
                             {Kind::dtype, "q"},
                             {Kind::type, "role"},
                             {Kind::type, "act"}}));
  EXPECT_EQ(d.list[1].a, "[2]");
  EXPECT_EQ(d.list[1].b, "[2, 1]");
}

TEST(Diff, FindsModesFrozenParametersAndTies) {
  Net a;
  Net b = a.clone();
  b.blocks[1].drop.eval();
  b.norm.requires_grad_(false);
  EXPECT_EQ(found(diff(a, b)), (Found{{Kind::mode, "blocks.1.drop.mode"},
                                      {Kind::requires_grad, "norm.weight"},
                                      {Kind::requires_grad, "norm.bias"}}));
  Net tying = a.clone();
  tying.blocks[1].fc.weight = tied(tying.blocks[0].fc.weight);
  const Differences d = diff(a, tying);
  EXPECT_EQ(found(d), (Found{{Kind::tie, "blocks.1.fc.weight"}, {Kind::values, "blocks.1.fc.weight"}}));
  EXPECT_EQ(d.list[0].b, "tied to blocks.0.fc.weight");
}

struct One : Module {
  Parameter p{ones({3})};
  explicit One(const Tensor& value) : p(value, value.is_floating_point()) {}
  NN_MEMBERS(p)
};
std::optional<Difference> of_values(const Tensor& a, const Tensor& b) {
  const One left(a), right(b);
  for (const Difference& d : diff(left, right)) {
    if (d.kind == Kind::values) return d;
  }
  return std::nullopt;
}

TEST(Diff, SaysHowFarValuesAreApart) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const Difference d = of_values(tensor({1.F, -4.F, 3.F}), tensor({1.F, -4.5F, 3.25F})).value();
  EXPECT_EQ(d.max_abs, 0.5);
  EXPECT_EQ(d.relative, 0.5 / 4.5);
  EXPECT_EQ(d.a, "2 of 3 elements differ");
  EXPECT_TRUE(std::isnan(of_values(tensor({nan, 1.F}), tensor({0.F, 1.F}))->max_abs));
  EXPECT_FALSE(of_values(tensor({nan, inf}), tensor({nan, inf})));
  EXPECT_EQ(of_values(tensor({nan, 1.F}), tensor({nan, 2.F}))->max_abs, 1) << "NaN equals NaN";
  EXPECT_EQ(of_values(tensor({inf, 1.F}), tensor({0.F, 1.F}))->max_abs, inf);
  EXPECT_EQ(of_values(tensor({inf, 1.F}), tensor({0.F, 1.F}))->relative, 1);
  EXPECT_FALSE(of_values(tensor({0.F}), tensor({-0.F})));
  EXPECT_FALSE(of_values(tensor({1.F, 2.F}), tensor({1.F, 2.F}).to(bf16))) << "across dtypes";
  EXPECT_FALSE(of_values(zeros({0, 3}), zeros({0, 3})));
  constexpr std::int64_t big = std::int64_t{1} << 60;
  EXPECT_TRUE(of_values(full({1}, big, i64), full({1}, big + 1, i64)));
  EXPECT_FALSE(of_values(ones({2, 3}).t(), ones({3, 2}))) << "strides are no difference";
}

TEST(Diff, PrintsALineForEach) {
  Net a;
  Net b = a.clone();
  b.rate = 0.25;
  b.norm.eval();
  b.scale.detach().fill_(1.5);
  b.blocks.push_back(Block{});
  std::ostringstream out;
  out << diff(a, b);
  EXPECT_EQ(out.str(),
            "the model: hyper-parameters: depth=2, rate=0.5 in a, depth=2, rate=0.25 in b\n"
            "norm.mode: mode: train in a, eval in b\n"
            "scale: values: 3 of 3 elements differ, by up to 0.5, relative 0.333\n"
            "blocks.2: only in b: Block\n");
}

}  // namespace
}  // namespace mica::nn
