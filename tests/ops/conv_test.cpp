#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::derivative_of;
using gradients::Inputs;

Case with_bias(const std::string& name, const Shape& x, const Shape& weight, Conv2dOptions o) {
  return {
      name, [o](Inputs in) { return conv2d(in[0], in[1], in[2], o); }, {{x}, {weight}, {Shape(weight[0])}}};
}

const gradients::Cases conv_cases{
    with_bias("Conv2d", {2, 2, 3, 3}, {2, 2, 2, 2}, {}),
    with_bias("Conv2dStridePadding", {1, 2, 3, 4}, {1, 2, 2, 3}, {.stride = {2, 1}, .padding = {1, 2}}),
    with_bias("Conv2dDilation", {1, 1, 4, 4}, {2, 1, 2, 2}, {.padding = 1, .dilation = {2, 1}}),
    with_bias("Conv2dGroups", {1, 4, 2, 2}, {2, 2, 2, 2}, {.padding = 1, .groups = 2}),
    with_bias("Conv2dDepthwise", {2, 2, 3, 3}, {4, 1, 2, 2}, {.stride = 2, .groups = 2}),
    with_bias("Conv2dUnbatched", {2, 3, 3}, {1, 2, 2, 2}, {}),
    with_bias("Conv2dNoImages", {0, 2, 3, 3}, {1, 2, 2, 2}, {}),
    {"Conv2dWithoutBias", [](Inputs x) { return conv2d(x[0], x[1]); }, {{{1, 2, 3, 3}}, {{2, 2, 2, 2}}}},
    {"Conv2dThirdDerivative",
     derivative_of([](Inputs x) { return conv2d(x[0], x[1], {}, {.stride = 2, .padding = 1}); }),
     {{{1, 1, 3, 3}}, {{1, 1, 2, 2}}}},
    {"Conv2dWeightThirdDerivative",
     derivative_of([](Inputs x) { return conv2d(x[1], x[0], {}, {.stride = 2, .padding = 1}); }),
     {{{1, 1, 2, 2}}, {{1, 1, 3, 3}}}},
};

IntPair pair(const Args& a, const char* name, IntPair otherwise) {
  if (!a.has(name)) return otherwise;
  const Shape both = a.shape(name);
  return {both[0], both[1]};
}

TEST(Conv, AgreesWithPyTorch) {
  golden::expect_golden("conv", {{"conv2d", [](Inputs x, const Args& a) {
                                    return std::vector{conv2d(x[0], x[1], x[2],
                                                              {.stride = pair(a, "stride", 1),
                                                               .padding = pair(a, "padding", 0),
                                                               .dilation = pair(a, "dilation", 1),
                                                               .groups = a.integer("groups")})};
                                  }}});
}

TEST(Conv, FirstDerivativesAreTheSameWhetherRecordedOrNot) {
  for (const DType type : {f32, f64}) {
    Generator generator(2);
    const Tensor inputs[] = {randn({2, 3, 6, 5}, generator, type).requires_grad_(),
                             randn({4, 3, 3, 3}, generator, type).requires_grad_(),
                             randn({4}, generator, type).requires_grad_()};
    const Tensor y = square(conv2d(inputs[0], inputs[1], inputs[2], {.stride = 2, .padding = 1})).sum();
    const auto plain = autograd::grad({&y, 1}, inputs, {}, {.retain_graph = true});
    const auto recorded = autograd::grad({&y, 1}, inputs, {}, {.create_graph = true});
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(allclose(plain[i], recorded[i], 1e-4, 1e-4)) << i;
  }
}

TEST(Conv, TakesEveryMemoryOrder) {
  Generator generator(3);
  const Tensor x = randn({2, 3, 6, 5}, generator);
  const Tensor w = randn({4, 3, 3, 3}, generator);
  const Tensor expected = conv2d(x, w);
  const Tensor last = x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
  EXPECT_TRUE(allclose(conv2d(last, w), expected, 1e-4, 1e-4));
  EXPECT_TRUE(allclose(conv2d(x.transpose(2, 3).contiguous().transpose(2, 3), w), expected, 1e-4, 1e-4));
  EXPECT_TRUE(
      allclose(conv2d(x, w.permute({3, 2, 1, 0}).contiguous().permute({3, 2, 1, 0})), expected, 1e-4, 1e-4));
  EXPECT_TRUE(allclose(conv2d(x.to(f64), w.to(f64)), expected, 1e-4, 1e-4));
}

TEST(Conv, ComputesNarrowTypesInF32) {
  const Tensor x = randn({1, 2, 4, 4}).to(bf16);
  const Tensor w = randn({3, 2, 3, 3}).to(bf16);
  const Tensor y = conv2d(x, w);
  EXPECT_EQ(y.dtype(), bf16);
  EXPECT_TRUE(equal(y, conv2d(x.to(f32), w.to(f32)).to(bf16)));
}

TEST(Conv, ExplainsWhatItRefuses) {
  const Tensor x = ones({1, 4, 5, 5});
  const Tensor w = ones({2, 4, 3, 3});
  EXPECT_THROW(conv2d(x, ones({2, 3, 3, 3})), Error);
  EXPECT_THROW(conv2d(x, ones({2, 4, 6, 6})), Error);
  EXPECT_THROW(conv2d(x, w, ones({3})), Error);
  EXPECT_THROW(conv2d(x, w, {}, {.stride = 0}), Error);
  EXPECT_THROW(conv2d(x, w, {}, {.padding = -1}), Error);
  EXPECT_THROW(conv2d(x, w, {}, {.dilation = 0}), Error);
  EXPECT_THROW(conv2d(x, w, {}, {.groups = 0}), Error);
  EXPECT_THROW(conv2d(x, ones({3, 2, 3, 3}), {}, {.groups = 2}), Error);
  EXPECT_THROW(conv2d(ones({5, 5}), w), Error);
  EXPECT_THROW(conv2d(x, ones({3, 3})), Error);
  EXPECT_THROW(conv2d(x, w.to(f64)), Error);
  EXPECT_THROW(conv2d(x.to(i64), w.to(i64)), Error);
}

}  // namespace
}  // namespace mica
