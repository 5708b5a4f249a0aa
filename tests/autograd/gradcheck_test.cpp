#include <gtest/gtest.h>

#include <mica/autograd/gradcheck.h>
#include <mica/autograd/node.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

using autograd::gradcheck;
using autograd::gradgradcheck;
using Inputs = std::span<const Tensor>;

// x^3 with a derivative of `factor` x^2.
Tensor cube(const Tensor& x, double factor) {
  const Tensor y = x.detach() * x.detach() * x.detach();
  if (!autograd::recording(x)) return y;
  return autograd::record("cube", y, {&x}, [factor, x = Saved(x)](const Node& node, const Tensor& grad) {
    return grad * square(x.get(node)) * factor;
  });
}

// The same with the right first derivative, which forgets its own slope.
Tensor cube_once(const Tensor& x) {
  const Tensor y = x.detach() * x.detach() * x.detach();
  if (!autograd::recording(x)) return y;
  return autograd::record("cube", y, {&x}, [x = Saved(x)](const Node& node, const Tensor& grad) {
    return grad * square(x.get(node).detach()) * 3;
  });
}

Tensor input() { return from_vector(std::vector<double>{0.5, -1.5, 2}).requires_grad_(); }

TEST(Gradcheck, AcceptsRightDerivatives) {
  const Tensor x = input();
  const auto right = [](Inputs in) { return cube(in[0], 3); };
  EXPECT_EQ(gradcheck(right, {&x, 1}), "");
  EXPECT_EQ(gradgradcheck(right, {&x, 1}), "");
}

TEST(Gradcheck, FindsAWrongFactorAndSaysWhere) {
  const Tensor x = input();
  const std::string problem = gradcheck([](Inputs in) { return cube(in[0], 3.1); }, {&x, 1});
  EXPECT_NE(problem.find("output[0]"), std::string::npos) << problem;
  EXPECT_NE(problem.find("input 0 [0]"), std::string::npos) << problem;
}

TEST(Gradcheck, FindsAWrongSecondDerivative) {
  const Tensor x = input();
  const auto forgetful = [](Inputs in) { return cube_once(in[0]); };
  EXPECT_EQ(gradcheck(forgetful, {&x, 1}), "");
  EXPECT_NE(gradgradcheck(forgetful, {&x, 1}), "");
}

TEST(Gradcheck, FindsAGraphThatEndsSilently) {
  const Tensor x = input();
  EXPECT_NE(gradcheck([](Inputs in) { return in[0].detach() * 2; }, {&x, 1}), "");
  EXPECT_NE(gradcheck([](Inputs in) { return in[0].detach() * in[0]; }, {&x, 1}), "");
}

TEST(Gradcheck, ChecksEveryInputThatRequiresAGradient) {
  const Tensor inputs[] = {input(), ones({3}, f64), input()};
  EXPECT_EQ(gradcheck([](Inputs in) { return in[0] * in[1] + in[2]; }, inputs), "");
  EXPECT_NE(gradcheck([](Inputs in) { return in[0] * in[1] + cube(in[2], 2); }, inputs), "");
}

TEST(Gradcheck, ChecksEveryResult) {
  const Tensor x = input();
  const auto two = [](double factor) {
    return [factor](Inputs in) { return std::vector{in[0] * 2, cube(in[0], factor)}; };
  };
  EXPECT_EQ(gradcheck(two(3), {&x, 1}), "");
  EXPECT_EQ(gradgradcheck(two(3), {&x, 1}), "");
  const std::string problem = gradcheck(two(2), {&x, 1});
  EXPECT_TRUE(problem.starts_with("result 1: d output[0]")) << problem;
}

TEST(Gradcheck, RestoresTheNumbersItPerturbs) {
  const Tensor x = input();
  const auto before = x.to_vector<double>();
  EXPECT_EQ(gradcheck([](Inputs in) { return square(in[0]); }, {&x, 1}), "");
  EXPECT_EQ(x.to_vector<double>(), before);
}

TEST(Gradcheck, WantsF64AndSomethingToDifferentiate) {
  const Tensor narrow = ones({2}).requires_grad_();
  const Tensor constant = ones({2}, f64);
  const auto twice = [](Inputs in) { return in[0] * 2; };
  EXPECT_THROW(gradcheck(twice, {&narrow, 1}), Error);
  EXPECT_THROW(gradcheck(twice, {&constant, 1}), Error);
}

}  // namespace
}  // namespace mica
