#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

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

const std::vector<Case> conv2d_cases{
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

Tensor images() { return ones({1, 4, 5, 5}); }
Tensor kernels() { return ones({2, 4, 3, 3}); }

const table::Rows rows{
    "conv",
    {{.name = "conv2d",
      .golden = {{"conv2d",
                  [](Inputs x, const Args& a) {
                    return std::vector{conv2d(x[0], x[1], x[2],
                                              {.stride = pair(a, "stride", 1),
                                               .padding = pair(a, "padding", 0),
                                               .dilation = pair(a, "dilation", 1),
                                               .groups = a.integer("groups")})};
                  }}},
      .gradients = conv2d_cases,
      .refusals = {
          {[] { conv2d(images(), ones({2, 3, 3, 3})); }, "input has 4 channels, weight expects 3"},
          {[] { conv2d(images(), ones({2, 4, 3, 3}), {}, {.padding = std::int64_t{1} << 62}); },
           "2^31 or more"},
          {[] { conv2d(images(), ones({2, 4, 3, 3}), {}, {.dilation = std::int64_t{1} << 62}); },
           "2^31 or more"},
          {[] { conv2d(images(), ones({2, 4, 3, 3}), {}, {.groups = std::int64_t{1} << 62}); },
           "for each of"},
          {[] { conv2d(images(), ones({2, 4, 6, 6})); }, "the kernel is larger than the padded input"},
          {[] { conv2d(images(), ones({2, 4, 0, 3})); }, "weight [2, 4, 0, 3]"},
          {[] { conv2d(images(), kernels(), ones({3})); }, "bias of shape [3] for 2 output channels"},
          {[] { conv2d(images(), kernels(), {}, {.stride = 0}); }, "stride and dilation must be at least 1"},
          {[] { conv2d(images(), kernels(), {}, {.padding = -1}); }, "padding must not be negative"},
          {[] { conv2d(images(), kernels(), {}, {.dilation = 0}); }, "dilation (0, 0)"},
          {[] { conv2d(images(), kernels(), {}, {.groups = 0}); }, "groups must be at least 1"},
          {[] { conv2d(images(), ones({3, 2, 3, 3}), {}, {.groups = 2}); },
           "3 output channels are not divisible by groups"},
          {[] { conv2d(ones({5, 5}), kernels()); }, "expected an input of 3 or 4 dimensions, got 2"},
          {[] { conv2d(images(), ones({3, 3})); }, "expected a weight of 4 dimensions, got 2"},
          {[] { conv2d(images(), kernels().to(f64)); }, "the input is f32, the weight is f64"},
          {[] { conv2d(images(), kernels(), ones({2}, f64)); }, "the bias is f64"},
          {[] { conv2d(images().to(i64), kernels().to(i64)); }, "got i64"}}}}};

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

}  // namespace
}  // namespace mica
