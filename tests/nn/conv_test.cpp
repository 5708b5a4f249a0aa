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
  Conv2d layer(2, 3, 3);
  EXPECT_THAT([&] { layer(ones({1, 4, 5, 5})); }, message("in Conv2d"));
  EXPECT_THROW(layer(ones({1, 2, 2, 5})), Error);  // smaller than the kernel
  EXPECT_THROW(layer(ones({2, 5})), Error);
  EXPECT_THROW(layer(ones({1, 2, 5, 5}, f64)), Error);
}

}  // namespace
}  // namespace mica::nn
