#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

TEST(GradMode, GuardsNestAndRestore) {
  EXPECT_TRUE(autograd::grad_enabled());
  {
    const NoGrad off;
    EXPECT_FALSE(autograd::grad_enabled());
    {
      const EnableGrad on;
      EXPECT_TRUE(autograd::grad_enabled());
      const NoGrad off_again;
      EXPECT_FALSE(autograd::grad_enabled());
    }
    EXPECT_FALSE(autograd::grad_enabled());
  }
  EXPECT_TRUE(autograd::grad_enabled());
}

TEST(GradMode, IsRestoredWhenAnExceptionLeavesTheScope) {
  try {
    const NoGrad off;
    throw std::runtime_error("out");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(autograd::grad_enabled());
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_THROW((x * 2).backward(), Error);  // no scalar
  EXPECT_TRUE(autograd::grad_enabled());
}

TEST(GradMode, BelongsToTheThread) {
  const NoGrad off;
  bool elsewhere = false;
  std::thread([&] { elsewhere = autograd::grad_enabled(); }).join();
  EXPECT_TRUE(elsewhere);
}

TEST(GradMode, NoGradResultsAreConstants) {
  const Tensor x = ones({2}).requires_grad_();
  Tensor y;
  {
    const NoGrad off;
    y = x * 2;
    const EnableGrad on;
    EXPECT_TRUE((x * 2).requires_grad());
  }
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THROW(y.sum().backward(), Error);
}

TEST(ForwardScope, ForbidsTrainingInsideForward) {
  const Tensor x = ones({}).requires_grad_();
  const Tensor y = x * 2;
  {
    const autograd::ForwardScope outer("Net");
    const autograd::ForwardScope inner("Block");
    EXPECT_EQ(autograd::ForwardScope::current(), "Block");
    try {
      y.backward();
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.operation(), "backward");
      EXPECT_NE(e.message().find("forward of Block"), std::string::npos);
    }
    EXPECT_FALSE(x.grad().defined());
    EXPECT_EQ(autograd::grad(y, x).item(), 2);  // computing with gradients is no training
  }
  EXPECT_EQ(autograd::ForwardScope::current(), "");
  EXPECT_NO_THROW((x * 2).backward());
}

}  // namespace
}  // namespace mica
