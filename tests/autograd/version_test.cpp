// Changes in place never make a gradient silently wrong: they are recorded, or backward says what happened.
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

Tensor leaf() { return from_vector(std::vector<double>{1, 2, 3}).requires_grad_(); }

TEST(Version, CountsChangesAndIsSharedByViews) {
  Tensor x = ones({4});
  const Tensor view = x.narrow(0, 0, 2);
  const auto before = x.version();
  x.add_(1);
  EXPECT_EQ(view.version(), before + 1);
  x.detach().mul_(2);
  EXPECT_EQ(x.version(), before + 2);
  EXPECT_EQ(x.clone().version(), 0U);
}

TEST(Version, LeavesThatNeedAGradientCannotBeChangedWhileRecording) {
  Tensor x = leaf();
  EXPECT_NE(message_of([&] { x.add_(1); }).find("leaf"), std::string::npos);
  EXPECT_THROW(x.mul_(ones({3}, f64)), Error);
  EXPECT_THROW(x.fill_(0), Error);
  EXPECT_THROW(x.copy_(ones({3}, f64)), Error);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{1, 2, 3}));
  const NoGrad no_grad;
  EXPECT_NO_THROW(x.add_(1));
}

TEST(Version, ASavedInputThatChangedIsReportedWithBothOperations) {
  const Tensor x = leaf();
  Tensor factor = ones({3}, f64);
  const Tensor y = (x * factor).sum();
  factor.add_(1);
  const std::string what = message_of([&] { y.backward(); });
  EXPECT_NE(what.find("[mul]"), std::string::npos) << what;
  EXPECT_NE(what.find("add_"), std::string::npos) << what;
  EXPECT_NE(what.find("[3]"), std::string::npos) << what;
  EXPECT_FALSE(x.grad().defined());
}

TEST(Version, ASavedResultThatChangedIsReported) {
  const Tensor x = leaf();
  Tensor y = exp(x);
  y.mul_(2);
  const std::string what = message_of([&] { y.sum().backward(); });
  EXPECT_NE(what.find("[exp]"), std::string::npos) << what;
  EXPECT_NE(what.find("mul_"), std::string::npos) << what;
}

TEST(Version, ChangesThroughViewsAndUnderNoGradCountToo) {
  const Tensor x = leaf();
  Tensor factor = ones({3}, f64);
  const Tensor through_view = (x * factor).sum();
  factor.narrow(0, 0, 1).zero_();
  EXPECT_THROW(through_view.backward(), Error);
  const Tensor under_no_grad = square(x).sum();
  {
    const NoGrad no_grad;
    Tensor(x).add_(1);
  }
  EXPECT_THROW(under_no_grad.backward(), Error);
}

TEST(Version, ChangesToWhatWasNotSavedAreFine) {
  const Tensor x = leaf();
  Tensor constant = ones({3}, f64);
  const Tensor y = (x + constant).sum();
  constant.add_(1);
  EXPECT_NO_THROW(y.backward());
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 1));
}

TEST(Version, ChangesToResultsAreRecorded) {
  const Tensor x = leaf();
  Tensor y = x * 2;
  y.add_(x).mul_(3);
  EXPECT_EQ(y.grad_fn_name(), "mul_");
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 9));
}

TEST(Version, AConstantThatTakesATrackedTensorIsTracked) {
  const Tensor x = leaf();
  Tensor y = zeros({3}, f64);
  y.copy_(x);
  EXPECT_EQ(y.grad_fn_name(), "copy_");
  y.add_(x);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 2));
}

TEST(Version, FillingForgetsTheHistory) {
  const Tensor x = leaf();
  Tensor y = x * 2;
  y.fill_(5);
  const Tensor z = (y * x).sum();
  z.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 5));
}

TEST(Version, AViewIsStaleOnceItsBaseWasChangedOnRecord) {
  const Tensor x = leaf();
  Tensor base = x * 2;
  const Tensor view = base.narrow(0, 0, 2);
  base.add_(x);
  const std::string what = message_of([&] { static_cast<void>(view * 2); });
  EXPECT_NE(what.find("view"), std::string::npos) << what;
  EXPECT_NE(what.find("add_"), std::string::npos) << what;
  base.narrow(0, 0, 2).sum().backward();  // a view taken afterwards
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{3, 3, 0}));
}

TEST(Version, ViewsOfTrackedTensorsCannotBeChanged) {
  const Tensor x = leaf();
  Tensor base = x * 2;
  EXPECT_NE(message_of([&] { base.narrow(0, 0, 1).add_(1); }).find("view"), std::string::npos);
  Tensor constant = zeros({3}, f64);
  EXPECT_THROW(constant.narrow(0, 0, 3).copy_(x), Error);  // the history would miss the base
  const NoGrad no_grad;
  EXPECT_NO_THROW(base.narrow(0, 0, 1).add_(1));
}

TEST(Version, DetachedTensorsShareMemoryWithoutHistory) {
  const Tensor x = leaf();
  const Tensor y = x * 2;
  const Tensor d = y.detach();
  EXPECT_TRUE(d.shares_storage(y));
  EXPECT_TRUE(d.is_leaf());
  EXPECT_FALSE(d.requires_grad());
  EXPECT_THROW(d.sum().backward(), Error);
}

}  // namespace
}  // namespace mica
