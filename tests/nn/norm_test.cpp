#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/norm.h>
#include <mica/ops/compare.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(BatchNorm, FollowsPyTorchThroughTrainingAndEvaluation) {
  follow_golden("norm", "batch norm of vectors",
                [](DType dtype) { return BatchNorm1d(3, {.dtype = dtype}); });
  follow_golden("norm", "batch norm of sequences",
                [](DType dtype) { return BatchNorm1d(3, {.eps = 0.01, .momentum = 0.3, .dtype = dtype}); });
  follow_golden("norm", "batch norm of planes", [](DType dtype) { return BatchNorm2d(2, {.dtype = dtype}); });
  follow_golden("norm", "batch norm of volumes",
                [](DType dtype) { return BatchNorm3d(2, {.dtype = dtype}); });
  follow_golden("norm", "batch norm in f32", [](DType dtype) { return BatchNorm2d(2, {.dtype = dtype}); });
  follow_golden("norm", "batch norm averaging",
                [](DType dtype) { return BatchNorm1d(3, {.momentum = std::nullopt, .dtype = dtype}); });
  follow_golden("norm", "batch norm not affine",
                [](DType dtype) { return BatchNorm2d(2, {.affine = false, .dtype = dtype}); });
  follow_golden("norm", "batch norm not tracking",
                [](DType dtype) { return BatchNorm1d(3, {.track_running_stats = false, .dtype = dtype}); });
}

TEST(BatchNorm, ChangesItsStatisticsOnlyInTraining) {
  BatchNorm1d layer(2);
  const Tensor x = tensor({{1.0F, 2.0F}, {3.0F, 6.0F}});
  layer.eval();
  layer(x);
  EXPECT_EQ(layer.running_mean.to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
  layer.train();
  layer(x);
  EXPECT_EQ(layer.num_batches_tracked.item(), 1);
  EXPECT_FLOAT_EQ(layer.running_mean[1].item<float>(), 0.4F);
  EXPECT_FALSE(layer.running_mean.requires_grad());
  layer.reset_running_stats();
  EXPECT_EQ(layer.running_mean.to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(layer.running_var.to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
}

TEST(BatchNorm, ResetsItsParameters) {
  BatchNorm2d layer(2);
  layer.weight.detach().fill_(5);
  layer.bias.detach().fill_(5);
  layer.running_var.fill_(5);
  layer.reset_parameters();
  EXPECT_EQ(layer.weight.to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(layer.bias.to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(layer.running_var.to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(BatchNorm, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { BatchNorm1d(-1); }, message("num_features -1"));
  BatchNorm1d one(3);
  BatchNorm2d two(3);
  EXPECT_THAT([&] { one(ones({2, 3, 4, 4})); },
              message("expected 2 or 3 dimensions, got shape [2, 3, 4, 4]"));
  EXPECT_THAT([&] { one(ones({3})); }, message("in BatchNorm1d"));
  EXPECT_THAT([&] { one(ones({2, 4})); }, message("has 4 channels, expected 3"));
  EXPECT_THAT([&] { two(ones({2, 3, 4})); }, message("expected 4 dimensions"));
  EXPECT_THAT([&] { two(ones({2, 2, 4, 4})); }, message("has 2 channels, expected 3"));
  BatchNorm3d three(3);
  EXPECT_THAT([&] { three(ones({2, 3, 4, 4})); }, message("expected 5 dimensions"));
  EXPECT_THAT([&] { three(ones({2, 2, 4, 4, 1})); }, message("has 2 channels, expected 3"));
  EXPECT_THROW(one(ones({1, 3})), Error);  // one value per channel has no variance
  EXPECT_EQ(to_string(one.eval()(ones({1, 3})).sizes()), "[1, 3]");
}

TEST(LayerNorm, FollowsPyTorch) {
  follow_golden("norm", "layer norm", [](DType dtype) { return LayerNorm(6, {.dtype = dtype}); });
  follow_golden("norm", "layer norm of planes",
                [](DType dtype) { return LayerNorm({2, 3}, {.eps = 0.1, .dtype = dtype}); });
  follow_golden("norm", "layer norm not affine",
                [](DType) { return LayerNorm(6, {.elementwise_affine = false}); });
}

TEST(LayerNorm, WithoutBiasIsTheOneWithABiasOfZero) {
  LayerNorm with(5), without(5, {.bias = false});
  const Tensor x = arange(15).to(f32).view({3, 5}).square();
  EXPECT_EQ(without.parameters().size(), 1U);
  EXPECT_TRUE(equal(with(x), without(x)));
}

TEST(LayerNorm, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { LayerNorm(Shape{}); }, message("normalized_shape is empty"));
  LayerNorm layer({2, 3});
  EXPECT_THAT([&] { layer(ones({2, 4})); }, message("in LayerNorm"));
  EXPECT_THROW(layer(ones({3})), Error);
}

}  // namespace
}  // namespace mica::nn
