#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/instance_norm.h>
#include <mica/nn/lazy.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

auto message(const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); }

template <class Layer> void follow_dimensions(const std::string& n) {
  const std::string name = "instance norm " + n;
  follow_golden("instance_norm", name, [](DType t) { return Layer(3, {.dtype = t}); });
  follow_golden("instance_norm", name + " affine and tracking", [](DType t) {
    return Layer(3, {.eps = 0.01, .momentum = 0.3, .affine = true, .track_running_stats = true, .dtype = t});
  });
  follow_golden("instance_norm", name + " without batch",
                [](DType t) { return Layer(3, {.affine = true, .track_running_stats = true, .dtype = t}); });
}

TEST(InstanceNorm, FollowsPyTorchThroughTrainingAndEvaluation) {
  follow_dimensions<InstanceNorm1d>("1");
  follow_dimensions<InstanceNorm2d>("2");
  follow_dimensions<InstanceNorm3d>("3");
  follow_golden("instance_norm", "instance norm in f32",
                [](DType t) { return InstanceNorm2d(3, {.affine = true, .dtype = t}); });
}

TEST(InstanceNorm, PrintsAsPyTorch) {
  expect_prints(
      "instance_norm",
      {{"1d", InstanceNorm1d(3).to_string()},
       {"2d",
        InstanceNorm2d(3, {.eps = 0.1, .momentum = std::nullopt, .affine = true, .track_running_stats = true})
            .to_string()},
       {"3d", InstanceNorm3d(3, {.affine = true}).to_string()},
       {"batch norm 3d", BatchNorm3d(3).to_string()}});
}

TEST(InstanceNorm, TakesAnyChannelsWithoutWeightsAndStatistics) {  // as PyTorch, which warns
  InstanceNorm1d layer(3);
  EXPECT_EQ(to_string(layer(randn({2, 5, 4})).sizes()), "[2, 5, 4]");
}

TEST(InstanceNorm, WithoutMomentumLeavesItsStatistics) {  // as PyTorch 2; 1.13 fails
  InstanceNorm1d layer(3, {.momentum = std::nullopt, .track_running_stats = true});
  layer(randn({2, 3, 4}));
  EXPECT_EQ(layer.running_mean.to_vector<float>(), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(layer.running_var.to_vector<float>(), (std::vector<float>{1, 1, 1}));
}

TEST(InstanceNorm, IsClonedWithItsStatistics) {
  InstanceNorm2d layer(3, {.affine = true, .track_running_stats = true});
  const Tensor x = randn({2, 3, 4, 4});
  layer(x);
  InstanceNorm2d copy = layer.clone();
  layer.eval();
  copy.eval();
  EXPECT_TRUE(equal(layer(x), copy(x)));
  copy.reset_running_stats();
  EXPECT_FALSE(allclose(layer(x), copy(x)));
}

template <class Lazy, class Known> void become(const Shape& sizes, const Shape& without_batch) {
  for (const Shape& shape : {sizes, without_batch}) {
    Lazy lazy({.affine = true, .track_running_stats = true});
    EXPECT_THAT([&] { static_cast<void>(lazy.parameters()); }, message("shape"));
    const Tensor x = randn(shape);
    Known known(3, {.affine = true, .track_running_stats = true});
    EXPECT_NE(lazy.to_string(), known.to_string());
    EXPECT_TRUE(equal(lazy(x), known(x)));
    EXPECT_EQ(lazy.to_string(), known.to_string());
    EXPECT_TRUE(equal(lazy.running_var, known.running_var));
    Lazy copy = lazy.clone();
    EXPECT_TRUE(equal(copy.eval()(x), known.eval()(x)));
    Lazy other;
    EXPECT_THAT([&] { other(ones({3})); }, message("first input"));
  }
}

TEST(LazyInstanceNorm, IsTheLayerOfKnownSizeAfterOneCall) {
  become<LazyInstanceNorm1d, InstanceNorm1d>({2, 3, 4}, {3, 4});
  become<LazyInstanceNorm2d, InstanceNorm2d>({2, 3, 4, 2}, {3, 4, 2});
  become<LazyInstanceNorm3d, InstanceNorm3d>({2, 3, 2, 2, 2}, {3, 2, 2, 2});
  become<LazyBatchNorm3d, BatchNorm3d>({2, 3, 2, 2, 2}, {4, 3, 1, 2, 2});
}

TEST(InstanceNorm, RefusesWhatDoesNotFit) {
  EXPECT_THAT([] { InstanceNorm1d(-1); }, message("num_features -1"));
  InstanceNorm1d one(3, {.affine = true});
  EXPECT_THAT([&] { one(ones({3})); }, message("expected 2 or 3 dimensions, got shape [3]"));
  EXPECT_THAT([&] { one(ones({2, 4, 5})); }, message("has 4 channels, expected 3"));
  EXPECT_THAT([&] { one(ones({4, 5})); }, message("has 4 channels, expected 3"));
  EXPECT_THAT([&] { one(ones({2, 3, 1})); }, message("one value per channel"));
  InstanceNorm3d three(3);
  EXPECT_THAT([&] { three(ones({2, 4, 4})); }, message("in InstanceNorm3d"));
}

}  // namespace
}  // namespace mica::nn
