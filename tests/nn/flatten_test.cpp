#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/flatten.h>

#include "golden.h"

namespace mica::nn {
namespace {

TEST(Flatten, FollowsPyTorch) {
  follow_golden("flatten", "flatten", [](DType) { return Flatten{}; });
  follow_golden("flatten", "flatten some", [](DType) { return Flatten{.start_dim = 0, .end_dim = 1}; });
}

TEST(Flatten, KeepsTheBatchUnlessToldOtherwise) {
  Flatten keep, join{.start_dim = 0};
  EXPECT_EQ(to_string(keep(ones({2, 3, 4})).sizes()), "[2, 12]");
  EXPECT_EQ(to_string(join(ones({2, 3, 4})).sizes()), "[24]");
  EXPECT_EQ(to_string(keep(ones({0, 3, 4})).sizes()), "[0, 12]");
}

TEST(Flatten, RefusesDimensionsThatAreNotThere) {
  Flatten layer;
  EXPECT_THAT([&] { layer(ones({3})); }, testing::ThrowsMessage<Error>(testing::HasSubstr("in Flatten")));
}

}  // namespace
}  // namespace mica::nn
