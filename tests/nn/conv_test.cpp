#include <map>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/conv.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Conv2d, FollowsPyTorch) {
  follow_golden("conv", "conv", [](DType dtype) { return Conv2d(2, 3, 3, {.dtype = dtype}); });
  follow_golden("conv", "conv of all options", [](DType dtype) {
    return Conv2d(2, 4, {3, 2},
                  {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2, .dtype = dtype});
  });
  follow_golden("conv", "conv without bias",
                [](DType dtype) { return Conv2d(3, 2, 2, {.stride = 2, .bias = false, .dtype = dtype}); });
  follow_golden("conv", "conv without batch",
                [](DType dtype) { return Conv2d(2, 3, 3, {.padding = 1, .dtype = dtype}); });
}

// The first `dims` of three numbers.
template <int dims> Shape first(std::int64_t a, std::int64_t b, std::int64_t c) {
  const std::int64_t all[] = {a, b, c};
  return Shape(std::span(all).first(dims));
}
template <int dims> Shape last(std::int64_t a, std::int64_t b, std::int64_t c) {
  const std::int64_t all[] = {a, b, c};
  return Shape(std::span(all).last(dims));
}

constexpr const char* modes[] = {"zeros", "reflect", "replicate", "circular"};

template <int dims> void follow_padded() {
  const std::string type = "Conv" + std::to_string(dims) + "d";
  for (int m = 0; m < 4; ++m) {
    const auto mode = static_cast<PadMode>(m);
    follow_golden("conv", type + " " + modes[m], [&](DType dtype) {
      return Conv<dims>(1, 2, 3, {.padding = first<dims>(2, 1, 1), .padding_mode = mode, .dtype = dtype});
    });
    follow_golden("conv", type + " " + modes[m] + " same", [&](DType dtype) {
      return Conv<dims>(1, 2, first<dims>(2, 3, 2),
                        {.padding = Padding::same, .padding_mode = mode, .dtype = dtype});
    });
  }
  follow_golden("conv", type + " valid", [](DType dtype) {
    return Conv<dims>(1, 2, 2,
                      {.padding = Padding::valid, .padding_mode = PadMode::circular, .dtype = dtype});
  });
}

TEST(Convolutions, PadInEveryModeAsPyTorch) {
  follow_padded<1>();
  follow_padded<2>();
  follow_padded<3>();
}

TEST(Conv1d, FollowsPyTorch) {
  follow_golden("conv", "Conv1d", [](DType dtype) { return Conv1d(2, 3, 3, {.dtype = dtype}); });
  follow_golden("conv", "Conv1d of all options", [](DType dtype) {
    return Conv1d(4, 2, 2,
                  {.stride = 2,
                   .padding = 1,
                   .dilation = 2,
                   .groups = 2,
                   .bias = false,
                   .padding_mode = {},
                   .dtype = dtype});
  });
}

TEST(Conv3d, FollowsPyTorch) {
  follow_golden("conv", "Conv3d", [](DType dtype) { return Conv3d(2, 2, 2, {.dtype = dtype}); });
  follow_golden("conv", "Conv3d of all options", [](DType dtype) {
    return Conv3d(
        2, 2, {1, 2, 2},
        {.stride = {1, 2, 1}, .padding = {0, 1, 1}, .dilation = {1, 1, 2}, .groups = 2, .dtype = dtype});
  });
}

template <int dims> void follow_transposed() {
  const std::string type = "ConvTranspose" + std::to_string(dims) + "d";
  follow_golden("conv", type, [](DType dtype) { return ConvTranspose<dims>(2, 3, 2, {.dtype = dtype}); });
  follow_golden("conv", type + " of all options", [](DType dtype) {
    return ConvTranspose<dims>(2, 4, first<dims>(3, 2, 2),
                               {.stride = first<dims>(2, 3, 2),
                                .padding = first<dims>(1, 0, 1),
                                .output_padding = first<dims>(1, 2, 0),
                                .groups = 2,
                                .dilation = first<dims>(1, 2, 1),
                                .dtype = dtype});
  });
  follow_golden(
      "conv", type + " to a size",
      [](DType dtype) { return ConvTranspose<dims>(1, 2, 3, {.stride = 2, .bias = false, .dtype = dtype}); },
      [](auto& layer, const std::vector<Tensor>& x) {
        return std::vector<Tensor>{layer(x[0], first<dims>(8, 5, 6))};
      });
}

TEST(ConvTranspose, FollowsPyTorch) {
  follow_transposed<1>();
  follow_transposed<2>();
  follow_transposed<3>();
}

template <int dims> void add_prints(std::map<std::string, std::string>& texts) {
  const std::string conv = "Conv" + std::to_string(dims) + "d",
                    up = "ConvTranspose" + std::to_string(dims) + "d";
  texts[conv] = Conv<dims>(2, 4, 3).to_string();
  texts[conv + " same"] =
      Conv<dims>(2, 4, 3, {.padding = Padding::same, .padding_mode = PadMode::reflect}).to_string();
  texts[conv + " valid"] = Conv<dims>(2, 4, 3, {.padding = Padding::valid, .bias = false}).to_string();
  texts[conv + " of all options"] = Conv<dims>(4, 6, first<dims>(3, 1, 2),
                                               {.stride = first<dims>(1, 2, 1),
                                                .padding = last<dims>(0, 1, 2),
                                                .dilation = first<dims>(2, 3, 1),
                                                .groups = 2,
                                                .bias = false,
                                                .padding_mode = PadMode::circular})
                                        .to_string();
  texts[up] = ConvTranspose<dims>(2, 4, 3).to_string();
  texts[up + " of all options"] = ConvTranspose<dims>(4, 6, 3,
                                                      {.stride = first<dims>(2, 1, 2),
                                                       .padding = 1,
                                                       .output_padding = first<dims>(1, 0, 1),
                                                       .groups = 2,
                                                       .bias = false,
                                                       .dilation = 2})
                                      .to_string();
}

TEST(Convolutions, PrintAsPyTorchs) {
  std::map<std::string, std::string> texts;
  add_prints<1>(texts);
  add_prints<2>(texts);
  add_prints<3>(texts);
  expect_prints("conv", texts);
}

TEST(Convolutions, HaveTheNamesOfTheirAliases) {
  EXPECT_EQ(reflect::type_name<Conv1d>(), "Conv1d");
  EXPECT_EQ(reflect::type_name<ConvTranspose3d>(), "ConvTranspose3d");
}

TEST(Convolutions, AreClonedWithAllOptions) {
  const Conv1d conv(
      2, 4, 3, {.padding = Padding::same, .dilation = 2, .groups = 2, .padding_mode = PadMode::circular});
  Conv1d copy = conv.clone();
  EXPECT_EQ(copy.to_string(), conv.to_string());
  EXPECT_EQ(copy(ones({2, 8})).sizes(), (Shape{4, 8}));
  const ConvTranspose3d up(2, 4, 3, {.stride = 2, .output_padding = {1, 0, 1}});
  EXPECT_EQ(up.clone().to_string(), up.to_string());
}

TEST(ConvTranspose, ReachesEverySizeThatItsConvolutionTakes) {
  Conv2d down(1, 1, 3, {.stride = 2, .padding = 1});
  ConvTranspose2d up(1, 1, 3, {.stride = 2, .padding = 1});
  for (const std::int64_t size : {7, 8}) {
    const Tensor x = ones({1, 1, size, size});
    EXPECT_EQ(up(down(x), x.sizes()).sizes(), x.sizes());
    EXPECT_EQ(up(down(x), Shape{size, size}).sizes(), x.sizes());
  }
}

TEST(ConvTranspose, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { ConvTranspose2d(0, 3, 3); }, message("in_channels 0"));
  EXPECT_THAT([] { ConvTranspose2d(4, 4, 3, {.output_padding = -1}); }, message("output_padding (-1, -1)"));
  EXPECT_THAT([] { ConvTranspose1d(4, 4, {3, 3}); }, message("kernel_size [3, 3] for 1 dimensions"));
  ConvTranspose2d layer(2, 3, 3, {.stride = 2});
  EXPECT_THAT([&] { layer(ones({1, 2, 2, 2}), Shape{7, 4}); }, message("sizes from 5 to 6 are possible"));
  EXPECT_THAT([&] { layer(ones({1, 2, 2, 2}), Shape{5, 5, 5}); }, message("output_size [5, 5, 5]"));
  EXPECT_THAT([&] { layer(ones({1, 3, 2, 2})); }, message("in ConvTranspose2d"));
}

TEST(Conv2d, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { Conv2d(0, 3, 3); }, message("in_channels 0"));
  EXPECT_THAT([] { Conv2d(3, -1, 3); }, message("out_channels -1"));
  EXPECT_THAT([] { Conv2d(3, 4, 3, {.groups = 2}); }, message("divisible by groups 2"));
  EXPECT_THAT([] { Conv2d(4, 3, 3, {.groups = 2}); }, message("divisible by groups 2"));
  EXPECT_THAT([] { Conv2d(4, 4, 3, {.groups = 0}); }, message("groups 0"));
  EXPECT_THAT([] { Conv2d(4, 4, {3, 0}); }, message("kernel_size (3, 0)"));
  EXPECT_THAT([] { Conv2d(4, 4, 3, {.stride = 0}); }, message("stride (0, 0)"));
  EXPECT_THAT([] { Conv2d(4, 4, 3, {.dilation = {1, -1}}); }, message("dilation (1, -1)"));
  EXPECT_THAT([] { Conv2d(4, 4, 3, {.padding = -1}); }, message("padding (-1, -1)"));
  EXPECT_THAT([] { Conv2d(4, 4, 3, {.stride = 2, .padding = Padding::same}); },
              message("Padding::same with stride (2, 2)"));
  EXPECT_THAT([] { Conv2d(4, 4, 3, {.stride = std::int64_t{1} << 40}); }, message("2^31 or more"));
  EXPECT_THAT([] { Conv3d(4, 4, {3, 3}); }, message("kernel_size [3, 3] for 3 dimensions"));
  Conv2d layer(2, 3, 3);
  EXPECT_THAT([&] { layer(ones({1, 4, 5, 5})); }, message("in Conv2d"));
  EXPECT_THROW(layer(ones({1, 2, 2, 5})), Error);  // smaller than the kernel
  EXPECT_THROW(layer(ones({2, 5})), Error);
  EXPECT_THROW(layer(ones({1, 2, 5, 5}, f64)), Error);
}

}  // namespace
}  // namespace mica::nn
