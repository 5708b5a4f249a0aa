#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::derivative_of;
using gradients::Inputs;

using MaxCall = Tensor (*)(const Tensor&, const Shape&, const MaxPoolOptions&);
using IndexedCall = ValuesIndices (*)(const Tensor&, const Shape&, const MaxPoolOptions&);
using AvgCall = Tensor (*)(const Tensor&, const Shape&, const AvgPoolOptions&);
using LPCall = Tensor (*)(const Tensor&, double, const Shape&, const LPPoolOptions&);

Case max_case(const std::string& name, MaxCall fn, const Shape& x, const Shape& kernel,
              const MaxPoolOptions& o = {}) {
  return {name, [=](Inputs in) { return fn(square(in[0]), kernel, o); }, {{x}}};
}
Case avg_case(const std::string& name, AvgCall fn, const Shape& x, const Shape& kernel,
              const AvgPoolOptions& o = {}) {
  return {name, [=](Inputs in) { return fn(square(in[0]), kernel, o); }, {{x}}};
}
Case lp_case(const std::string& name, LPCall fn, const Shape& x, double p, const LPPoolOptions& o = {}) {
  return {name, [=](Inputs in) { return fn(in[0], p, 2, o); }, {{x, 0.5, 2}}};
}
Tensor channels_last(const Tensor& x) { return x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}); }

const std::vector<Case> max_pool1d_cases{
    max_case("MaxPool1d", max_pool1d, {1, 2, 5}, 2),
    max_case("MaxPool1dOptions", max_pool1d, {2, 6}, 3,
             {.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true}),
};
const std::vector<Case> max_pool2d_cases{
    max_case("MaxPool2d", max_pool2d, {1, 2, 4, 4}, 2),
    max_case("MaxPool2dOverlapping", max_pool2d, {1, 1, 4, 4}, 3, {.stride = 1, .padding = 1}),
    max_case("MaxPool2dCeilMode", max_pool2d, {1, 2, 3, 5}, 2, {.ceil_mode = true}),
    max_case("MaxPool2dDilation", max_pool2d, {2, 1, 4, 4}, 2, {.stride = 1, .dilation = {2, 1}}),
    max_case("MaxPool2dUnbatched", max_pool2d, {2, 3, 3}, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}}),
    max_case("MaxPool2dNoImages", max_pool2d, {0, 2, 3, 3}, 2),
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
const std::vector<Case> max_pool3d_cases{
    max_case("MaxPool3d", max_pool3d, {1, 2, 2, 3, 4}, 2),
    max_case("MaxPool3dOptions", max_pool3d, {1, 3, 4, 3}, {3, 2, 2},
             {.stride = {2, 1, 2}, .padding = 1, .dilation = {1, 2, 1}, .ceil_mode = true}),
};

const std::vector<Case> avg_pool1d_cases{
    avg_case("AvgPool1d", avg_pool1d, {1, 2, 5}, 2),
    avg_case("AvgPool1dOptions", avg_pool1d, {2, 6}, 3,
             {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
};
const std::vector<Case> avg_pool2d_cases{
    avg_case("AvgPool2d", avg_pool2d, {1, 2, 4, 4}, 2),
    avg_case("AvgPool2dOverlapping", avg_pool2d, {1, 1, 4, 4}, 3, {.stride = 1, .padding = 1}),
    avg_case("AvgPool2dCeilMode", avg_pool2d, {1, 2, 3, 5}, 2, {.ceil_mode = true}),
    avg_case("AvgPool2dWithoutPadding", avg_pool2d, {1, 1, 4, 3}, 3,
             {.stride = 2, .padding = 1, .count_include_pad = false}),
    avg_case("AvgPool2dDivisor", avg_pool2d, {2, 3, 3}, 2, {.stride = 1, .divisor_override = 3}),
    avg_case("AvgPool2dNoImages", avg_pool2d, {0, 2, 3, 3}, 2),
    {"AvgPool2dThirdDerivative",
     derivative_of([](Inputs x) { return avg_pool2d(x[0], 2); }),
     {{{1, 1, 2, 4}}}},
    {"AvgPool2dChannelsLast",
     [](Inputs x) { return square(avg_pool2d(channels_last(x[0]), 2)); },
     {{{1, 2, 2, 4}}}},
};
const std::vector<Case> avg_pool3d_cases{
    avg_case("AvgPool3d", avg_pool3d, {1, 2, 2, 3, 4}, 2),
    avg_case("AvgPool3dOptions", avg_pool3d, {1, 3, 4, 3}, {3, 2, 2},
             {.stride = {2, 1, 2}, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
    avg_case("AvgPool3dDivisor", avg_pool3d, {1, 2, 3, 2}, 2, {.stride = 1, .divisor_override = 3}),
};

Shape shape(const Args& a, const char* name, const Shape& otherwise) {
  return a.has(name) ? a.shape(name) : otherwise;
}
MaxPoolOptions max_options(const Args& a) {
  return {.stride = shape(a, "stride", {}),
          .padding = shape(a, "padding", 0),
          .dilation = shape(a, "dilation", 1),
          .ceil_mode = a.flag("ceil_mode")};
}
golden::Operations largest(const char* name, MaxCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             return std::vector{fn(x[0], a.shape("kernel"), max_options(a))};
           }}};
}
golden::Operations indexed(const char* name, IndexedCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             const auto [y, at] = fn(x[0], a.shape("kernel"), max_options(a));
             return std::vector{y, at};
           }}};
}
golden::Operations mean(const char* name, AvgCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             return std::vector{
                 fn(x[0], a.shape("kernel"),
                    {.stride = shape(a, "stride", {}),
                     .padding = shape(a, "padding", 0),
                     .ceil_mode = a.flag("ceil_mode"),
                     .count_include_pad = !a.has("count_include_pad") || a.flag("count_include_pad"),
                     .divisor_override = a.maybe_integer("divisor_override")})};
           }}};
}
golden::Operations norm_of(const char* name, LPCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             return std::vector{fn(x[0], a.real("norm", 2), a.shape("kernel"),
                                   {.stride = shape(a, "stride", {}), .ceil_mode = a.flag("ceil_mode")})};
           }}};
}
// The gradients of the values; positions have none.
std::vector<Case> values_case(const std::string& name, IndexedCall fn, const Shape& x) {
  return {{name, [fn](Inputs in) { return square(fn(in[0], 2, {}).values); }, {{x}}}};
}

Tensor images() { return ones({1, 1, 4, 4}); }
constexpr std::int64_t huge = std::int64_t{1} << 62;

const table::Rows rows{
    "pool",
    {{.name = "max_pool2d",
      .golden = largest("max_pool2d", max_pool2d),
      .gradients = max_pool2d_cases,
      .refusals = {{[] { max_pool2d(images(), 5); }, "the window is larger than the padded input"},
                   {[] { max_pool2d(images(), 0); }, "the kernel must be at least 1"},
                   {[] { max_pool2d(images(), 2, {.stride = {0}}); }, "stride [0, 0]"},
                   {[] { max_pool2d(images(), {2, 2, 2}); }, "kernel_size [2, 2, 2] for 2 dimensions"},
                   {[] { max_pool2d(images(), 2, {.dilation = {1, 0}}); }, "dilation [1, 0]"},
                   {[] { max_pool2d(images(), 2, {.dilation = huge}); }, "2^31 or more"},
                   {[] { max_pool2d(images(), huge); }, "2^31 or more"},
                   {[] { max_pool2d(images(), 2, {.padding = 2}); }, "padding is more than half the kernel"},
                   {[] { max_pool2d(images(), 2, {.padding = -1}); }, "padding must not be negative"},
                   {[] { max_pool2d(ones({1}).expand({1, 1, 1 << 16, 1 << 16}), 2); },
                    "65536 x 65536 elements"},
                   {[] { max_pool2d(ones({4, 4}), 2); }, "expected an input of 3 or 4 dimensions, got 2"},
                   {[] { max_pool2d(ones({1, 4, 4}, i64), 2); }, "got i64"}}},
     {.name = "max_pool1d",
      .golden = largest("max_pool1d", max_pool1d),
      .gradients = max_pool1d_cases,
      .refusals = {{[] { max_pool1d(images(), 2); }, "expected an input of 2 or 3 dimensions, got 4"},
                   {[] { max_pool1d(ones({1, 4}), 5); }, "the window is larger than the padded input"}}},
     {.name = "max_pool3d",
      .golden = largest("max_pool3d", max_pool3d),
      .gradients = max_pool3d_cases,
      .refusals = {{[] { max_pool3d(images().squeeze(0), 2); },
                    "expected an input of 4 or 5 dimensions, got 3"},
                   {[] { max_pool3d(ones({1, 4, 4, 4}), {5, 2, 2}); }, "kernel [5, 2, 2]"}}},
     {.name = "max_pool1d_with_indices",
      .golden = indexed("max_pool1d_with_indices", max_pool1d_with_indices),
      .gradients = values_case("MaxPool1dWithIndices", max_pool1d_with_indices, {1, 2, 5}),
      .refusals = {{[] { max_pool1d_with_indices(images(), 2); }, "got 4", "max_pool1d"}}},
     {.name = "max_pool2d_with_indices",
      .golden = indexed("max_pool2d_with_indices", max_pool2d_with_indices),
      .gradients = values_case("MaxPool2dWithIndices", max_pool2d_with_indices, {1, 2, 3, 4}),
      .refusals = {{[] { max_pool2d_with_indices(images(), 5); }, "larger than the padded input",
                    "max_pool2d"}}},
     {.name = "max_pool3d_with_indices",
      .golden = indexed("max_pool3d_with_indices", max_pool3d_with_indices),
      .gradients = values_case("MaxPool3dWithIndices", max_pool3d_with_indices, {1, 1, 2, 3, 4}),
      .refusals = {{[] { max_pool3d_with_indices(images(), 5); }, "larger than the padded input",
                    "max_pool3d"}}},
     {.name = "avg_pool2d",
      .golden = mean("avg_pool2d", avg_pool2d),
      .gradients = avg_pool2d_cases,
      .refusals = {{[] { avg_pool2d(images(), 2, {.divisor_override = 0}); },
                    "divisor_override must not be 0"},
                   {[] { avg_pool2d(images(), {5, 1}); }, "kernel [5, 1]"},
                   {[] { avg_pool2d(images(), 2, {.stride = -1}); }, "stride [-1, -1]"},
                   {[] { avg_pool2d(images(), 2, {.padding = 2}); }, "padding is more than half the kernel"},
                   {[] { avg_pool2d(ones({4, 4}), 2); }, "expected an input of 3 or 4 dimensions, got 2"},
                   {[] { avg_pool2d(ones({1, 4, 4}, i32), 2); }, "got i32"}}},
     {.name = "avg_pool1d",
      .golden = mean("avg_pool1d", avg_pool1d),
      .gradients = avg_pool1d_cases,
      .refusals = {{[] { avg_pool1d(images(), 2); }, "expected an input of 2 or 3 dimensions, got 4"}}},
     {.name = "avg_pool3d",
      .golden = mean("avg_pool3d", avg_pool3d),
      .gradients = avg_pool3d_cases,
      .refusals = {{[] { avg_pool3d(ones({1, 4, 4, 4}), 2, {.padding = {0, 2, 0}}); },
                    "padding is more than half the kernel"}}},
     {.name = "lp_pool1d",
      .golden = norm_of("lp_pool1d", lp_pool1d),
      .gradients = {lp_case("LPPool1d", lp_pool1d, {1, 2, 5}, 2)},
      .refusals = {{[] { lp_pool1d(ones({1, 4}), 2, 5); }, "larger than the padded input", "avg_pool1d"}}},
     {.name = "lp_pool2d",
      .golden = norm_of("lp_pool2d", lp_pool2d),
      .gradients = {lp_case("LPPool2d", lp_pool2d, {1, 1, 3, 4}, 3, {.stride = {1, 2}, .ceil_mode = true})},
      .refusals = {{[] { lp_pool2d(images(), 2, {2, 2, 2}); }, "kernel_size [2, 2, 2] for 2 dimensions"}}},
     {.name = "lp_pool3d",
      .golden = norm_of("lp_pool3d", lp_pool3d),
      .gradients = {lp_case("LPPool3d", lp_pool3d, {1, 2, 3, 2}, 2)},
      .refusals = {{[] { lp_pool3d(ones({4, 4}), 2, 2); }, "got 2", "avg_pool3d"}}}}};

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
