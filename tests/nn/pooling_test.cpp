#include <map>
#include <span>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/adaptive_pooling.h>
#include <mica/nn/pooling.h>
#include <mica/nn/unpooling.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(MaxPool2d, FollowsPyTorch) {
  follow_golden("pooling", "max pool", [](DType) { return MaxPool2d(2); });
  follow_golden("pooling", "max pool of all options", [](DType) {
    return MaxPool2d({3, 2}, {.stride = {2, 1}, .padding = 1, .dilation = {1, 2}, .ceil_mode = true});
  });
}

TEST(AvgPool2d, FollowsPyTorch) {
  follow_golden("pooling", "avg pool", [](DType) { return AvgPool2d(2); });
  follow_golden("pooling", "avg pool of all options", [](DType) {
    return AvgPool2d({3, 2}, {.stride = {2, 1}, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  follow_golden("pooling", "avg pool with divisor",
                [](DType) { return AvgPool2d(2, {.stride = 1, .divisor_override = 3}); });
}

// The first `dims` of three numbers.
template <int dims> Shape first(std::int64_t a, std::int64_t b, std::int64_t c) {
  const std::int64_t all[] = {a, b, c};
  return Shape(std::span(all).first(dims));
}

template <int dims> void follow_windows() {
  const std::string d = std::to_string(dims) + "d";
  follow_golden("pooling", "MaxPool" + d, [](DType) { return MaxPool<dims>(2); });
  follow_golden("pooling", "MaxPool" + d + " of all options", [](DType) {
    return MaxPool<dims>(first<dims>(3, 2, 2), {.stride = first<dims>(2, 1, 2),
                                                .padding = first<dims>(1, 1, 0),
                                                .dilation = first<dims>(1, 2, 1),
                                                .ceil_mode = true});
  });
  follow_golden("pooling", "AvgPool" + d, [](DType) { return AvgPool<dims>(2); });
  follow_golden("pooling", "AvgPool" + d + " of all options", [](DType) {
    return AvgPool<dims>(first<dims>(3, 2, 2), {.stride = first<dims>(2, 1, 2),
                                                .padding = first<dims>(1, 1, 0),
                                                .ceil_mode = true,
                                                .count_include_pad = false});
  });
}
TEST(Pooling, FollowsPyTorchInOneAndThreeDimensions) {
  follow_windows<1>();
  follow_windows<3>();
}

TEST(LPPool, FollowsPyTorch) {
  follow_golden("pooling", "LPPool1d",
                [](DType) { return LPPool1d(2, 3, {.stride = 2, .ceil_mode = true}); });
  follow_golden("pooling", "LPPool2d",
                [](DType) { return LPPool2d(2, 3, {.stride = 2, .ceil_mode = true}); });
  follow_golden("pooling", "LPPool3d", [](DType) { return LPPool3d(2, {3, 2, 2}, {.stride = {1, 2, 3}}); });
}

template <int dims> void follow_adaptive() {
  const std::string d = std::to_string(dims) + "d";
  follow_golden("pooling", "AdaptiveAvgPool" + d,
                [](DType) { return AdaptiveAvgPool<dims>(first<dims>(3, -1, 2)); });
  follow_golden("pooling", "AdaptiveMaxPool" + d,
                [](DType) { return AdaptiveMaxPool<dims>(first<dims>(3, -1, 2)); });
}
TEST(AdaptivePooling, FollowsPyTorch) {
  follow_adaptive<1>();
  follow_adaptive<2>();
  follow_adaptive<3>();
}

template <int dims> void follow_unpooling() {
  follow_golden(
      "pooling", "MaxUnpool" + std::to_string(dims) + "d",
      [](DType) { return MaxUnpool<dims>(2, {.stride = 2}); },
      [](auto& layer, const std::vector<Tensor>& x) {
        const auto [y, indices] = MaxPool<dims>(2).with_indices(x[0]);
        return std::vector<Tensor>{layer(y, indices, x[0].sizes())};
      });
}
TEST(MaxUnpool, FollowsPyTorch) {
  follow_unpooling<1>();
  follow_unpooling<2>();
  follow_unpooling<3>();
}

TEST(FractionalMaxPool, FollowsPyTorchsRandomNumbers) {
  follow_golden("pooling", "FractionalMaxPool2d",
                [](DType) { return FractionalMaxPool2d(2, {.output_size = 2}); });
  follow_golden("pooling", "FractionalMaxPool3d",
                [](DType) { return FractionalMaxPool3d(2, {.output_size = 2}); });
}

template <int dims> void add_prints(std::map<std::string, std::string>& texts) {
  const std::string d = std::to_string(dims) + "d";
  texts["MaxPool" + d] = MaxPool<dims>(2).to_string();
  texts["MaxPool" + d + " of all options"] =
      MaxPool<dims>(
          first<dims>(3, 2, 2),
          {.stride = first<dims>(2, 1, 2), .padding = 1, .dilation = first<dims>(1, 2, 1), .ceil_mode = true})
          .to_string();
  texts["AvgPool" + d] = AvgPool<dims>(3, {.padding = 1}).to_string();
  texts["AdaptiveAvgPool" + d] = AdaptiveAvgPool<dims>(3).to_string();
  texts["AdaptiveMaxPool" + d] =
      AdaptiveMaxPool<dims>(dims > 1 ? first<dims>(3, -1, 2) : Shape(2)).to_string();
  texts["MaxUnpool" + d] = MaxUnpool<dims>(3, {.stride = 2, .padding = 1}).to_string();
}
TEST(Pooling, PrintsAsPyTorchs) {
  std::map<std::string, std::string> texts;
  add_prints<1>(texts);
  add_prints<2>(texts);
  add_prints<3>(texts);
  texts["FractionalMaxPool2d"] = FractionalMaxPool2d(2, {.output_ratio = {0.5}}).to_string();
  texts["FractionalMaxPool3d"] = FractionalMaxPool3d(2, {.output_ratio = {0.5}}).to_string();
  texts["LPPool1d"] = LPPool1d(2.5, 3).to_string();
  texts["LPPool2d"] = LPPool2d(2, {3, 2}, {.stride = 2, .ceil_mode = true}).to_string();
  expect_prints("pooling", texts);
  EXPECT_EQ(LPPool3d(2, 3).to_string(),  // new in PyTorch 2.3
            "LPPool3d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)");
}

TEST(Pooling, TellsWhereTheValuesWere) {
  Generator generator(1);
  const Tensor x = randn({1, 2, 4, 6}, generator);
  MaxPool2d pool(2);
  const auto [y, indices] = pool.with_indices(x);
  EXPECT_TRUE(equal(y, pool(x)));
  EXPECT_TRUE(equal(x.flatten(2).gather(2, indices.flatten(2)), y.flatten(2)));
  AdaptiveMaxPool2d adaptive({3, -1});
  const auto [z, at] = adaptive.with_indices(x);
  EXPECT_TRUE(equal(z, adaptive(x)));
  EXPECT_TRUE(equal(x.flatten(2).gather(2, at.flatten(2)), z.flatten(2)));
  FractionalMaxPool2d fractional(2, {.output_ratio = {0.5, 0.6}});
  const auto [w, from] = fractional.with_indices(x);
  EXPECT_EQ(w.sizes(), (Shape{1, 2, 2, 3}));
  EXPECT_TRUE(equal(x.flatten(2).gather(2, from.flatten(2)), w.flatten(2)));
}

TEST(Pooling, IsClonedWithItsOptions) {
  EXPECT_EQ(LPPool2d(3, 2, {.ceil_mode = true}).clone().to_string(),
            "LPPool2d(norm_type=3, kernel_size=2, stride=None, ceil_mode=True)");
  EXPECT_EQ(AdaptiveAvgPool2d({-1, 2}).clone().output_size, (Shape{-1, 2}));
  EXPECT_EQ(MaxUnpool2d(2, {.stride = 3}).clone().options.stride, Shape(3));
  EXPECT_EQ(FractionalMaxPool3d(2, {.output_size = 3}).clone().options.output_size, Shape(3));
}

TEST(Pooling, HasNoParameters) {
  EXPECT_TRUE(MaxPool2d(2).parameters().empty());
  EXPECT_TRUE(AvgPool2d(2).state_dict().empty());
}

TEST(Pooling, RefusesWhatDoesNotFit) {
  MaxPool2d max(3);
  AvgPool2d avg(3);
  EXPECT_THAT([&] { max(ones({2, 5})); }, ThrowsMessage<Error>(HasSubstr("in MaxPool2d")));
  EXPECT_THAT([&] { avg(ones({1, 1, 2, 5})); }, ThrowsMessage<Error>(HasSubstr("in AvgPool2d")));
  MaxPool2d padded(2, {.padding = 2});
  EXPECT_THROW(padded(ones({1, 1, 5, 5})), Error);  // more than half the window
  AdaptiveAvgPool2d adaptive({2, 2, 2});
  EXPECT_THAT([&] { adaptive(ones({1, 1, 4, 4})); }, ThrowsMessage<Error>(HasSubstr("in AdaptiveAvgPool2d")));
  EXPECT_THAT([] { FractionalMaxPool2d(2, {}); }, ThrowsMessage<Error>(HasSubstr("give one of the two")));
  EXPECT_THAT([] { FractionalMaxPool3d(2, {.output_ratio = {0.5, 1.5}}); },
              ThrowsMessage<Error>(HasSubstr("output_ratio [0.5, 1.5] must be between 0 and 1")));
}

}  // namespace
}  // namespace mica::nn
