#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/pooling.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(MaxPool2d, FollowsPyTorch) {
  follow_golden("pooling", "max pool", [](DType) { return MaxPool2d(2); });
  follow_golden("pooling", "max pool of all options", [](DType) {
    return MaxPool2d({3, 2}, {.stride = {{2, 1}}, .padding = 1, .dilation = {1, 2}, .ceil_mode = true});
  });
}

TEST(AvgPool2d, FollowsPyTorch) {
  follow_golden("pooling", "avg pool", [](DType) { return AvgPool2d(2); });
  follow_golden("pooling", "avg pool of all options", [](DType) {
    return AvgPool2d({3, 2},
                     {.stride = {{2, 1}}, .padding = 1, .ceil_mode = true, .count_include_pad = false});
  });
  follow_golden("pooling", "avg pool with divisor",
                [](DType) { return AvgPool2d(2, {.stride = 1, .divisor_override = 3}); });
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
}

}  // namespace
}  // namespace mica::nn
