#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/random.h>
#include <mica/nn/checkpoint.h>
#include <mica/nn/nn.h>
#include <mica/ops/activation.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Numbers = std::vector<double>;

Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }

struct Block : Module {
  int calls = 0;
  Linear up{3, 5}, down{5, 3};
  Dropout drop{0.5};
  Tensor forward(const Tensor& x) {
    ++calls;
    return x + down(drop(relu(up(x))));
  }
};

// What backward leaves in x and in the parameters.
std::vector<Numbers> gradients(Block& block, const Tensor& x, const Tensor& y) {
  block.zero_grad();
  Tensor(x).set_grad({});
  (y * y).sum().backward();
  std::vector<Numbers> out{numbers(x.grad())};
  for (const Tensor& p : block.parameters()) out.push_back(numbers(p.grad()));
  return out;
}

TEST(ModuleCheckpoint, GivesTheGradientsOfThePlainCallDropoutIncluded) {
  Block block;
  const Tensor x = randn({4, 3}).requires_grad_();
  manual_seed(7);
  const auto plain = gradients(block, x, block(x));
  manual_seed(7);
  const Tensor y = checkpoint(block, x);
  EXPECT_EQ(y.grad_fn_name(), "checkpoint");
  EXPECT_EQ(block.calls, 2);
  manual_seed(99);  // the second run does not depend on what was drawn meanwhile
  EXPECT_EQ(gradients(block, x, y), plain);
  EXPECT_EQ(block.calls, 3);
  manual_seed(7);
  const Tensor careless = checkpoint(block, {.preserve_rng_state = false}, x);
  manual_seed(99);
  EXPECT_NE(gradients(block, x, careless), plain);
}

TEST(ModuleCheckpoint, GivesParametersGradientsThoughNoArgumentRequiresOne) {
  Linear layer(2, 1);
  checkpoint(layer, full({1, 2}, 3)).sum().backward();
  EXPECT_EQ(numbers(layer.weight.grad()), (Numbers{3, 3}));
}

struct Several : Module {
  Parameter w{full({2}, 2)};
  std::tuple<Tensor, Tensor> forward(Tensor x, int times, const std::optional<Tensor>& mask,
                                     const std::vector<double>& more) {
    for (int i = 0; i < times; ++i) x = x * w;
    if (mask) x = x * *mask;
    return {x, w * more.at(0)};
  }
};

TEST(ModuleCheckpoint, TakesAnySignature) {
  Several module;
  const Tensor x = full({2}, 1).requires_grad_(), mask = full({2}, 5).requires_grad_();
  std::vector<double> more{10};
  auto [y, z] = checkpoint(module, x, 3, std::optional(mask), more);
  more.clear();  // it has its own
  (y + z).sum().backward();
  EXPECT_EQ(numbers(y), (Numbers{40, 40}));
  EXPECT_EQ(numbers(x.grad()), (Numbers{40, 40}));
  EXPECT_EQ(numbers(mask.grad()), (Numbers{8, 8}));
  EXPECT_EQ(numbers(module.w.grad()), (Numbers{70, 70}));  // 3 w^2 mask + more
  auto [without, same] = checkpoint(module, x, 1, std::optional<Tensor>(), std::vector<double>{1});
  EXPECT_EQ(numbers(without), (Numbers{2, 2}));
}

TEST(ModuleCheckpoint, FindsAModuleThatWasMoved) {
  std::vector<Block> blocks(1);
  const Tensor x = randn({2, 3}).requires_grad_();
  const Tensor y = checkpoint(blocks[0], x);
  blocks.resize(50);
  y.sum().backward();
  EXPECT_EQ(blocks[0].calls, 2);
  EXPECT_TRUE(blocks[0].up.weight.grad().defined());
}

TEST(ModuleCheckpoint, SaysThatTheModuleIsGone) {
  auto block = std::make_unique<Block>();
  const Tensor y = checkpoint(*block, randn({2, 3}));
  block.reset();
  EXPECT_THAT([&] { y.sum().backward(); }, ThrowsMessage<Error>(HasSubstr("the Block is gone")));
}

TEST(ModuleCheckpoint, RunsOnceWhereNothingIsRecorded) {
  Block block;
  const NoGrad off;
  EXPECT_FALSE(checkpoint(block, randn({2, 3})).requires_grad());
  EXPECT_EQ(block.calls, 1);
}

TEST(ModuleCheckpoint, WorksInsideModelsAndWithHooks) {
  struct Net : Module {
    std::vector<Block> blocks = repeat(2, [] { return Block{}; });
    Tensor forward(Tensor x) {
      for (Block& block : blocks) x = checkpoint(block, x);
      return x;
    }
  };
  Net net;
  int forwards = 0, backwards = 0;
  auto a = net.blocks[0].register_forward_hook([&](Block&, Arguments&, Tensor&) { ++forwards; });
  auto b = net.blocks[0].register_full_backward_hook(
      [&](Block&, const Gradients&, const Gradients&) { ++backwards; });
  const Tensor x = randn({2, 3}).requires_grad_();
  net(x).sum().backward();
  EXPECT_EQ(forwards, 2);
  EXPECT_EQ(backwards, 1);
  EXPECT_EQ(net.blocks[1].calls, 2);
  for (const auto& [name, p] : net.named_parameters()) EXPECT_TRUE(p.grad().defined()) << name;
}

}  // namespace
}  // namespace mica::nn
