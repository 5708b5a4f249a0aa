#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/random.h>
#include <mica/io/model.h>
#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/optim/sgd.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Numbers = std::vector<double>;

struct Lazy : Module {
  LazyConv2d conv{4, 3, {.padding = 1}};
  LazyBatchNorm2d norm{};
  LazyLinear fc{2};
  LazyBatchNorm1d last{};
  Tensor forward(const Tensor& x) { return last(fc(norm(conv(x)).flatten(1))); }
};
struct Eager : Module {
  Conv2d conv{3, 4, 3, {.padding = 1}};
  BatchNorm2d norm{4};
  Linear fc{4 * 25, 2};
  BatchNorm1d last{2};
  Tensor forward(const Tensor& x) { return last(fc(norm(conv(x)).flatten(1))); }
};

Tensor images() { return arange(2 * 3 * 25).to(f32).view({2, 3, 5, 5}) / 50; }
Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }

TEST(LazyLayers, AreTheLayersOfKnownSizeAfterOneCall) {
  manual_seed(3);
  Lazy lazy;
  const Tensor y = lazy(images());
  manual_seed(3);
  Eager eager;
  EXPECT_EQ(numbers(y), numbers(eager(images())));
  const StateDict ours = lazy.state_dict(), theirs = eager.state_dict();
  ASSERT_EQ(ours.size(), theirs.size());
  for (const auto& [name, tensor] : theirs) EXPECT_EQ(numbers(ours.at(name)), numbers(tensor)) << name;
  EXPECT_EQ(lazy.num_parameters(), eager.num_parameters());
  for (const auto& [name, p] : lazy.named_parameters()) EXPECT_TRUE(p.requires_grad()) << name;
  // And stay as they are.
  const Tensor weight = lazy.fc.weight;
  lazy(images());
  EXPECT_TRUE(lazy.fc.weight.is_same(weight));
  EXPECT_THROW(lazy(images().flatten(2)), Error);
  optim::SGD sgd(lazy.parameters(), {.lr = 0.1});
  lazy(images()).square().sum().backward();
  sgd.step();
}

template <class LazyLayer, class Known>
void expect_same_numbers(LazyLayer lazy, Known known, const Tensor& x, const char* printed) {
  EXPECT_EQ(lazy.to_string(), printed);
  manual_seed(3);
  const Tensor y = lazy(x);
  EXPECT_EQ(numbers(lazy.weight), numbers(known.weight));
  EXPECT_EQ(numbers(lazy.bias), numbers(known.bias));
  EXPECT_EQ(lazy.to_string(), known.to_string());
  EXPECT_EQ(numbers(y), numbers(known(x)));
}

TEST(LazyLayers, ConvolveInEveryNumberOfDimensions) {
  const auto known = [](auto make) {
    manual_seed(3);
    return make();
  };
  expect_same_numbers(LazyConv1d(4, 3, {.padding = 1}), known([] { return Conv1d(2, 4, 3, {.padding = 1}); }),
                      ones({1, 2, 5}), "LazyConv1d(0, 4, kernel_size=(3,), stride=(1,), padding=(1,))");
  expect_same_numbers(LazyConv3d(4, 2, {.groups = 2}), known([] { return Conv3d(2, 4, 2, {.groups = 2}); }),
                      ones({2, 3, 3, 3}),
                      "LazyConv3d(0, 4, kernel_size=(2, 2, 2), stride=(1, 1, 1), groups=2)");
  expect_same_numbers(LazyConvTranspose1d(4, 3), known([] { return ConvTranspose1d(2, 4, 3); }),
                      ones({1, 2, 5}), "LazyConvTranspose1d(0, 4, kernel_size=(3,), stride=(1,))");
  expect_same_numbers(LazyConvTranspose2d(4, 3, {.stride = 2, .groups = 2}),
                      known([] { return ConvTranspose2d(2, 4, 3, {.stride = 2, .groups = 2}); }),
                      ones({1, 2, 3, 3}),
                      "LazyConvTranspose2d(0, 4, kernel_size=(3, 3), stride=(2, 2), groups=2)");
  expect_same_numbers(LazyConvTranspose3d(4, 2), known([] { return ConvTranspose3d(2, 4, 2); }),
                      ones({2, 2, 2, 2}),
                      "LazyConvTranspose3d(0, 4, kernel_size=(2, 2, 2), stride=(1, 1, 1))");
  LazyConvTranspose2d odd(4, 3, {.groups = 2});
  EXPECT_THAT([&] { odd(ones({1, 3, 3, 3})); }, ThrowsMessage<Error>(HasSubstr("LazyConvTranspose2d")));
  EXPECT_TRUE(odd.weight.is_uninitialized());
}

TEST(LazyLayers, PrintAsPyTorchs) {
  Sequential net{LazyConv2d(4, 3, {.padding = 1}), LazyBatchNorm2d(), Flatten(),
                 LazyLinear(2, {.bias = false}), LazyBatchNorm1d({.affine = false})};
  EXPECT_EQ(net.to_string(), R"(Sequential(
  (0): LazyConv2d(0, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (1): LazyBatchNorm2d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (2): Flatten(start_dim=1, end_dim=-1)
  (3): LazyLinear(in_features=0, out_features=2, bias=False)
  (4): LazyBatchNorm1d(0, eps=1e-05, momentum=0.1, affine=False, track_running_stats=True)
))");
  net(randn({2, 3, 4, 4}));
  EXPECT_EQ(net.to_string(), R"(Sequential(
  (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
  (1): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (2): Flatten(start_dim=1, end_dim=-1)
  (3): Linear(in_features=64, out_features=2, bias=False)
  (4): BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=False, track_running_stats=True)
))");
}

TEST(LazyLayers, TeachToRunOneForwardFirst) {
  Lazy lazy;
  const auto teaches = [](const char* path) {
    return ThrowsMessage<Error>(AllOf(HasSubstr(path), HasSubstr("run one forward first")));
  };
  EXPECT_THAT([&] { lazy.parameters(); }, teaches("\"conv.weight\" has no shape yet (f32 [4, ?, 3, 3])"));
  EXPECT_THAT([&] { lazy.named_parameters(matching("fc.*")); }, teaches("\"fc.weight\""));
  EXPECT_THAT([&] { lazy.buffers(); }, teaches("\"norm.running_mean\""));
  EXPECT_THAT([&] { lazy.num_parameters(); }, teaches("[num_parameters]"));
  EXPECT_THAT([&] { lazy.get_parameter("fc.bias"); }, teaches("no shape yet"));
  EXPECT_THAT([&] { lazy.state_dict(); }, teaches("[state_dict]"));
  EXPECT_THAT([&] { functional_call(lazy, {{"fc.bias", ones({2})}}, images()); },
              teaches("[functional_call]"));
  EXPECT_THAT([&] { optim::SGD(lazy.parameters()); }, teaches("no shape yet"));
  EXPECT_THAT([&] { Parameter p = tied(lazy.fc.weight); }, teaches("[tied]"));
  EXPECT_THAT([&] { optim::SGD({lazy.fc.weight}); }, ThrowsMessage<Error>(HasSubstr("lazy layers")));
  EXPECT_THAT([&] { lazy.fc.weight.sizes(); }, ThrowsMessage<Error>(HasSubstr("lazy layers")));
  // What is known already can be asked for.
  EXPECT_EQ(lazy.named_parameters(matching("nothing")).size(), 0U);
  EXPECT_EQ(lazy.children().size(), 4U);
}

TEST(LazyLayers, AreConvertedFrozenAndClonedBeforeTheyKnowTheirSize) {
  Lazy lazy;
  lazy.to(f64).requires_grad_(false, matching("fc.weight")).eval();
  lazy.zero_grad();
  lazy.fc.reset_parameters();
  Lazy copy = lazy.clone();
  for (Lazy* net : {&lazy, &copy}) {
    (*net)(images().to(f64));
    EXPECT_EQ(net->fc.weight.dtype(), f64);
    EXPECT_EQ(net->norm.running_var.dtype(), f64);
    EXPECT_FALSE(net->fc.weight.requires_grad());
    EXPECT_TRUE(net->fc.bias.requires_grad());
    EXPECT_EQ(net->norm.num_batches_tracked.item<int>(), 0);
  }
  EXPECT_FALSE(copy.fc.weight.shares_storage(lazy.fc.weight));
  Lazy predicts;
  {
    const InferenceMode inference;
    predicts(images());
  }
  predicts(images()).sum().backward();
  EXPECT_TRUE(predicts.fc.weight.grad().defined());
}

TEST(LazyLayers, GetTheirShapeFromAStateToo) {
  for (const bool assign : {false, true}) {
    const Eager eager;
    Lazy lazy;
    EXPECT_EQ(lazy.load_state_dict(eager.state_dict(), {.assign = assign}).applied.size(),
              eager.state_dict().size());
    EXPECT_EQ(lazy.num_parameters(), eager.num_parameters());
    EXPECT_TRUE(lazy.fc.weight.requires_grad());
    EXPECT_FALSE(lazy.norm.running_mean.requires_grad());
    Eager same = eager.clone();
    same.eval();
    lazy.eval();
    EXPECT_EQ(numbers(lazy(images())), numbers(same(images())));
    EXPECT_EQ(lazy.fc.in_features, 100);
    EXPECT_EQ(lazy.conv.in_channels, 3);
    EXPECT_EQ(lazy.last.num_features, 2);
  }
}

TEST(LazyLayers, DrawOnlyWhatAStateLeftOut) {
  const Linear eager(3, 2);
  LazyLinear lazy(2);
  StateDict state = eager.state_dict();
  state.erase("weight");
  EXPECT_EQ(lazy.load_state_dict(state, {.strict = false}).missing, std::vector<std::string>{"weight"});
  lazy(ones({1, 3}));
  EXPECT_EQ(numbers(lazy.bias), numbers(eager.bias));
  EXPECT_EQ(lazy.weight.sizes(), (Shape{2, 3}));
}

TEST(LazyLayers, StayAsTheyAreWhenAStateDoesNotFit) {
  Lazy lazy;
  StateDict state = Eager().state_dict();
  state.set("fc.weight", ones({7, 100}));
  EXPECT_THAT([&] { lazy.load_state_dict(state); },
              ThrowsMessage<Error>(
                  HasSubstr("\"fc.weight\" has shape [7, 100] in the state, f32 [2, ?] in the model")));
  EXPECT_TRUE(lazy.conv.weight.is_uninitialized());
  // Nor when a hook refuses it afterwards.
  auto refuse = lazy.register_load_state_dict_post_hook([](Lazy& m, LoadReport&) {
    EXPECT_FALSE(m.conv.weight.is_uninitialized());
    throw std::runtime_error("no");
  });
  EXPECT_THROW(lazy.load_state_dict(Eager().state_dict()), std::runtime_error);
  EXPECT_TRUE(lazy.conv.weight.is_uninitialized());
  EXPECT_TRUE(lazy.norm.running_mean.is_uninitialized());
}

TEST(LazyLayers, AreNotShapedByAWrongFirstInput) {
  LazyLinear fc(2);
  EXPECT_THROW(fc(ones({})), Error);
  EXPECT_THAT(
      [&] { fc(ones({1, 3}, i64)); },
      ThrowsMessage<Error>(AllOf(HasSubstr("the first input, i64 [1, 3]"), HasSubstr("in LazyLinear"))));
  EXPECT_TRUE(fc.weight.is_uninitialized());
  LazyConv2d conv(4, 3, {.groups = 2});
  EXPECT_THROW(conv(ones({5, 5})), Error);
  EXPECT_THAT([&] { conv(ones({1, 3, 5, 5})); },
              ThrowsMessage<Error>(HasSubstr("3 channels must be positive and divisible by groups 2")));
  EXPECT_TRUE(conv.weight.is_uninitialized());
  EXPECT_EQ(conv(ones({6, 5, 5})).sizes(), (Shape{4, 3, 3}));
  EXPECT_EQ(conv.in_channels, 6);
  EXPECT_EQ(conv.weight.sizes(), (Shape{4, 3, 3, 3}));
  LazyBatchNorm2d norm;
  EXPECT_THROW(norm(ones({2, 3})), Error);
  EXPECT_TRUE(norm.weight.is_uninitialized());
  LazyBatchNorm1d plain({.affine = false, .track_running_stats = false});
  EXPECT_THROW(plain(ones({3})), Error);
  plain(randn({4, 3}));
  EXPECT_EQ(plain.num_features, 3);
  EXPECT_THROW(plain(randn({4, 2})), Error);
}

TEST(LazyLayers, RefuseWhatNoInputCouldMakeRight) {
  EXPECT_THROW(LazyLinear(-1), Error);
  EXPECT_THROW(LazyConv2d(0, 3), Error);
  EXPECT_THROW(LazyConv2d(3, 3, {.groups = 2}), Error);
  EXPECT_THROW(LazyConv2d(4, 0), Error);
  Parameter p = Parameter::uninitialized({2, -1});
  EXPECT_THROW(p.materialize({3, 1}), Error);
  EXPECT_THROW(p.materialize({2}), Error);
  p.materialize({2, 5});
  EXPECT_THROW(p.materialize({2, 5}), Error);
  EXPECT_TRUE(p.requires_grad());
}

template <class Make> void follow_called(const std::string& name, const Shape& sizes, Make make) {
  follow_golden("lazy", name, [&](DType dtype) {
    auto layer = make(dtype);
    layer(ones(sizes, dtype));
    return layer;
  });
}

template <class Conv, class Transpose, class BatchNorm, class InstanceNorm>
void follow_dims(const std::string& dims, const Shape& sizes) {
  follow_called("LazyConv" + dims, sizes,
                [](DType dtype) { return Conv(2, 2, {.stride = 2, .padding = 1, .dtype = dtype}); });
  follow_called("LazyConvTranspose" + dims, sizes,
                [](DType dtype) { return Transpose(2, 2, {.stride = 2, .bias = false, .dtype = dtype}); });
  follow_called("LazyBatchNorm" + dims, sizes, [](DType dtype) { return BatchNorm({.dtype = dtype}); });
  follow_called("LazyInstanceNorm" + dims, sizes, [](DType dtype) {
    return InstanceNorm({.affine = true, .track_running_stats = true, .dtype = dtype});
  });
}

TEST(LazyLayers, FollowPyTorch) {
  follow_called("LazyLinear", {1, 3}, [](DType dtype) { return LazyLinear(2, {.dtype = dtype}); });
  follow_dims<LazyConv1d, LazyConvTranspose1d, LazyBatchNorm1d, LazyInstanceNorm1d>("1d", {2, 3, 5});
  follow_dims<LazyConv2d, LazyConvTranspose2d, LazyBatchNorm2d, LazyInstanceNorm2d>("2d", {2, 3, 4, 3});
  follow_dims<LazyConv3d, LazyConvTranspose3d, LazyBatchNorm3d, LazyInstanceNorm3d>("3d", {2, 3, 2, 3, 3});
}

}  // namespace
}  // namespace mica::nn
