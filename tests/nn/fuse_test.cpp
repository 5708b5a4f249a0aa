#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/conv.h>
#include <mica/nn/fuse.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// A normalisation that has seen something.
template <class Norm> Norm used(Norm norm, const Shape& sizes) {
  norm(randn(sizes, f64) * 3 + 1);
  if (norm.weight.defined()) {
    norm.weight.detach().uniform_(0.5, 2);
    norm.bias.detach().uniform_(-1, 1);
  }
  norm.eval();
  return norm;
}

TEST(Fuse, ConvComputesWhatConvAndNormDid) {
  manual_seed(2);
  for (const bool bias : {true, false}) {
    for (const bool affine : {true, false}) {
      Conv2d conv(4, 6, 3, {.groups = 2, .bias = bias, .dtype = f64});
      BatchNorm2d norm = used(BatchNorm2d(6, {.affine = affine, .dtype = f64}), {4, 6, 3, 3});
      Conv2d fused = fuse_conv_bn_eval(conv, norm);
      const Tensor x = randn({2, 4, 5, 5}, f64);
      EXPECT_TRUE(allclose(fused(x), norm(conv(x)), 1e-10, 1e-10));
      EXPECT_EQ(fused.groups, 2);
      EXPECT_TRUE(fused.weight.requires_grad() && fused.bias.requires_grad());
    }
  }
}

TEST(Fuse, LinearComputesWhatLinearAndNormDid) {
  manual_seed(2);
  for (const bool bias : {true, false}) {
    Linear linear(4, 6, {.bias = bias, .dtype = f64});
    BatchNorm1d norm = used(BatchNorm1d(6, {.dtype = f64}), {8, 6});
    const Tensor x = randn({3, 4}, f64);
    Linear fused = fuse_linear_bn_eval(linear, norm);
    EXPECT_TRUE(allclose(fused(x), norm(linear(x)), 1e-10, 1e-10));
  }
}

// Each output channel's slice of a transposed kernel is scaled, in each group its own.
TEST(Fuse, ScalesTheOutputsOfTransposedKernels) {
  const Tensor weight = randn({4, 3, 2}, f64);  // two groups of two inputs and three outputs
  const FusedNorm norm{.running_mean = zeros({6}, f64),
                       .running_var = ones({6}, f64),
                       .weight = arange(1, 7, 1, f64),
                       .bias = {},
                       .eps = 0};
  const FusedParameters fused = fuse_conv_bn_weights(weight, {}, norm, true);
  for (std::int64_t in = 0; in < 4; ++in) {
    for (std::int64_t out = 0; out < 3; ++out) {
      const double factor = static_cast<double>((in / 2) * 3 + out + 1);
      EXPECT_TRUE(allclose(fused.weight[in][out], weight[in][out] * factor));
    }
  }
  EXPECT_TRUE(equal(fused.bias, zeros({6}, f64)));
}

TEST(Fuse, KeepsAFrozenLayerFrozen) {
  Linear linear(4, 6, {.dtype = f64});
  linear.requires_grad_(false);
  const Linear fused = fuse_linear_bn_eval(linear, used(BatchNorm1d(6, {.dtype = f64}), {8, 6}));
  EXPECT_FALSE(fused.weight.requires_grad() || fused.bias.requires_grad());
}

TEST(Fuse, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  const Conv2d conv(4, 6, 3);
  const Linear linear(4, 6);
  EXPECT_THAT([&] { fuse_conv_bn_eval(conv, BatchNorm2d(6)); }, message("the normalisation is training"));
  EXPECT_THAT([&] { fuse_linear_bn_eval(linear, BatchNorm1d(6)); }, message("call eval() first"));
  BatchNorm2d untracked(6, {.track_running_stats = false});
  BatchNorm2d narrow(5);
  untracked.eval();
  narrow.eval();
  EXPECT_THAT([&] { fuse_conv_bn_eval(conv, untracked); }, message("no running statistics"));
  EXPECT_THAT([&] { fuse_conv_bn_eval(conv, narrow); },
              message("6 channels are followed by a normalisation of 5"));
  EXPECT_THAT([] { fuse_conv_bn_weights(ones({2, 2}), {}, {}); }, message("is no kernel"));
  EXPECT_THAT([] { fuse_linear_bn_weights(ones({2}), {}, {}); }, message("expected (out, in)"));
}

}  // namespace
}  // namespace mica::nn
