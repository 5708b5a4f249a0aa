#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <mica/nn/clone.h>
#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn {
namespace {

// The same names and numbers, and no memory in common.
template <class M> void expect_deep_copy(const M& original, const M& copy) {
  const StateDict a = original.state_dict(), b = copy.state_dict();
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_TRUE(equal(tensor, b.at(name))) << name;
    for (const auto& [other, copied] : b)
      EXPECT_FALSE(tensor.shares_storage(copied)) << name << ", " << other;
  }
  EXPECT_EQ(original.to_string(), copy.to_string());
  const auto p = original.named_parameters(), q = copy.named_parameters();
  ASSERT_EQ(p.size(), q.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    EXPECT_EQ(p[i].first, q[i].first);
    EXPECT_EQ(p[i].second.requires_grad(), q[i].second.requires_grad());
    EXPECT_TRUE(q[i].second.is_leaf());
  }
}

// Every layer of the library.
struct Layers : Module {
  Linear linear{2, 3, {.bias = false}};
  Conv2d conv{1, 2, 3, {.padding = 1}};
  BatchNorm1d norm1{3, {.momentum = std::nullopt}};
  BatchNorm2d norm2{2, {.affine = false}};
  LayerNorm layer_norm{{2, 3}, {.bias = false}};
  Embedding embedding{4, 2, {.padding_idx = 1}};
  Dropout dropout{0.3};
  MaxPool2d max_pool{2, {.stride = 1}};
  AvgPool2d avg_pool{2, {.divisor_override = 3}};
  Flatten flatten{.start_dim = 0};
  GELU gelu{.approximate = Gelu::tanh};
  ReLU relu;
  Sequential chain{Linear{2, 2}, ReLU{}, Sequential{Dropout{0.1}, Linear{2, 1}}};
  Identity identity;
};

TEST(Clone, CopiesEveryLayer) {
  Layers layers;
  layers.norm1(randn({4, 3}));
  layers.eval();
  const Layers copy = layers.clone();
  expect_deep_copy(layers, copy);
  EXPECT_FALSE(copy.dropout.mode.training);
  EXPECT_EQ(copy.norm1.num_batches_tracked.item(), 1);
  EXPECT_EQ(copy.embedding.padding_idx, 1);
  EXPECT_EQ(copy.avg_pool.options.divisor_override, 3);
  EXPECT_EQ(copy.max_pool.options.stride, Shape(1));
}

struct Holder : Module {
  int width = 2;
  std::string label = "a";
  std::unique_ptr<Linear> owned = std::make_unique<Linear>(width, width);
  std::unique_ptr<Linear> nothing{};
  std::variant<int, Linear, Identity> any = Linear{2, 1};
  std::map<std::string, Linear> heads{};
  std::optional<Linear> maybe = Linear{1, 1}, absent{};
  std::array<Linear, 2> two{Linear{1, 2}, Linear{2, 1}};
  std::tuple<Linear, int, Parameter> mixed{Linear{1, 1}, 5, Parameter(ones({2}), false)};
  std::vector<std::unique_ptr<Linear>> list{};
  Buffer cache{ones({2}), transient};
  Parameter undefined{};
};

TEST(Clone, CopiesWhatContainersHold) {
  Holder h{.width = 3, .label = "b"};
  h.heads.emplace("x", Linear{1, 1});
  h.list.push_back(std::make_unique<Linear>(2, 2));
  const Holder copy = h.clone();
  expect_deep_copy(h, copy);
  EXPECT_EQ(copy.width, 3);
  EXPECT_EQ(copy.label, "b");
  EXPECT_NE(copy.owned.get(), h.owned.get());
  EXPECT_EQ(copy.nothing, nullptr);
  EXPECT_EQ(copy.any.index(), 1U);
  EXPECT_FALSE(copy.absent.has_value());
  EXPECT_EQ(std::get<1>(copy.mixed), 5);
  EXPECT_FALSE(copy.cache.persistent());
  EXPECT_FALSE(copy.cache.shares_storage(h.cache));
  EXPECT_FALSE(copy.undefined.defined());
}

struct Scratch : Module {
  Tensor plain = ones({2}), none{};
  std::vector<Tensor> list{ones({2}), Tensor()};
  std::optional<Tensor> maybe = ones({2});
  std::map<std::string, Tensor> table{{"a", ones({2})}};
  std::pair<int, Tensor> second{1, ones({2})};
};

TEST(Clone, CopiesScratchTensorsToo) {
  const Scratch s;
  const Scratch copy = s.clone();
  EXPECT_FALSE(copy.plain.shares_storage(s.plain));
  EXPECT_FALSE(copy.none.defined());
  ASSERT_EQ(copy.list.size(), 2U);
  EXPECT_FALSE(copy.list[0].shares_storage(s.list[0]));
  EXPECT_FALSE(copy.maybe->shares_storage(*s.maybe));
  EXPECT_FALSE(copy.table.at("a").shares_storage(s.table.at("a")));
  EXPECT_FALSE(copy.second.second.shares_storage(s.second.second));
  EXPECT_TRUE(equal(copy.second.second, ones({2})));
}

struct TiedNet : Module {
  Embedding embed{5, 3};
  Sequential inside{Linear{3, 5, {.bias = false}}};
  Parameter weight = tied(embed.weight);
};

TEST(Clone, KeepsTiesAndTiesNothingElse) {
  TiedNet net;
  net.inside[0].get_if<Linear>()->weight = tied(net.embed.weight);
  TiedNet copy = net.clone();
  EXPECT_TRUE(copy.weight.is_same(copy.embed.weight));
  EXPECT_TRUE(copy.weight.is_same(copy.inside[0].get_if<Linear>()->weight));
  EXPECT_FALSE(copy.weight.shares_storage(net.weight));
  EXPECT_EQ(copy.parameters().size(), 1U);
}

class Custom : public Module {
 public:
  explicit Custom(int width) : width_(width), fc_(width, 2) {}
  int width() const { return width_; }
  NN_MEMBERS(width_, fc_, mode_)

 private:
  friend Module;
  Custom() = default;
  int width_ = 1;
  Linear fc_{1, 1};  // drawn for the empty module that the copy starts from
  Mode mode_;
  Tensor forward(const Tensor& x) { return fc_(x); }
};

TEST(Clone, CopiesClassesThatListTheirMembers) {
  Custom custom(3);
  custom.eval();
  Custom copy = custom.clone();
  expect_deep_copy(custom, copy);
  EXPECT_EQ(copy.width(), 3);
  EXPECT_TRUE(equal(copy(ones({1, 3})), custom(ones({1, 3}))));
}

TEST(Clone, DrawsNoRandomNumbers) {
  manual_seed(3);
  const float expected = rand({1}).item<float>();
  manual_seed(3);
  const Custom custom(2);
  const Layers layers;
  manual_seed(3);
  static_cast<void>(custom.clone());
  static_cast<void>(layers.clone());
  EXPECT_EQ(rand({1}).item<float>(), expected);
}

TEST(Clone, IsTrainedApart) {
  Linear original(2, 1);
  Linear copy = original.clone();
  copy(ones({1, 2})).sum().backward();
  EXPECT_TRUE(copy.weight.grad().defined());
  EXPECT_FALSE(original.weight.grad().defined());
  const auto before = original.weight.to_vector<float>();
  copy.weight.detach().fill_(9);
  EXPECT_EQ(original.weight.to_vector<float>(), before);
}

TEST(Clone, LeavesGradientsBehind) {
  Linear original(2, 1);
  original(ones({1, 2})).sum().backward();
  EXPECT_FALSE(original.clone().weight.grad().defined());
  EXPECT_TRUE(original.weight.grad().defined());
}

TEST(Clone, KeepsDtypesFrozenParametersAndMemoryOrder) {
  Layers layers;
  layers.to(f64).conv.requires_grad_(false);
  layers.linear.weight = Parameter(ones({2, 3}, f64).t());
  const Layers copy = layers.clone();
  expect_deep_copy(layers, copy);
  EXPECT_EQ(copy.conv.weight.dtype(), f64);
  EXPECT_EQ(copy.linear.weight.strides(), layers.linear.weight.strides());
}

}  // namespace
}  // namespace mica::nn
