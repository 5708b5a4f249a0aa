#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using autograd::ForwardScope;
using testing::HasSubstr;
using testing::Not;

// A member called "fc", as nn::Module would find it.
std::string find_fc(const void*, const void* address, const void*) {
  return address != nullptr ? "blocks.2.fc" : "";
}

Tensor infinite_slope(const Tensor& x) {
  const int net = 0, fc = 0;
  const ForwardScope outer("Net", {&net, nullptr, find_fc});
  const ForwardScope inner("Linear", {&fc, nullptr, nullptr});
  return sqrt(x) * x;  // at 0: the slope of sqrt is infinite, and it comes with a gradient of 0
}

TEST(Anomaly, NamesTheOperationTheModuleAndTheInput) {
  const Tensor x = from_vector(std::vector<double>{0, 1}).requires_grad_();
  const Anomaly anomaly;
  const Tensor y = infinite_slope(x).sum();
  const std::string what = message_of([&] { y.backward(); });
  EXPECT_THAT(what, HasSubstr("[sqrt] its backward gave NaN as the gradient of input 0, of shape [2]"));
  EXPECT_THAT(what, HasSubstr("in Net.blocks.2.fc (Linear)"));
}

TEST(Anomaly, IsSilentWithoutNaNAndWhenOff) {
  const Tensor x = from_vector(std::vector<double>{4, 1}).requires_grad_();
  {
    const Anomaly anomaly;
    EXPECT_TRUE(autograd::anomaly_enabled());
    EXPECT_NO_THROW(infinite_slope(x).sum().backward());
    const Anomaly off(false);
    EXPECT_FALSE(autograd::anomaly_enabled());
  }
  EXPECT_FALSE(autograd::anomaly_enabled());
  const Tensor zero = from_vector(std::vector<double>{0}).requires_grad_();
  EXPECT_NO_THROW(infinite_slope(zero).sum().backward());
  EXPECT_TRUE(std::isnan(zero.grad().item()));
}

TEST(Anomaly, SaysWhereOtherErrorsOfBackwardComeFrom) {
  const Tensor x = from_vector(std::vector<double>{4, 1}).requires_grad_();
  Tensor factor = ones({2}, f64);
  const auto changed = [&] {
    const ForwardScope scope("Net");
    const Tensor y = (x * factor).sum();
    factor.add_(1);
    return y;
  };
  EXPECT_THAT(message_of([&] { changed().backward(); }), Not(HasSubstr("in Net")));
  const Anomaly anomaly;
  EXPECT_THAT(message_of([&] { changed().backward(); }), HasSubstr("in Net"));
}

TEST(ForwardScope, PathsNameModulesThatAreNoMembersByTheirType) {
  EXPECT_EQ(ForwardScope::current_path(), "");
  const ForwardScope outer("Net");
  EXPECT_EQ(ForwardScope::current_path(), "Net");
  const ForwardScope inner("Linear");
  EXPECT_EQ(ForwardScope::current_path(), "Net.(Linear) (Linear)");
}

}  // namespace
}  // namespace mica
