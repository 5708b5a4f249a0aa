#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/fold.h>
#include <mica/nn/upsampling.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Upsample, FollowsPyTorch) {
  follow_golden("vision", "Upsample to a size", [](DType) { return Upsample({.size = {5, 3}}); });
  follow_golden("vision", "Upsample by factors", [](DType) {
    return Upsample(
        {.scale_factor = {1.5, 2}, .mode = InterpolationMode::bilinear, .recompute_scale_factor = true});
  });
  follow_golden("vision", "Upsample aligned", [](DType) {
    return Upsample({.size = 6, .mode = InterpolationMode::linear, .align_corners = true});
  });
  follow_golden("vision", "UpsamplingNearest2d",
                [](DType) { return UpsamplingNearest2d({.scale_factor = {2}}); });
  follow_golden("vision", "UpsamplingBilinear2d",
                [](DType) { return UpsamplingBilinear2d({.size = {2, 5}}); });
}

// As PyTorch 2 prints them; 1.13 leaves out the quotes.
TEST(Upsample, PrintsAsPyTorchs) {
  EXPECT_EQ(Upsample({.scale_factor = {2}}).to_string(), "Upsample(scale_factor=2.0, mode='nearest')");
  EXPECT_EQ(Upsample({.scale_factor = {2, 3}, .mode = InterpolationMode::nearest_exact}).to_string(),
            "Upsample(scale_factor=(2.0, 3.0), mode='nearest-exact')");
  EXPECT_EQ(Upsample({.size = {3, 4}, .mode = InterpolationMode::bilinear}).to_string(),
            "Upsample(size=(3, 4), mode='bilinear')");
  EXPECT_EQ(UpsamplingNearest2d({.size = 3}).to_string(), "UpsamplingNearest2d(size=3, mode='nearest')");
  EXPECT_EQ(UpsamplingBilinear2d({.scale_factor = {2}}).clone().to_string(),
            "UpsamplingBilinear2d(scale_factor=2.0, mode='bilinear')");
}

TEST(Upsample, RefusesWhatDoesNotFit) {
  EXPECT_THAT([] { Upsample(UpsampleOptions{}); }, ThrowsMessage<Error>(HasSubstr("give one of the two")));
  EXPECT_THAT([] { UpsamplingNearest2d({.size = 2, .scale_factor = {2}}); },
              ThrowsMessage<Error>(HasSubstr("UpsamplingNearest2d")));
  UpsamplingBilinear2d layer({.size = 2});
  EXPECT_THAT([&] { layer(ones({1, 1, 3})); }, ThrowsMessage<Error>(HasSubstr("in UpsamplingBilinear2d")));
}

TEST(FoldLayers, FollowPyTorch) {
  follow_golden("vision", "Unfold", [](DType) { return Unfold({2, 3}, {.padding = {0, 1}, .stride = 2}); });
  follow_golden("vision", "Fold", [](DType) { return Fold({4, 5}, 2, {.padding = 1, .stride = {2, 1}}); });
}

TEST(FoldLayers, PrintAsPyTorchs) {
  expect_prints("vision",
                {{"Unfold", Unfold(3).to_string()},
                 {"Unfold of all options",
                  Unfold({2, 3}, {.dilation = 2, .padding = {0, 1}, .stride = {2, 1}}).to_string()},
                 {"Fold", Fold({4, 5}, 2).to_string()},
                 {"Fold of all options",
                  Fold(6, {3, 2}, {.dilation = 2, .padding = {1, 0}, .stride = 2}).clone().to_string()}});
}

TEST(FoldLayers, RefuseWhatDoesNotFit) {
  Unfold unfold(4);
  EXPECT_THAT([&] { unfold(ones({1, 3, 3})); }, ThrowsMessage<Error>(HasSubstr("in Unfold")));
  Fold fold(3, 2);
  EXPECT_THAT([&] { fold(ones({1, 4, 5})); }, ThrowsMessage<Error>(HasSubstr("in Fold")));
}

}  // namespace
}  // namespace mica::nn
