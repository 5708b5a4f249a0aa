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

TEST(Unflatten, FollowsPyTorch) {
  follow_golden("flatten", "unflatten",
                [](DType) { return Unflatten{.dim = 1, .unflattened_size = {2, 3}}; });
  follow_golden("flatten", "unflatten the last",
                [](DType) { return Unflatten{.dim = -1, .unflattened_size = {-1, 2}}; });
  expect_prints("flatten",
                {{"unflatten", Unflatten{.dim = 1, .unflattened_size = {2, 3}}.to_string()},
                 {"unflatten to one", Unflatten{.dim = -1, .unflattened_size = {-1}}.to_string()}});
}

TEST(Unflatten, RefusesSizesThatDoNotFit) {
  Unflatten layer{.dim = 1, .unflattened_size = {2, 3}};
  EXPECT_THAT([&] { layer(ones({2, 5})); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("in Unflatten")));
}

}  // namespace
}  // namespace mica::nn
