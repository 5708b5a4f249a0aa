#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using testing::HasSubstr;

TEST(InferenceMode, RecordsNothingAndCountsNoChanges) {
  const Tensor x = ones({3}, f64).requires_grad_();
  Tensor outside = ones({3}, f64);
  Tensor y;
  {
    const InferenceMode inference;
    EXPECT_FALSE(autograd::grad_enabled());
    y = x * 2;
    y.add_(1);
    outside.add_(1);
    const EnableGrad enable;  // changes nothing here
    EXPECT_FALSE((x * 2).requires_grad());
  }
  EXPECT_TRUE(autograd::grad_enabled());
  EXPECT_FALSE(y.requires_grad());
  EXPECT_EQ(y.version(), 0U);
  EXPECT_EQ(outside.version(), 1U + ones({3}, f64).version());
  EXPECT_EQ(y.to_vector<double>(), std::vector<double>(3, 3));
}

TEST(InferenceMode, ItsTensorsRefuseToBeSavedForBackward) {
  const Tensor x = ones({3}, f64).requires_grad_();
  Tensor y;
  {
    const InferenceMode inference;
    y = ones({3}, f64) * 2;
  }
  EXPECT_NO_THROW(y * 2);
  EXPECT_NO_THROW((y + x).sum().backward());  // nothing is saved
  for (const Tensor& kept : {y, y.narrow(0, 0, 3), y.detach()}) {
    const std::string what = message_of([&] { static_cast<void>(x * kept); });
    EXPECT_THAT(what, HasSubstr("made under InferenceMode, f64 [3], cannot be kept for backward"));
    EXPECT_THAT(what, HasSubstr("clone() it outside"));
  }
  (x * y.clone()).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 3));
}

// Views of it could not be told apart from ones taken before the change.
TEST(InferenceMode, ItsTensorsTakeNoRecordedChanges) {
  const Tensor x = ones({3}, f64).requires_grad_();
  Tensor y;
  {
    const InferenceMode inference;
    y = ones({3}, f64);
  }
  EXPECT_THAT(message_of([&] { y.add_(x); }), HasSubstr("[add_] a tensor made under InferenceMode"));
  EXPECT_THAT(message_of([&] { y.requires_grad_(); }), HasSubstr("[requires_grad_]"));
}

TEST(InferenceMode, FalseIsAScopeOfOrdinaryRules) {
  const Tensor x = ones({3}, f64).requires_grad_();
  const InferenceMode inference;
  {
    const InferenceMode ordinary(false);
    const Tensor factor = ones({3}, f64);
    (x * factor).sum().backward();
  }
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE((x * 2).requires_grad());
}

}  // namespace
}  // namespace mica
