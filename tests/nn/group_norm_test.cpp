#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/group_norm.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

auto message(const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); }

TEST(GroupNorm, FollowsPyTorch) {
  const char* family = "group_norm";
  follow_golden(family, "group norm", [](DType t) { return GroupNorm(2, 4, {.dtype = t}); });
  follow_golden(family, "group norm in f32", [](DType t) { return GroupNorm(3, 6, {.dtype = t}); });
  follow_golden(family, "group norm not affine",
                [](DType t) { return GroupNorm(2, 4, {.eps = 0.1, .affine = false, .dtype = t}); });
  follow_golden(family, "group norm of channels", [](DType t) { return GroupNorm(4, 4, {.dtype = t}); });
}

TEST(RMSNorm, FollowsPyTorch) {
  const char* family = "group_norm";
  follow_golden(family, "rms norm", [](DType t) { return RMSNorm(6, {.dtype = t}); });
  follow_golden(family, "rms norm of planes",
                [](DType t) { return RMSNorm({2, 3}, {.eps = 0.1, .dtype = t}); });
  follow_golden(family, "rms norm not affine",
                [](DType t) { return RMSNorm(6, {.elementwise_affine = false, .dtype = t}); });
}

TEST(LocalResponseNorm, FollowsPyTorch) {
  const char* family = "group_norm";
  follow_golden(family, "local response norm", [](DType) { return LocalResponseNorm(2); });
  follow_golden(family, "local response norm of all options",
                [](DType) { return LocalResponseNorm(3, {.alpha = 0.5, .beta = 1.5, .k = 2}); });
}

TEST(GroupNorm, AndItsFamilyPrintAsPyTorch) {
  expect_prints(
      "group_norm",
      {{"group norm", GroupNorm(2, 4).to_string()},
       {"group norm of all options", GroupNorm(3, 6, {.eps = 0.1, .affine = false}).to_string()},
       {"rms norm", RMSNorm(6).to_string()},
       {"rms norm of all options", RMSNorm({3, 4}, {.eps = 0.1, .elementwise_affine = false}).to_string()},
       {"local response norm", LocalResponseNorm(2).to_string()},
       {"local response norm of all options",
        LocalResponseNorm(3, {.alpha = 0.5, .beta = 1.5, .k = 2}).to_string()}});
}

struct Net : Module {
  GroupNorm a{2, 4, {.eps = 0.1}};
  RMSNorm b{3, {.eps = 0.2}};
  LocalResponseNorm c{3, {.alpha = 0.5}};
  Tensor forward(const Tensor& x) { return c(b(a(x))); }
};

TEST(GroupNorm, AndItsFamilyAreClonedAndReset) {
  Net net;
  const Tensor x = randn({2, 4, 3});
  const Tensor y = net(x).detach();
  for (const Tensor& p : net.parameters()) p.detach().fill_(2);
  Net copy = net.clone();
  EXPECT_TRUE(equal(copy(x), net(x)));
  EXPECT_FALSE(allclose(copy(x), y));
  copy.a.reset_parameters();
  copy.b.reset_parameters();
  EXPECT_TRUE(equal(copy(x), y));
}

TEST(GroupNorm, AndItsFamilyRefuseWhatDoesNotFit) {
  EXPECT_THAT([] { GroupNorm(3, 4); }, message("4 channels in 3 groups"));
  EXPECT_THAT([] { GroupNorm(0, 4); }, message("4 channels in 0 groups"));
  EXPECT_THAT(
      [] {
        GroupNorm n(2, 4);
        n(ones({2, 6, 3}));
      },
      message("weight is f32 [4], expected f32 [6]"));
  EXPECT_THAT([] { RMSNorm(Shape{}); }, message("normalized_shape is empty"));
  EXPECT_THAT(
      [] {
        RMSNorm n(3);
        n(ones({2, 4}));
      },
      message("in RMSNorm"));
  EXPECT_THAT([] { LocalResponseNorm(0); }, message("size 0"));
  EXPECT_THAT(
      [] {
        LocalResponseNorm n(2);
        n(ones({2, 4}));
      },
      message("too few dimensions"));
}

}  // namespace
}  // namespace mica::nn
