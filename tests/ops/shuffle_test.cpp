#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/shuffle.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

golden::Operation with_number(Tensor (*fn)(const Tensor&, std::int64_t)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.integer("n"))}; };
}

const table::Rows rows{
    "shuffle",
    {{.name = "channel_shuffle",
      .golden = {{"channel_shuffle", with_number(channel_shuffle)}},
      .gradients =
          {{"ChannelShuffle", [](Inputs x) { return channel_shuffle(x[0], 2) * x[0]; }, {{{2, 4, 3}}}}},
      .refusals = {{[] { channel_shuffle(ones({2, 4, 3}), 3); }, "4 channels do not divide into 3 groups"},
                   {[] { channel_shuffle(ones({2, 4}), 2); }, "shape [2, 4]"},
                   {[] { channel_shuffle(ones({2, 4, 3}), 0); }, "0 groups"}}},
     {.name = "pixel_shuffle",
      .golden = {{"pixel_shuffle", with_number(pixel_shuffle)}},
      .gradients = {{"PixelShuffle",
                     [](Inputs x) { return pixel_shuffle(x[0], 2).reshape({4, 2, 3}) * x[0]; },
                     {{{4, 2, 3}}}}},
      .refusals = {{[] { pixel_shuffle(ones({3, 2, 2}), 2); }, "3 channels do not divide by 4"},
                   {[] { pixel_shuffle(ones({4, 2}), 2); }, "shape [4, 2]"},
                   {[] { pixel_shuffle(ones({4, 2, 2}), -1); }, "the factor is -1"}}},
     {.name = "pixel_unshuffle",
      .golden = {{"pixel_unshuffle", with_number(pixel_unshuffle)}},
      .gradients = {{"PixelUnshuffle",
                     [](Inputs x) { return pixel_unshuffle(x[0], 2).reshape({1, 4, 2}) * x[0]; },
                     {{{1, 4, 2}}}}},
      .refusals = {{[] { pixel_unshuffle(ones({1, 3, 2}), 2); }, "height and width must divide by 2"},
                   {[] { pixel_unshuffle(ones({4, 2}), 2); }, "expected (..., C, H, W)"},
                   {[] { pixel_unshuffle(ones({4, 2, 2}), 0); }, "the factor is 0"}}}}};

TEST(Shuffle, UnshufflesWhatWasShuffled) {
  const Tensor x = arange(72).view({2, 9, 2, 2});
  EXPECT_TRUE(equal(pixel_unshuffle(pixel_shuffle(x, 3), 3), x));
}

}  // namespace
}  // namespace mica
