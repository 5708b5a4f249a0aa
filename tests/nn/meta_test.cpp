#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/io/model.h>
#include <mica/nn/linear.h>
#include <mica/nn/lint.h>
#include <mica/nn/meta.h>
#include <mica/nn/norm.h>
#include <mica/nn/sequential.h>
#include <mica/nn/summary.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/optim/sgd.h>

#include "../temporary_folder.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Net : Module {
  std::int64_t width = 4;
  Linear stem{3, width};
  BatchNorm1d norm{width};
  Parameter scale{randn({width}) * 0.1};
  Buffer table{arange(4).to(f32), transient};
  Parameter again = tied(scale);
  Tensor forward(Tensor x) { return norm(stem(std::move(x))) * scale + table * again; }
};

TEST(Meta, MakesAModelOfAnySizeAtOnce) {
  ASSERT_TRUE(is_meta(meta([] { return Linear{2, 2}; }).weight)) << "what follows would fill the machine";
  manual_seed(1);
  const Tensor next = rand({1});
  manual_seed(1);
  // 1 TB of weights, in matrices of 1 GB.
  constexpr std::int64_t width = 1 << 14;
  Sequential big = meta([] {
    Sequential layers;
    for (int i = 0; i < 1024; ++i) layers.push_back(Linear{width, width});
    return layers;
  });
  EXPECT_EQ(big.num_parameters(), 1024 * (width * width + width));
  EXPECT_EQ(to_string(big.get_parameter("1023.weight").sizes()), "[16384, 16384]");
  EXPECT_TRUE(is_meta(big.get_parameter("0.weight")));
  EXPECT_TRUE(equal(rand({1}), next)) << "numbers were drawn";
}

TEST(Meta, KeepsNamesTiesDTypesAndWhatNoFileHas) {
  Net net = meta([] { return Net{.width = 4}; });
  const Net real;
  EXPECT_EQ(net.parameters().size(), real.parameters().size());
  EXPECT_TRUE(net.again.is_same(net.scale));
  EXPECT_TRUE(is_meta(net.norm.running_mean));
  EXPECT_EQ(net.norm.num_batches_tracked.dtype(), i64);
  EXPECT_FALSE(is_meta(net.table));
  EXPECT_FALSE(is_meta(Linear(2, 2).weight)) << "the scope outlived its function";

  net.to(f64).requires_grad_(false);
  EXPECT_EQ(net.stem.weight.dtype(), f64);
  EXPECT_TRUE(is_meta(net.stem.weight));
  EXPECT_FALSE(net.stem.weight.requires_grad());
  const Net copy = net.clone();
  EXPECT_TRUE(is_meta(copy.stem.weight));
  EXPECT_FALSE(copy.stem.weight.shares_storage(net.stem.weight));
  EXPECT_TRUE(copy.again.is_same(copy.scale));
  EXPECT_THAT(lint(net).to_string(), Not(HasSubstr("memory")));
}

TEST(Meta, TakesNumbersFromAState) {
  const Tensor x = randn({5, 3});
  for (const bool assign : {false, true}) {
    Net real;
    Net net = meta([] { return Net{}; });
    const Tensor weight = net.stem.weight;
    net.load_state_dict(real.state_dict(), {.assign = assign});
    EXPECT_TRUE(equal(net.eval()(x), real.eval()(x)));
    EXPECT_TRUE(net.stem.weight.is_same(weight)) << "an optimizer would have lost it";
    EXPECT_TRUE(net.again.is_same(net.scale));
    EXPECT_EQ(net.stem.weight.shares_storage(real.stem.weight), assign);
    EXPECT_TRUE(net.stem.weight.requires_grad());
  }
}

TEST(Meta, StaysAsItWasWhenLoadingFails) {
  Net net = meta([] { return Net{}; });
  StateDict state = Net().state_dict();
  state.insert("unknown", zeros({1}));
  EXPECT_THROW(net.load_state_dict(state), Error);
  EXPECT_TRUE(is_meta(net.stem.weight));
}

TEST(Meta, LoadsAFileWithoutACopy) {
  const test::TemporaryFolder folder;
  Net real;
  save(real, folder.path() / "net.safetensors");
  Net net = meta([] { return Net{}; });
  load(net, folder.path() / "net.safetensors", {.assign = true});
  const Tensor x = randn({2, 3});
  EXPECT_TRUE(equal(net.eval()(x), real.eval()(x)));
}

TEST(Meta, GetsMemoryToFill) {
  Net net = meta([] { return Net{}; });
  to_empty(net);
  manual_seed(3);
  net.stem.reset_parameters();
  manual_seed(3);
  EXPECT_TRUE(equal(net.stem.weight, Linear(3, 4).weight));
  EXPECT_FALSE(is_meta(net.norm.running_var));
  EXPECT_TRUE(net.again.is_same(net.scale));
}

TEST(Meta, WithMemorySkipsInitialisationAndDrawsNothing) {
  manual_seed(5);
  const Linear skipped = skip_init([] { return Linear(3, 2); });
  EXPECT_FALSE(is_meta(skipped.weight));
  EXPECT_EQ(skipped.weight.clone().numel(), 6);
  EXPECT_TRUE(skipped.weight.requires_grad());
  const Linear next(3, 2);
  manual_seed(5);
  const Linear first(3, 2);
  EXPECT_TRUE(equal(next.weight, first.weight));
}

TEST(Meta, IsSummarisedWithoutAForward) {
  Net net = meta([] { return Net{}; });
  const Summary s = summary(net);
  EXPECT_EQ(s.parameters, 3 * 4 + 4 + 4 + 4 + 4);
  EXPECT_EQ(s.parameter_bytes, 4 * s.parameters);
  EXPECT_EQ(s.rows.at(1).path, "stem");
  EXPECT_THAT(s.to_string(), AllOf(HasSubstr("28 parameters"), Not(HasSubstr("one call"))));
}

TEST(Meta, SaysWhatToDoWhereNumbersAreNeeded) {
  Net net = meta([] { return Net{}; });
  const auto teaches = ThrowsMessage<Error>(AllOf(HasSubstr("has no memory"), HasSubstr("load()")));
  EXPECT_THAT([&] { net(randn({2, 3})); }, teaches);
  EXPECT_THAT([&] { net(randn({2, 3})); }, ThrowsMessage<Error>(HasSubstr("in Net.stem (Linear)")));
  EXPECT_THAT([&] { net.stem.weight.sum().item(); }, teaches);
  EXPECT_THAT([&] { static_cast<void>(net.stem.bias.data<float>()); }, teaches);
  EXPECT_THAT([&] { static_cast<void>(net.stem.bias.to_vector<float>()); }, teaches);
  EXPECT_THAT([&] { net.stem.bias.detach().add_(1); }, teaches);
  EXPECT_THAT([&] { static_cast<void>(net.stem.bias.clone()); }, teaches);
  const test::TemporaryFolder folder;
  EXPECT_THAT([&] { save(net, folder.path() / "net.safetensors"); }, teaches);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "net.safetensors"));
  // Views of it are of no memory either; an empty tensor needs none.
  EXPECT_THAT([&] { static_cast<void>(net.stem.weight.detach()[0].item()); },
              ThrowsMessage<Error>(HasSubstr("not one")));
  EXPECT_TRUE(is_meta(net.stem.weight.detach()[0]));
  EXPECT_EQ(empty_meta({0, 3}).sum().item(), 0);
}

}  // namespace
}  // namespace mica::nn
