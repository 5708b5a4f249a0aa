#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::derivative_of;
using gradients::Inputs;

using Call = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&);
using TransposedCall = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvTransposeOptions&);

Case with_bias(const std::string& name, Call fn, const Shape& x, const Shape& weight,
               const ConvOptions& o = {}) {
  return {name, [=](Inputs in) { return fn(in[0], in[1], in[2], o); }, {{x}, {weight}, {Shape(weight[0])}}};
}
Case with_bias(const std::string& name, TransposedCall fn, const Shape& x, const Shape& weight,
               const ConvTransposeOptions& o = {}) {
  const Shape bias = weight[1] * o.groups;
  return {name, [=](Inputs in) { return fn(in[0], in[1], in[2], o); }, {{x}, {weight}, {bias}}};
}

const std::vector<Case> conv2d_cases{
    with_bias("Conv2d", conv2d, {2, 2, 3, 3}, {2, 2, 2, 2}),
    with_bias("Conv2dStridePadding", conv2d, {1, 2, 3, 4}, {1, 2, 2, 3},
              {.stride = {2, 1}, .padding = {1, 2}}),
    with_bias("Conv2dDilation", conv2d, {1, 1, 4, 4}, {2, 1, 2, 2}, {.padding = 1, .dilation = {2, 1}}),
    with_bias("Conv2dGroups", conv2d, {1, 4, 2, 2}, {2, 2, 2, 2}, {.padding = 1, .groups = 2}),
    with_bias("Conv2dDepthwise", conv2d, {2, 2, 3, 3}, {4, 1, 2, 2}, {.stride = 2, .groups = 2}),
    with_bias("Conv2dSame", conv2d, {1, 1, 3, 2}, {1, 1, 2, 3}, {.padding = Padding::same}),
    with_bias("Conv2dUnbatched", conv2d, {2, 3, 3}, {1, 2, 2, 2}),
    with_bias("Conv2dNoImages", conv2d, {0, 2, 3, 3}, {1, 2, 2, 2}),
    {"Conv2dWithoutBias", [](Inputs x) { return conv2d(x[0], x[1]); }, {{{1, 2, 3, 3}}, {{2, 2, 2, 2}}}},
    {"Conv2dThirdDerivative",
     derivative_of([](Inputs x) { return conv2d(x[0], x[1], {}, {.stride = 2, .padding = 1}); }),
     {{{1, 1, 3, 3}}, {{1, 1, 2, 2}}}},
    {"Conv2dWeightThirdDerivative",
     derivative_of([](Inputs x) { return conv2d(x[1], x[0], {}, {.stride = 2, .padding = 1}); }),
     {{{1, 1, 2, 2}}, {{1, 1, 3, 3}}}},
};
const std::vector<Case> conv1d_cases{
    with_bias("Conv1d", conv1d, {2, 2, 4}, {2, 2, 2}),
    with_bias("Conv1dOptions", conv1d, {1, 4, 5}, {2, 2, 2},
              {.stride = 2, .padding = 1, .dilation = 2, .groups = 2}),
    with_bias("Conv1dUnbatched", conv1d, {2, 4}, {1, 2, 3}, {.padding = Padding::same}),
    {"Conv1dThirdDerivative",
     derivative_of([](Inputs x) { return conv1d(x[0], x[1], {}, {.stride = 2, .padding = 1}); }),
     {{{1, 1, 5}}, {{1, 1, 2}}}},
};
const std::vector<Case> conv3d_cases{
    with_bias("Conv3d", conv3d, {1, 2, 2, 3, 2}, {2, 2, 2, 2, 1}),
    with_bias("Conv3dOptions", conv3d, {1, 2, 3, 2, 2}, {2, 1, 2, 2, 2},
              {.stride = {2, 1, 1}, .padding = {1, 1, 0}, .dilation = {1, 2, 1}, .groups = 2}),
    with_bias("Conv3dUnbatched", conv3d, {1, 2, 2, 2}, {1, 1, 2, 1, 2}),
    {"Conv3dThirdDerivative",
     derivative_of([](Inputs x) { return conv3d(x[0], x[1], {}, {.padding = {1, 0, 0}}); }),
     {{{1, 1, 2, 2, 2}}, {{1, 1, 2, 1, 2}}}},
};
const std::vector<Case> conv_transpose1d_cases{
    with_bias("ConvTranspose1d", conv_transpose1d, {2, 2, 3}, {2, 2, 2}),
    with_bias("ConvTranspose1dOptions", conv_transpose1d, {1, 4, 3}, {4, 1, 2},
              {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2, .dilation = 2}),
};
const std::vector<Case> conv_transpose2d_cases{
    with_bias("ConvTranspose2d", conv_transpose2d, {1, 2, 2, 3}, {2, 1, 2, 2}),
    with_bias("ConvTranspose2dOptions", conv_transpose2d, {1, 2, 2, 2}, {2, 2, 2, 3},
              {.stride = {2, 3}, .padding = {1, 0}, .output_padding = {1, 2}}),
    with_bias("ConvTranspose2dUnbatched", conv_transpose2d, {2, 2, 2}, {2, 1, 2, 2}),
    with_bias("ConvTranspose2dNoImages", conv_transpose2d, {0, 2, 2, 2}, {2, 1, 2, 2}),
    {"ConvTranspose2dThirdDerivative",
     derivative_of([](Inputs x) { return conv_transpose2d(x[0], x[1], {}, {.stride = 2, .padding = 1}); }),
     {{{1, 1, 2, 2}}, {{1, 1, 3, 2}}}},
};
const std::vector<Case> conv_transpose3d_cases{
    with_bias("ConvTranspose3d", conv_transpose3d, {1, 2, 2, 1, 2}, {2, 1, 2, 2, 1}),
    with_bias("ConvTranspose3dOptions", conv_transpose3d, {1, 1, 1, 2, 2}, {1, 2, 2, 1, 2},
              {.stride = {2, 1, 2}, .padding = {1, 0, 0}, .output_padding = {1, 0, 1}}),
};

Shape shape(const Args& a, const char* name, const Shape& otherwise) {
  return a.has(name) ? a.shape(name) : otherwise;
}
golden::Operations convolution(const char* name, Call fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             ConvPadding padding = 0;
             if (a.is_text("padding"))
               padding = a.text("padding") == "same" ? Padding::same : Padding::valid;
             else
               padding = shape(a, "padding", 0);
             return std::vector{fn(x[0], x[1], x[2],
                                   {.stride = shape(a, "stride", 1),
                                    .padding = padding,
                                    .dilation = shape(a, "dilation", 1),
                                    .groups = a.integer("groups")})};
           }}};
}
golden::Operations transposed(const char* name, TransposedCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             return std::vector{fn(x[0], x[1], x[2],
                                   {.stride = shape(a, "stride", 1),
                                    .padding = shape(a, "padding", 0),
                                    .output_padding = shape(a, "output_padding", 0),
                                    .groups = a.integer("groups"),
                                    .dilation = shape(a, "dilation", 1)})};
           }}};
}

Tensor images() { return ones({1, 4, 5, 5}); }
Tensor kernels() { return ones({2, 4, 3, 3}); }
Tensor spread() { return ones({4, 2, 3, 3}); }
constexpr std::int64_t huge = std::int64_t{1} << 62;

const table::Rows rows{
    "conv",
    {{.name = "conv2d",
      .golden = convolution("conv2d", conv2d),
      .gradients = conv2d_cases,
      .refusals =
          {{[] { conv2d(images(), ones({2, 3, 3, 3})); }, "input has 4 channels, weight expects 3"},
           {[] { conv2d(images(), ones({2, 4, 3, 3}), {}, {.padding = huge}); }, "2^31 or more"},
           {[] { conv2d(images(), ones({2, 4, 3, 3}), {}, {.dilation = huge}); }, "2^31 or more"},
           {[] { conv2d(images(), kernels(), {}, {.padding = Padding::same, .dilation = huge}); },
            "2^31 or more"},
           {[] { conv2d(images(), ones({2, 4, 3, 3}), {}, {.groups = huge}); }, "for each of"},
           {[] { conv2d(images(), ones({2, 4, 6, 6})); }, "the kernel is larger than the padded input"},
           {[] { conv2d(images(), ones({2, 4, 0, 3})); }, "weight [2, 4, 0, 3]"},
           {[] { conv2d(images(), kernels(), ones({3})); }, "bias of shape [3] for 2 output channels"},
           {[] { conv2d(images(), kernels(), {}, {.stride = 0}); }, "stride and dilation must be at least 1"},
           {[] { conv2d(images(), kernels(), {}, {.stride = {1, 2, 1}}); },
            "stride [1, 2, 1] for 2 dimensions"},
           {[] { conv2d(images(), kernels(), {}, {.padding = -1}); }, "padding must not be negative"},
           {[] { conv2d(images(), kernels(), {}, {.stride = {1, 2}, .padding = Padding::same}); },
            "Padding::same with stride [1, 2]"},
           {[] { conv2d(images(), kernels(), {}, {.dilation = 0}); }, "dilation [0, 0]"},
           {[] { conv2d(images(), kernels(), {}, {.groups = 0}); }, "groups must be at least 1"},
           {[] { conv2d(images(), ones({3, 2, 3, 3}), {}, {.groups = 2}); },
            "3 output channels are not divisible by groups"},
           {[] { conv2d(ones({5, 5}), kernels()); }, "expected an input of 3 or 4 dimensions, got 2"},
           {[] { conv2d(images(), ones({3, 3})); }, "expected a weight of 4 dimensions, got 2"},
           {[] { conv2d(images(), kernels().to(f64)); }, "the input is f32, the weight is f64"},
           {[] { conv2d(images(), kernels(), ones({2}, f64)); }, "the bias is f64"},
           {[] { conv2d(images().to(i64), kernels().to(i64)); }, "got i64"}}},
     {.name = "conv1d",
      .golden = convolution("conv1d", conv1d),
      .gradients = conv1d_cases,
      .refusals = {{[] { conv1d(images(), ones({2, 4, 3})); },
                    "expected an input of 2 or 3 dimensions, got 4"},
                   {[] { conv1d(ones({1, 4, 5}), kernels()); }, "expected a weight of 3 dimensions, got 4"},
                   {[] { conv1d(ones({1, 4, 5}), ones({2, 4, 6})); }, "larger than the padded input"},
                   {[] { conv1d(ones({1, 4, 5}), ones({2, 4, 3}), {}, {.stride = {1, 1}}); },
                    "stride [1, 1] for 1 dimensions"}}},
     {.name = "conv3d",
      .golden = convolution("conv3d", conv3d),
      .gradients = conv3d_cases,
      .refusals =
          {{[] { conv3d(ones({4, 5}), ones({2, 4, 3, 3, 3})); }, "expected an input of 4 or 5 dimensions"},
           {[] { conv3d(ones({1, 4, 2, 5, 5}), ones({2, 4, 3, 3, 3})); }, "larger than the padded input"},
           {[] { conv3d(ones({1, 4, 5, 5, 5}), ones({2, 4, 3, 3, 3}), {}, {.dilation = {1, 0, 1}}); },
            "dilation [1, 0, 1]"}}},
     {.name = "conv_transpose1d",
      .golden = transposed("conv_transpose1d", conv_transpose1d),
      .gradients = conv_transpose1d_cases,
      .refusals = {{[] { conv_transpose1d(ones({1, 4, 5}), ones({3, 4, 2})); },
                    "input has 4 channels, weight expects 3"}}},
     {.name = "conv_transpose2d",
      .golden = transposed("conv_transpose2d", conv_transpose2d),
      .gradients = conv_transpose2d_cases,
      .refusals =
          {{[] { conv_transpose2d(images(), ones({3, 2, 3, 3})); }, "input has 4 channels, weight expects 3"},
           {[] { conv_transpose2d(images(), spread(), ones({4})); },
            "bias of shape [4] for 2 output channels"},
           {[] { conv_transpose2d(images(), spread(), {}, {.output_padding = 1}); },
            "output_padding must be smaller than stride or dilation"},
           {[] { conv_transpose2d(images(), spread(), {}, {.stride = 2, .output_padding = -1}); },
            "output_padding [-1, -1]"},
           {[] { conv_transpose2d(images(), spread(), {}, {.groups = 3}); },
            "4 input channels are not divisible"},
           {[] { conv_transpose2d(images(), spread(), {}, {.padding = 4}); }, "leaves nothing of the output"},
           {[] { conv_transpose2d(images(), spread(), {}, {.stride = huge}); }, "2^31 or more"},
           {[] { conv_transpose2d(ones({1, 4, 0, 5}), spread()); }, "the input is empty"},
           {[] { conv_transpose2d(ones({5, 5}), spread()); },
            "expected an input of 3 or 4 dimensions, got 2"},
           {[] { conv_transpose2d(images().to(i64), spread().to(i64)); }, "got i64"}}},
     {.name = "conv_transpose3d",
      .golden = transposed("conv_transpose3d", conv_transpose3d),
      .gradients = conv_transpose3d_cases,
      .refusals = {{[] { conv_transpose3d(images(), ones({4, 2, 3, 3, 3})); }, "input has 1 channels"},
                   {[] { conv_transpose3d(ones({1, 4, 2, 2, 2}), spread()); },
                    "expected a weight of 5 dimensions, got 4"}}}}};

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
