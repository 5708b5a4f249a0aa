#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using gradients::Case;
using gradients::derivative_of;
using gradients::Input;
using gradients::Inputs;

Case unary_case(const std::string& name, Tensor (*fn)(Tensor), double low, double high) {
  return {name, [fn](Inputs x) { return fn(x[0]); }, {{{2, 3}, low, high}}};
}

const gradients::Cases pointwise_cases{
    {"Add", [](Inputs x) { return x[0] + x[1]; }, {{{2, 3}}, {{2, 3}}}},
    {"AddBroadcast", [](Inputs x) { return x[0] + x[1]; }, {{{2, 1, 3}}, {{4, 1}}}},
    {"AddZeroSize", [](Inputs x) { return x[0] + x[1]; }, {{{0, 3}}, {{3}}}},
    {"AddZeroDim", [](Inputs x) { return x[0] + x[1]; }, {{{}}, {{2, 2}}}},
    {"AddScaled", [](Inputs x) { return add(x[0], x[1], -0.5); }, {{{2, 3}}, {{3}}}},
    {"AddNumber", [](Inputs x) { return 2 + x[0] + 1.5; }, {{{2, 3}}}},
    {"Sub", [](Inputs x) { return x[0] - x[1]; }, {{{2, 3}}, {{2, 1}}}},
    {"SubNumber", [](Inputs x) { return (x[0] - 2) * (3 - x[0]); }, {{{2, 3}}}},
    {"Mul", [](Inputs x) { return x[0] * x[1]; }, {{{2, 3}}, {{2, 3}}}},
    {"MulBroadcast", [](Inputs x) { return x[0] * x[1]; }, {{{3, 1}}, {{2, 1, 2}}}},
    {"MulZeroDim", [](Inputs x) { return x[0] * x[1]; }, {{{}}, {{}}}},
    {"MulZeroSize", [](Inputs x) { return x[0] * x[1]; }, {{{2, 0}}, {{}}}},
    {"MulByItself", [](Inputs x) { return x[0] * x[0]; }, {{{2, 3}}}},
    {"MulNumber", [](Inputs x) { return x[0] * x[0] * 3; }, {{{2, 3}}}},
    {"Div", [](Inputs x) { return x[0] / x[1]; }, {{{2, 3}}, {{2, 3}, 0.5, 2}}},
    {"DivBroadcast", [](Inputs x) { return x[0] / x[1]; }, {{{3}}, {{2, 1}, -2, -0.5}}},
    {"DivNumber", [](Inputs x) { return x[0] / 3 + 2 / x[0]; }, {{{2, 3}, 0.5, 2}}},
    {"Pow", [](Inputs x) { return pow(x[0], x[1]); }, {{{2, 3}, 0.3, 2}, {{2, 3}, -2, 3}}},
    {"PowBroadcast", [](Inputs x) { return pow(x[0], x[1]); }, {{{2, 1}, 0.3, 2}, {{3}, -2, 3}}},
    {"PowNumber", [](Inputs x) { return pow(x[0], 2.5) + pow(x[0], -1); }, {{{2, 3}, 0.3, 2}}},
    {"PowWholeNumbersOfNegatives",
     [](Inputs x) { return pow(x[0], 3) + pow(x[0], 2); },
     {{{2, 3}, -2, -0.3}}},
    {"PowZeroAndOne", [](Inputs x) { return pow(x[0], 0) * x[0] + pow(x[0], 1) * x[0]; }, {{{3}, 0.5, 2}}},
    {"Maximum", [](Inputs x) { return maximum(x[0] * x[0], x[1]); }, {{{2, 3}}, {{2, 3}}}},
    {"MinimumBroadcast", [](Inputs x) { return minimum(x[0], x[1] * x[1]); }, {{{2, 1}}, {{3}}}},
    unary_case("Neg", neg, -2, 2),
    unary_case("AbsOfPositives", abs, 0.2, 2),
    unary_case("AbsOfNegatives", abs, -2, -0.2),
    {"Sign", [](Inputs x) { return sign(x[0]) * x[0]; }, {{{2, 3}, 0.2, 2}}},
    unary_case("Square", square, -2, 2),
    unary_case("Reciprocal", reciprocal, 0.4, 2),
    unary_case("Exp", exp, -2, 2),
    unary_case("Log", log, 0.3, 2),
    unary_case("Sqrt", sqrt, 0.3, 2),
    unary_case("Rsqrt", rsqrt, 0.3, 2),
    {"ExpZeroDim", [](Inputs x) { return exp(x[0]); }, {{{}}}},
    {"ExpZeroSize", [](Inputs x) { return exp(x[0]); }, {{{2, 0}}}},
    {"ExpThirdDerivative", derivative_of([](Inputs x) { return exp(x[0]); }), {{{3}, -1, 1}}},
    {"Clamp", [](Inputs x) { return clamp(x[0] * x[0], 0.5, 2); }, {{{3, 4}}}},
    {"ClampFromBelow", [](Inputs x) { return clamp(x[0] * x[0], 0.5, {}); }, {{{3, 4}}}},
    {"ClampFromAbove", [](Inputs x) { return clamp(x[0] * x[0], {}, 0.5); }, {{{3, 4}}}},
    {"Where",
     [](Inputs x) { return where(tensor({{true, false, true}}), x[0] * x[0], x[1]); },
     {{{2, 3}}, {{2, 1}}}},
    {"MaskedFill",
     [](Inputs x) { return masked_fill(x[0] * x[0], tensor({true, false, true}), 5); },
     {{{2, 3}}}},
};

using golden::Args;

TEST(Pointwise, AgreesWithPyTorch) {
  golden::expect_golden(
      "pointwise",
      {
          {"neg", golden::unary(neg)},
          {"abs", golden::unary(abs)},
          {"sign", golden::unary(sign)},
          {"square", golden::unary(square)},
          {"reciprocal", golden::unary(reciprocal)},
          {"exp", golden::unary(exp)},
          {"log", golden::unary(log)},
          {"sqrt", golden::unary(sqrt)},
          {"rsqrt", golden::unary(rsqrt)},
          {"add", [](Inputs x, const Args&) { return std::vector{add(x[0], x[1])}; }},
          {"sub", [](Inputs x, const Args&) { return std::vector{sub(x[0], x[1])}; }},
          {"mul", [](Inputs x, const Args&) { return std::vector{mul(x[0], x[1])}; }},
          {"div", [](Inputs x, const Args&) { return std::vector{div(x[0], x[1])}; }},
          {"pow", [](Inputs x, const Args&) { return std::vector{pow(x[0], x[1])}; }},
          {"maximum", golden::binary(maximum)},
          {"minimum", golden::binary(minimum)},
          {"add_alpha",
           [](Inputs x, const Args& a) { return std::vector{add(x[0], x[1], a.scalar("alpha"))}; }},
          {"add_scalar", [](Inputs x, const Args& a) { return std::vector{x[0] + a.scalar("s")}; }},
          {"sub_scalar", [](Inputs x, const Args& a) { return std::vector{x[0] - a.scalar("s")}; }},
          {"rsub_scalar", [](Inputs x, const Args& a) { return std::vector{a.scalar("s") - x[0]}; }},
          {"mul_scalar", [](Inputs x, const Args& a) { return std::vector{x[0] * a.scalar("s")}; }},
          {"div_scalar", [](Inputs x, const Args& a) { return std::vector{x[0] / a.scalar("s")}; }},
          {"rdiv_scalar", [](Inputs x, const Args& a) { return std::vector{a.scalar("s") / x[0]}; }},
          {"pow_scalar", [](Inputs x, const Args& a) { return std::vector{pow(x[0], a.scalar("s"))}; }},
          {"clamp",
           [](Inputs x, const Args& a) {
             return std::vector{clamp(x[0], a.maybe_real("min"), a.maybe_real("max"))};
           }},
          {"where", [](Inputs x, const Args&) { return std::vector{where(x[0], x[1], x[2])}; }},
          {"masked_fill",
           [](Inputs x, const Args& a) { return std::vector{masked_fill(x[0], x[1], a.scalar("s"))}; }},
      });
}

TEST(Pointwise, MasksKeepInfiniteGradientsOut) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = from_vector(std::vector<double>{-1, 1, 3}).requires_grad_();
  const Tensor grad = from_vector(std::vector<double>{inf, 1, inf});
  for (const bool create_graph : {false, true}) {
    const auto masked = [&](const Tensor& y) {
      return autograd::grad({&y, 1}, {&x, 1}, {&grad, 1}, {.create_graph = create_graph})[0]
          .to_vector<double>();
    };
    EXPECT_EQ(masked(clamp(x, 0, 2)), (std::vector<double>{0, 1, 0}));
    EXPECT_EQ(masked(relu(x)), (std::vector<double>{0, 1, inf}));
    EXPECT_EQ(masked(maximum(x, zeros({3}, f64))), (std::vector<double>{0, 1, inf}));
    EXPECT_EQ(masked(where(gt(x, 2), zeros({3}, f64), x)), (std::vector<double>{inf, 1, 0}));
  }
}

TEST(Pointwise, ClampOfIntegersTakesAnyLimit) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({1, 44, 255});
  EXPECT_EQ(clamp(x.to(u8), -2, 300).to_vector<int>(), (std::vector<int>{1, 44, 255}));
  EXPECT_EQ(clamp(x.to(i32), -inf, 1e12).to_vector<int>(), (std::vector<int>{1, 44, 255}));
  EXPECT_EQ(clamp(x, 2, inf).to_vector<int>(), (std::vector<int>{2, 44, 255}));
  EXPECT_EQ(clamp(x, 2, inf).dtype(), i64);
  EXPECT_EQ(clamp(x, 1.5, 44).to_vector<float>(), (std::vector<float>{1.5, 44, 44}));
  EXPECT_EQ(clamp(x, 1.5, 44).dtype(), f32);
}

TEST(Pointwise, WritesIntoTemporariesOnly) {
  const Tensor x = ones({1000});
  const Tensor y = x + 1;
  EXPECT_FALSE(y.shares_storage(x));
  Tensor temporary = ones({1000});
  const void* memory = temporary.raw_data();
  EXPECT_EQ(exp(std::move(temporary)).raw_data(), memory);
  Tensor viewed = ones({10, 100});
  const Tensor row = viewed[0];
  const Tensor result = exp(std::move(viewed));
  EXPECT_FALSE(result.shares_storage(row));
  EXPECT_EQ(row.to_vector<float>(), std::vector<float>(100, 1));
}

TEST(Pointwise, DoesNotReuseMemoryThatBackwardNeeds) {
  const Tensor x = full({4}, 2, f64).requires_grad_();
  const Tensor y = (exp(square(x * 1)) * 3 - 1).sum();
  y.backward();
  EXPECT_TRUE(allclose(x.grad(), full({4}, 3 * std::exp(4) * 4, f64)));
}

TEST(Pointwise, ResultsInTheMemoryOfATemporaryViewAreNoViews) {
  const Tensor x = ones({4}, f64).requires_grad_();
  Tensor view = zeros({2, 2}, f64).reshape({4});  // its base is gone
  const void* memory = view.raw_data();
  Tensor y = exp(std::move(view));
  ASSERT_EQ(y.raw_data(), memory);
  y.add_(x).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(4, 1));
}

TEST(Pointwise, KeepsTheMemoryOrderOfItsOperands) {
  const Tensor x = zeros({3, 4}).t();
  EXPECT_EQ((x + 1).strides(), x.strides());
  EXPECT_EQ((x * x).strides(), x.strides());
  EXPECT_EQ(exp(x).strides(), x.strides());
  EXPECT_EQ((x + ones({3})).strides(), x.strides());
}

TEST(Pointwise, ExplainsWhatItRefuses) {
  EXPECT_THROW(ones({2, 3}) + ones({2}), Error);
  EXPECT_THROW(tensor({true}) - tensor({true}), Error);
  EXPECT_THROW(-tensor({true}), Error);
  EXPECT_THROW(clamp(ones({2}), {}, {}), Error);
  EXPECT_THROW(where(ones({2}), ones({2}), ones({2})), Error);
  try {
    static_cast<void>(ones({2, 3}) * ones({2}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.operation(), "mul");
    EXPECT_NE(e.message().find("[2, 3]"), std::string::npos);
  }
}

}  // namespace
}  // namespace mica
