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

Case max_case(const std::string& name, const Shape& x, IntPair kernel, MaxPool2dOptions o) {
  return {name, [=](Inputs in) { return max_pool2d(square(in[0]), kernel, o); }, {{x}}};
}
Case avg_case(const std::string& name, const Shape& x, IntPair kernel, AvgPool2dOptions o) {
  return {name, [=](Inputs in) { return avg_pool2d(square(in[0]), kernel, o); }, {{x}}};
}
Tensor channels_last(const Tensor& x) { return x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}); }

const gradients::Cases pool_cases{
    max_case("MaxPool2d", {1, 2, 4, 4}, 2, {}),
    max_case("MaxPool2dOverlapping", {1, 1, 4, 4}, 3, {.stride = 1, .padding = 1}),
    max_case("MaxPool2dCeilMode", {1, 2, 3, 5}, 2, {.ceil_mode = true}),
    max_case("MaxPool2dDilation", {2, 1, 4, 4}, 2, {.stride = 1, .dilation = {2, 1}}),
    max_case("MaxPool2dUnbatched", {2, 3, 3}, {3, 2}, {.stride = IntPair{2, 1}, .padding = {1, 0}}),
    max_case("MaxPool2dNoImages", {0, 2, 3, 3}, 2, {}),
    {"MaxPool2dThirdDerivative",
     derivative_of([](Inputs x) { return max_pool2d(x[0], 2); }),
     {{{1, 1, 2, 4}}}},
    {"MaxPool2dChannelsLast",
     [](Inputs x) { return square(max_pool2d(channels_last(x[0]), 2)); },
     {{{1, 2, 2, 4}}}},
    {"MaxPool2dChannelsLastThirdDerivative",
     derivative_of([](Inputs x) { return max_pool2d(channels_last(x[0]), 2); }),
     {{{1, 2, 2, 4}}}},
    avg_case("AvgPool2d", {1, 2, 4, 4}, 2, {}),
    avg_case("AvgPool2dOverlapping", {1, 1, 4, 4}, 3, {.stride = 1, .padding = 1}),
    avg_case("AvgPool2dCeilMode", {1, 2, 3, 5}, 2, {.ceil_mode = true}),
    avg_case("AvgPool2dWithoutPadding", {1, 1, 4, 3}, 3,
             {.stride = 2, .padding = 1, .count_include_pad = false}),
    avg_case("AvgPool2dDivisor", {2, 3, 3}, 2, {.stride = 1, .divisor_override = 3}),
    avg_case("AvgPool2dNoImages", {0, 2, 3, 3}, 2, {}),
    {"AvgPool2dThirdDerivative",
     derivative_of([](Inputs x) { return avg_pool2d(x[0], 2); }),
     {{{1, 1, 2, 4}}}},
    {"AvgPool2dChannelsLast",
     [](Inputs x) { return square(avg_pool2d(channels_last(x[0]), 2)); },
     {{{1, 2, 2, 4}}}},
};

IntPair pair(const Args& a, const char* name, IntPair otherwise) {
  if (!a.has(name)) return otherwise;
  const Shape both = a.shape(name);
  return {both[0], both[1]};
}
std::optional<IntPair> stride(const Args& a) {
  return a.has("stride") ? std::optional(pair(a, "stride", 1)) : std::nullopt;
}

TEST(Pool, AgreesWithPyTorch) {
  golden::expect_golden(
      "pool", {{"max_pool2d",
                [](Inputs x, const Args& a) {
                  return std::vector{max_pool2d(x[0], pair(a, "kernel", 1),
                                                {.stride = stride(a),
                                                 .padding = pair(a, "padding", 0),
                                                 .dilation = pair(a, "dilation", 1),
                                                 .ceil_mode = a.flag("ceil_mode")})};
                }},
               {"avg_pool2d", [](Inputs x, const Args& a) {
                  return std::vector{avg_pool2d(
                      x[0], pair(a, "kernel", 1),
                      {.stride = stride(a),
                       .padding = pair(a, "padding", 0),
                       .ceil_mode = a.flag("ceil_mode"),
                       .count_include_pad = !a.has("count_include_pad") || a.flag("count_include_pad"),
                       .divisor_override = a.maybe_integer("divisor_override")})};
                }}});
}

TEST(Pool, KeepsChannelsLast) {
  const Tensor x = channels_last(randn({2, 3, 6, 4}));
  for (const Tensor& y : {max_pool2d(x, 2), avg_pool2d(x, 2)}) EXPECT_EQ(y.strides()[1], 1);
  EXPECT_TRUE(equal(max_pool2d(x, 2), max_pool2d(x.contiguous(), 2)));
  EXPECT_TRUE(allclose(avg_pool2d(x, 3), avg_pool2d(x.contiguous(), 3)));
}

TEST(Pool, ComputesNarrowTypesInF32) {
  const Tensor x = randn({1, 2, 4, 4}).to(f16);
  EXPECT_TRUE(equal(max_pool2d(x, 2), max_pool2d(x.to(f32), 2).to(f16)));
  EXPECT_TRUE(equal(avg_pool2d(x, 2), avg_pool2d(x.to(f32), 2).to(f16)));
}

TEST(Pool, ExplainsWhatItRefuses) {
  const Tensor x = ones({1, 1, 4, 4});
  EXPECT_THROW(max_pool2d(x, 5), Error);
  EXPECT_THROW(max_pool2d(x, 0), Error);
  EXPECT_THROW(max_pool2d(x, 2, {.stride = 0}), Error);
  EXPECT_THROW(max_pool2d(x, 2, {.padding = 2}), Error);
  EXPECT_THROW(max_pool2d(x, 2, {.padding = -1}), Error);
  EXPECT_THROW(avg_pool2d(x, 2, {.divisor_override = 0}), Error);
  EXPECT_THROW(avg_pool2d(ones({4, 4}), 2), Error);
  EXPECT_THROW(max_pool2d(ones({1, 4, 4}, i64), 2), Error);
}

}  // namespace
}  // namespace mica
