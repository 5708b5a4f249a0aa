#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

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

const std::vector<Case> max_pool2d_cases{
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
};

const std::vector<Case> avg_pool2d_cases{
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

Tensor images() { return ones({1, 1, 4, 4}); }

const table::Rows rows{
    "pool",
    {{.name = "max_pool2d",
      .golden = {{"max_pool2d",
                  [](Inputs x, const Args& a) {
                    return std::vector{max_pool2d(x[0], pair(a, "kernel", 1),
                                                  {.stride = stride(a),
                                                   .padding = pair(a, "padding", 0),
                                                   .dilation = pair(a, "dilation", 1),
                                                   .ceil_mode = a.flag("ceil_mode")})};
                  }}},
      .gradients = max_pool2d_cases,
      .refusals = {{[] { max_pool2d(images(), 5); }, "the window is larger than the padded input"},
                   {[] { max_pool2d(images(), 0); }, "the kernel must be at least 1"},
                   {[] { max_pool2d(images(), 2, {.stride = 0}); }, "stride (0, 0)"},
                   {[] { max_pool2d(images(), 2, {.dilation = {1, 0}}); }, "dilation (1, 0)"},
                   {[] { max_pool2d(images(), 2, {.dilation = std::int64_t{1} << 62}); }, "2^31 or more"},
                   {[] { max_pool2d(images(), std::int64_t{1} << 62); }, "2^31 or more"},
                   {[] { max_pool2d(images(), 2, {.padding = 2}); }, "padding is more than half the kernel"},
                   {[] { max_pool2d(images(), 2, {.padding = -1}); }, "padding must not be negative"},
                   {[] { max_pool2d(ones({4, 4}), 2); }, "expected an input of 3 or 4 dimensions, got 2"},
                   {[] { max_pool2d(ones({1, 4, 4}, i64), 2); }, "got i64"}}},
     {.name = "avg_pool2d",
      .golden = {{"avg_pool2d",
                  [](Inputs x, const Args& a) {
                    return std::vector{avg_pool2d(
                        x[0], pair(a, "kernel", 1),
                        {.stride = stride(a),
                         .padding = pair(a, "padding", 0),
                         .ceil_mode = a.flag("ceil_mode"),
                         .count_include_pad = !a.has("count_include_pad") || a.flag("count_include_pad"),
                         .divisor_override = a.maybe_integer("divisor_override")})};
                  }}},
      .gradients = avg_pool2d_cases,
      .refusals = {
          {[] { avg_pool2d(images(), 2, {.divisor_override = 0}); }, "divisor_override must not be 0"},
          {[] { avg_pool2d(images(), {5, 1}); }, "kernel (5, 1)"},
          {[] { avg_pool2d(images(), 2, {.stride = -1}); }, "stride (-1, -1)"},
          {[] { avg_pool2d(images(), 2, {.padding = 2}); }, "padding is more than half the kernel"},
          {[] { avg_pool2d(ones({4, 4}), 2); }, "expected an input of 3 or 4 dimensions, got 2"},
          {[] { avg_pool2d(ones({1, 4, 4}, i32), 2); }, "got i32"}}}}};

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

}  // namespace
}  // namespace mica
