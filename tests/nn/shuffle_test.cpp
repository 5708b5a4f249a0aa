#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/shuffle.h>
#include <mica/ops/compare.h>

#include "golden.h"

namespace mica::nn {
namespace {

TEST(Shuffles, FollowPyTorch) {
  follow_golden("shuffle", "ChannelShuffle", [](DType) { return ChannelShuffle{.groups = 2}; });
  follow_golden("shuffle", "ChannelShuffle of sequences", [](DType) { return ChannelShuffle{.groups = 3}; });
  follow_golden("shuffle", "PixelShuffle", [](DType) { return PixelShuffle{.upscale_factor = 2}; });
  follow_golden("shuffle", "PixelUnshuffle", [](DType) { return PixelUnshuffle{.downscale_factor = 2}; });
  expect_prints("shuffle", {{"ChannelShuffle", ChannelShuffle{.groups = 2}.to_string()},
                            {"PixelShuffle", PixelShuffle{.upscale_factor = 3}.to_string()},
                            {"PixelUnshuffle", PixelUnshuffle{.downscale_factor = 4}.to_string()}});
}

TEST(Shuffles, OfChannelsIsTheFunction) {
  ChannelShuffle layer{.groups = 2};
  const Tensor x = arange(8).view({1, 4, 2});
  EXPECT_TRUE(equal(layer(x), channel_shuffle(x, 2)));
  EXPECT_THAT([&] { layer(ones({1, 3, 2})); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("in ChannelShuffle")));
}

}  // namespace
}  // namespace mica::nn
