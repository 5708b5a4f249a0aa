#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/after_pass.h>
#include <mica/autograd/checkpoint.h>
#include <mica/autograd/engine.h>
#include <mica/autograd/hooks.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

TEST(AfterPass, RunsWhenTheInnermostPassEnds) {
  const Tensor x = ones({2}).requires_grad_();
  std::vector<std::string> order;
  const auto note = [&](const char* what) {
    return [&order, what](const Tensor&) {
      order.emplace_back(what);
      autograd::after_pass([&order, what] { order.push_back(std::string("after ") + what); });
    };
  };
  const Tensor first = x * 2;
  const auto outer = first.register_hook(note("outer"));
  const Tensor y = autograd::checkpoint(
      [&](const Tensor& in) {
        const Tensor inside = in * 3;
        inside.register_hook(note("inner")).detach();
        return inside * 4;
      },
      first);
  y.sum().backward();
  EXPECT_THAT(order, testing::ElementsAre("inner", "after inner", "outer", "after outer"));
}

TEST(AfterPass, RunsWhenThePassThrows) {
  const Tensor x = ones({2}).requires_grad_();
  const Tensor y = x * 2;
  int calls = 0;
  const auto hook = y.register_hook([&](const Tensor&) {
    autograd::after_pass([&] { ++calls; });
    throw Error("hook", "no");
  });
  EXPECT_THROW(y.sum().backward(), Error);
  EXPECT_EQ(calls, 1);
  EXPECT_THROW(autograd::after_pass([] {}), Error);
}

}  // namespace
}  // namespace mica
