#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/module.h>
#include <mica/nn/nn.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/optim/sgd.h>

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

// Named parameters without biases, so that lists stay short.
Linear plain(std::int64_t in = 2, std::int64_t out = 2) { return {in, out, {.bias = false}}; }

struct Block : Module {
  int dim = 2;
  Linear fc{dim, dim};
  LayerNorm norm{dim};
  Dropout drop{0.5};
  Tensor forward(const Tensor& x) { return drop(norm(fc(x))); }
};

struct Net : Module {
  int depth = 2, dim = 2;
  Linear stem{dim, dim};
  std::vector<Block> blocks = repeat(depth, [&] { return Block{.dim = dim}; });
  Parameter temperature{ones({1})};
  Buffer seen{zeros({1}, i64)};
  Buffer cache{zeros({3}), transient};
  Tensor scratch = ones({9});
  Tensor forward(Tensor x) {
    x = stem(x);
    for (Block& block : blocks) x = block(x);
    return x / temperature;
  }
};

TEST(Module, IsEmptyAndLeavesItsSubclassAnAggregate) {
  static_assert(std::is_empty_v<Module>);
  static_assert(std::is_aggregate_v<Net> && !std::is_copy_constructible_v<Net>);
  static_assert(std::is_move_constructible_v<Net> && std::is_move_assignable_v<Net>);
  struct Two : Module {
    int a = 1;
    float b = 2;
  };
  static_assert(sizeof(Two) == 8);
  const Net net{.depth = 1, .dim = 3};
  EXPECT_EQ(net.blocks.size(), 1U);
  EXPECT_EQ(net.blocks[0].fc.in_features, 3);
}

TEST(Module, FindsMembersUnderPyTorchsPaths) {
  const Net net;
  EXPECT_THAT(names(net.named_parameters()),
              ElementsAre("stem.weight", "stem.bias", "blocks.0.fc.weight", "blocks.0.fc.bias",
                          "blocks.0.norm.weight", "blocks.0.norm.bias", "blocks.1.fc.weight",
                          "blocks.1.fc.bias", "blocks.1.norm.weight", "blocks.1.norm.bias", "temperature"));
  EXPECT_THAT(names(net.named_buffers()), ElementsAre("seen", "cache"));
  EXPECT_THAT(names(net.named_modules()),
              ElementsAre("", "stem", "blocks", "blocks.0", "blocks.0.fc", "blocks.0.norm", "blocks.0.drop",
                          "blocks.1", "blocks.1.fc", "blocks.1.norm", "blocks.1.drop"));
  EXPECT_EQ(net.named_modules()[2].second.type(), "ModuleList");
  EXPECT_EQ(net.named_modules()[3].second.address(), &net.blocks[0]);
  EXPECT_EQ(net.parameters().size(), 11U);
  EXPECT_TRUE(net.parameters()[0].is_same(net.stem.weight));
  EXPECT_EQ(net.buffers().size(), 2U);
}

TEST(Module, FindsWhatContainersHold) {
  struct Holder : Module {
    std::array<Linear, 2> pair{plain(), plain()};
    std::optional<Linear> maybe = plain();
    std::optional<Linear> absent{};
    std::map<std::string, Linear> heads{};
    std::unique_ptr<Linear> owned = std::make_unique<Linear>(plain());
    std::unique_ptr<Linear> nothing{};
    std::tuple<Linear, int, Parameter> mixed{plain(), 3, Parameter(ones({1}))};
    std::pair<Linear, std::string> named{plain(), "text"};
    std::variant<int, Linear, std::vector<Linear>> any = plain();
    std::vector<Parameter> scales{};
    std::vector<std::vector<Linear>> grid{};
    std::map<std::string, std::optional<std::unique_ptr<Linear>>> deep{};
    std::vector<int> numbers{1, 2};
    std::map<int, float> table{{1, 2.0F}};
  };
  Holder h;
  h.heads.emplace("b", plain());
  h.heads.emplace("a", plain());
  h.scales.emplace_back(ones({1}));
  h.grid.emplace_back();
  h.grid.emplace_back().push_back(plain());
  h.deep.emplace("x", std::make_unique<Linear>(plain()));
  h.deep.emplace("y", std::nullopt);
  EXPECT_THAT(names(h.named_parameters()),
              ElementsAre("pair.0.weight", "pair.1.weight", "maybe.weight", "heads.a.weight",
                          "heads.b.weight", "owned.weight", "mixed.0.weight", "mixed.2", "named.0.weight",
                          "any.weight", "scales.0", "grid.1.0.weight", "deep.x.weight"));
  h.any = 7;
  h.maybe.reset();
  EXPECT_EQ(h.parameters().size(), 11U);
  h.any = std::vector<Linear>{};
  std::get<2>(h.any).push_back(plain());
  EXPECT_EQ(h.named_parameters()[8].first, "any.0.weight");
}

template <class Inner> struct Wrapper : Module {
  Inner inner;
  Parameter scale{ones({1})};
};

TEST(Module, MayBeLocalOrATemplate) {
  struct Local : Module {
    Linear fc = plain();
  };
  const Wrapper<Wrapper<Local>> w;
  EXPECT_THAT(names(w.named_parameters()), ElementsAre("inner.inner.fc.weight", "inner.scale", "scale"));
}

class Custom : public Module {
 public:
  explicit Custom(int width) : width_(width), fc_(width, width), scale_(ones({width})) {}
  NN_MEMBERS(width_, fc_, scale_)

 private:
  friend Module;
  int width_;
  Linear fc_;
  Parameter scale_;
  Parameter unlisted_{ones({1})};
  Tensor forward(const Tensor& x) { return fc_(x) * scale_; }
};

TEST(Module, WithConstructorsHasTheMembersThatItLists) {
  Custom custom(3);
  EXPECT_THAT(names(custom.named_parameters()), ElementsAre("fc_.weight", "fc_.bias", "scale_"));
  EXPECT_EQ(to_string(custom(ones({2, 3})).sizes()), "[2, 3]");
}

TEST(Module, DoesNotFindAbsentParametersAndScratchTensors) {
  struct Sparse : Module {
    Parameter absent{};
    Buffer none{};
    Tensor scratch = ones({2});
    std::vector<Tensor> cache{ones({2})};
    Linear fc = plain();
  };
  const Sparse sparse;
  EXPECT_THAT(names(sparse.state_dict()), ElementsAre("fc.weight"));
  EXPECT_THAT(sparse.buffers(), IsEmpty());
}

struct TiedNet : Module {
  Embedding embed{5, 3};
  Parameter weight = tied(embed.weight);
  Linear fc{3, 3, {.bias = false}};
};

TEST(Module, HasATiedParameterOnceButSavesBothNames) {
  const TiedNet net;
  EXPECT_THAT(names(net.named_parameters()), ElementsAre("embed.weight", "fc.weight"));
  EXPECT_THAT(names(net.state_dict()), ElementsAre("embed.weight", "weight", "fc.weight"));
  EXPECT_EQ(net.num_parameters(), 15 + 9);
  EXPECT_TRUE(net.weight.is_same(net.embed.weight));
}

TEST(Module, SwitchesEveryModeInside) {
  struct Mixed : Module {
    Mode mode;
    std::map<std::string, std::vector<Dropout>> drops{};
    Sequential chain{Linear{2, 2}, Sequential{BatchNorm1d{2}}};
    std::unique_ptr<Block> block = std::make_unique<Block>();
  };
  Mixed m;
  m.drops["a"].emplace_back(0.1);
  const auto modes = [&] {
    return std::vector<bool>{m.mode.training, m.drops["a"][0].mode.training,
                             (*m.chain[1].get_if<Sequential>())[0].get_if<BatchNorm1d>()->mode.training,
                             m.block->drop.mode.training};
  };
  EXPECT_THAT(modes(), testing::Each(true));
  EXPECT_EQ(&m.eval(), &m);
  EXPECT_THAT(modes(), testing::Each(false));
  m.block->train();
  EXPECT_THAT(modes(), ElementsAre(false, false, false, true));
  m.train();
  EXPECT_THAT(modes(), testing::Each(true));
  m.train(false);
  EXPECT_FALSE(m.mode);
}

TEST(Module, FreezesAndCountsWhatIsLeft) {
  Net net;
  const std::int64_t all = net.num_parameters();
  EXPECT_EQ(all, 6 + 2 * (6 + 4) + 1);
  EXPECT_EQ(&net.blocks[0].requires_grad_(false), &net.blocks[0]);
  EXPECT_EQ(net.num_parameters(true), all - 10);
  EXPECT_EQ(net.num_parameters(), all);
  net(ones({3, 2})).sum().backward();
  EXPECT_FALSE(net.blocks[0].fc.weight.grad().defined());
  EXPECT_TRUE(net.stem.weight.grad().defined());  // gradients pass through what is frozen
  net.requires_grad_();
  EXPECT_EQ(net.num_parameters(true), all);
}

TEST(Module, ForgetsGradientsOrClearsThem) {
  Linear layer(2, 2);
  layer(ones({1, 2})).sum().backward();
  layer.zero_grad(false);
  EXPECT_EQ(layer.weight.grad().to_vector<float>(), std::vector<float>(4, 0));
  layer.zero_grad();
  EXPECT_FALSE(layer.weight.grad().defined());
  EXPECT_FALSE(layer.bias.grad().defined());
}

TEST(Module, ConvertsFloatingPointAndKeepsIdentitiesAndTies) {
  struct Mixed : Module {
    TiedNet net;
    BatchNorm1d norm{3};
    Buffer count{zeros({2}, i64)};
    Buffer mask{ones({2}, boolean), transient};
    Parameter table{ones({2}, i32), false};
    Tensor scratch = ones({1});
  };
  for (const DType dtype : {f64, bf16, f16}) {
    Mixed m;
    const Tensor weight = m.net.embed.weight;
    const auto before = m.net.fc.weight.to_vector<float>();
    m.net.embed.weight.set_grad(ones({5, 3}));
    EXPECT_EQ(&m.to(dtype), &m);
    for (const auto& [name, p] : m.named_parameters())
      EXPECT_EQ(p.dtype(), name == "table" ? i32 : dtype) << name;
    EXPECT_TRUE(weight.is_same(m.net.embed.weight) && weight.is_same(m.net.weight));
    EXPECT_TRUE(weight.requires_grad() && weight.is_leaf());
    EXPECT_EQ(weight.grad().dtype(), dtype);
    EXPECT_EQ(weight.grad().to_vector<float>(), std::vector<float>(15, 1));
    EXPECT_EQ(m.norm.running_var.dtype(), dtype);
    EXPECT_EQ(m.norm.num_batches_tracked.dtype(), i64);
    EXPECT_EQ(m.count.dtype(), i64);
    EXPECT_EQ(m.mask.dtype(), boolean);
    EXPECT_EQ(m.scratch.dtype(), f32);
    m.to(f32);
    const auto after = m.net.fc.weight.to_vector<float>();
    for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i], dtype == f64 ? 0 : 4e-3);
  }
  Linear layer(2, 2);
  EXPECT_THAT([&] { layer.to(i64); }, ThrowsMessage<Error>(HasSubstr("cannot be converted to i64")));
}

TEST(Module, WorksOnWithItsOptimizerAfterAMove) {
  Net first{.depth = 1};
  optim::SGD sgd(first.parameters(), {.lr = 0.1});
  const Tensor weight = first.stem.weight;
  Net second = std::move(first);
  std::vector<Net> many;
  many.push_back(std::move(second));
  many.push_back(Net{});
  Net& net = many[0];
  EXPECT_TRUE(weight.is_same(net.stem.weight));
  const auto before = weight.to_vector<float>();
  net.eval()(tensor({{1.0F, 2.0F}})).square().sum().backward();
  sgd.step();
  EXPECT_NE(net.stem.weight.to_vector<float>(), before);
  net = Net{};
  EXPECT_FALSE(weight.is_same(net.stem.weight));
}

TEST(Module, ConstModulesCanBeLookedAt) {
  const Net net;
  EXPECT_EQ(net.parameters().size(), 11U);
  EXPECT_EQ(net.state_dict().size(), 12U);
  net.zero_grad();
  struct Stateless : Module {
    Tensor forward(const Tensor& x) const { return x * 2; }
  };
  const Stateless twice;
  EXPECT_EQ(twice(ones({1})).item(), 2);
}

TEST(Repeat, GivesEachItsOwnInitialisation) {
  const auto layers = repeat(3, [] { return Linear{4, 4}; });
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_FALSE(equal(layers[0].weight, layers[1].weight));
  EXPECT_FALSE(layers[0].weight.shares_storage(layers[1].weight));
  EXPECT_THAT(repeat(0, [] { return Linear{4, 4}; }), IsEmpty());
}

TEST(Parameter, SharesTheMemoryOfItsTensorWithoutItsHistory) {
  const Tensor x = ones({2}).requires_grad_();
  const Parameter p(x * 2);
  EXPECT_TRUE(p.is_leaf() && p.requires_grad());
  EXPECT_FALSE(Parameter(ones({2}), false).requires_grad());
  const Tensor handle = p;
  EXPECT_TRUE(handle.is_same(p));
  EXPECT_THAT([] { Parameter(ones({2}, i64)); }, ThrowsMessage<Error>(HasSubstr("i64")));
  EXPECT_THROW(Parameter{Tensor()}, Error);
  static_assert(!std::is_copy_constructible_v<Parameter> && !std::is_copy_assignable_v<Parameter>);
  static_assert(!std::is_assignable_v<Parameter&, Tensor> && !std::is_convertible_v<Tensor, Parameter>);
  static_assert(!std::is_copy_constructible_v<Buffer> && std::is_convertible_v<Parameter&, Tensor>);
}

}  // namespace
}  // namespace mica::nn
