#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Case;
using gradients::derivative_of;
using gradients::Inputs;

// A function of one element, with inputs for its gradients between low and high.
Case unary_case(const std::string& name, Tensor (*fn)(Tensor), double low, double high) {
  return any_shape({name, [fn](Inputs x) { return fn(x[0]); }, {{{2, 3}, low, high}}});
}

table::Row function(const std::string& name, const std::string& title, Tensor (*fn)(Tensor), double low,
                    double high) {
  return {.name = name,
          .golden = {{name, golden::unary(fn)}},
          .gradients = {unary_case(title, fn, low, high)},
          .without_refusals = "takes every dtype"};
}

// fn(x, a.s)
template <class F> golden::Operation with_number(F fn) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.scalar("s"))}; };
}
// fn(x, y, z)
golden::Operation of_three(Tensor (*fn)(const Tensor&, const Tensor&, const Tensor&)) {
  return [fn](Inputs x, const Args&) { return std::vector{fn(x[0], x[1], x[2])}; };
}
golden::Operation of_three(Tensor (*fn)(const Tensor&, const Tensor&, const Tensor&, Scalar)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], x[1], x[2], a.scalar("value"))}; };
}

// Tensors of shapes that do not broadcast.
template <class F> table::Refusal mismatched(F fn) {
  return {[fn] { fn(ones({2, 3}), ones({2})); }, "[2, 3]"};
}

const table::Rows arithmetic{
    "pointwise",
    {
        {.name = "add",
         .golden = {{"add", [](Inputs x, const Args&) { return std::vector{add(x[0], x[1])}; }},
                    {"add_alpha",
                     [](Inputs x, const Args& a) { return std::vector{add(x[0], x[1], a.scalar("alpha"))}; }},
                    {"add_scalar", with_number([](const Tensor& x, Scalar s) { return x + s; })}},
         .gradients = {any_shape({"Add", [](Inputs x) { return x[0] + x[1]; }, {{{2, 3}}, {{2, 3}}}}),
                       {"AddBroadcast", [](Inputs x) { return x[0] + x[1]; }, {{{2, 1, 3}}, {{4, 1}}}},
                       {"AddZeroDimAndMatrix", [](Inputs x) { return x[0] + x[1]; }, {{{}}, {{2, 2}}}},
                       {"AddScaled", [](Inputs x) { return add(x[0], x[1], -0.5); }, {{{2, 3}}, {{3}}}},
                       {"AddNumber", [](Inputs x) { return 2 + x[0] + 1.5; }, {{{2, 3}}}}},
         .refusals = {mismatched([](const Tensor& a, const Tensor& b) { return a + b; })}},
        {.name = "sub",
         .golden = {{"sub", [](Inputs x, const Args&) { return std::vector{sub(x[0], x[1])}; }},
                    {"sub_scalar", with_number([](const Tensor& x, Scalar s) { return x - s; })}},
         .gradients = {any_shape({"Sub", [](Inputs x) { return x[0] - x[1]; }, {{{2, 3}}, {{2, 3}}}}),
                       {"SubBroadcast", [](Inputs x) { return x[0] - x[1]; }, {{{2, 3}}, {{2, 1}}}},
                       {"SubNumber", [](Inputs x) { return (x[0] - 2) * x[0]; }, {{{2, 3}}}}},
         .refusals = {{[] { tensor({true}) - tensor({true}); }, "bool"},
                      mismatched([](const Tensor& a, const Tensor& b) { return a - b; })}},
        {.name = "rsub",
         .golden = {{"rsub_scalar", with_number([](const Tensor& x, Scalar s) { return s - x; })}},
         .gradients = {any_shape({"Rsub", [](Inputs x) { return (3 - x[0]) * x[0]; }, {{{2, 3}}}})},
         .refusals = {{[] { true - tensor({true}); }, "bool"}}},
        {.name = "mul",
         .golden = {{"mul", [](Inputs x, const Args&) { return std::vector{mul(x[0], x[1])}; }},
                    {"mul_scalar", with_number([](const Tensor& x, Scalar s) { return x * s; })}},
         .gradients = {any_shape({"Mul", [](Inputs x) { return x[0] * x[1]; }, {{{2, 3}}, {{2, 3}}}}),
                       {"MulBroadcast", [](Inputs x) { return x[0] * x[1]; }, {{{3, 1}}, {{2, 1, 2}}}},
                       {"MulEmptyByNumber", [](Inputs x) { return x[0] * x[1]; }, {{{2, 0}}, {{}}}},
                       {"MulByItself", [](Inputs x) { return x[0] * x[0]; }, {{{2, 3}}}},
                       {"MulNumber", [](Inputs x) { return x[0] * x[0] * 3; }, {{{2, 3}}}}},
         .refusals = {mismatched([](const Tensor& a, const Tensor& b) { return a * b; })}},
        {.name = "div",
         .golden = {{"div", [](Inputs x, const Args&) { return std::vector{div(x[0], x[1])}; }},
                    {"div_scalar", with_number([](const Tensor& x, Scalar s) { return x / s; })},
                    {"rdiv_scalar", with_number([](const Tensor& x, Scalar s) { return s / x; })},
                    {"div_floor",
                     [](Inputs x, const Args&) { return std::vector{div(x[0], x[1], Rounding::floor)}; }},
                    {"div_trunc",
                     [](Inputs x, const Args&) { return std::vector{div(x[0], x[1], Rounding::trunc)}; }},
                    {"div_floor_scalar",
                     with_number([](const Tensor& x, Scalar s) { return div(x, s, Rounding::floor); })},
                    {"div_trunc_scalar",
                     with_number([](const Tensor& x, Scalar s) { return div(x, s, Rounding::trunc); })}},
         .gradients =
             {any_shape({"Div", [](Inputs x) { return x[0] / x[1]; }, {{{2, 3}}, {{2, 3}, 0.5, 2}}}),
              {"DivBroadcast", [](Inputs x) { return x[0] / x[1]; }, {{{3}}, {{2, 1}, -2, -0.5}}},
              {"DivNumber", [](Inputs x) { return x[0] / 3 + 2 / x[0]; }, {{{2, 3}, 0.5, 2}}},
              {"DivRounded",
               [](Inputs
                      x) { return div(x[0], x[1], Rounding::trunc) * x[0] * x[1] + div(x[0], 1, Rounding::floor); },
               {{{2, 3}, 2.2, 2.8}, {{2, 3}, 0.95, 1.05}}}},
         .refusals = {mismatched([](const Tensor& a, const Tensor& b) { return a / b; }),
                      {[] { div(tensor({1, 2}), 0, Rounding::floor); }, "i64 number is divided by 0"}}},
        {.name = "pow",
         .golden = {{"pow", [](Inputs x, const Args&) { return std::vector{pow(x[0], x[1])}; }},
                    {"pow_scalar", with_number([](const Tensor& x, Scalar s) { return pow(x, s); })},
                    {"scalar_pow", with_number([](const Tensor& x, Scalar s) { return pow(s, x); })}},
         .gradients =
             {any_shape(
                  {"Pow", [](Inputs x) { return pow(x[0], x[1]); }, {{{2, 3}, 0.3, 2}, {{2, 3}, -2, 3}}}),
              {"PowBroadcast", [](Inputs x) { return pow(x[0], x[1]); }, {{{2, 1}, 0.3, 2}, {{3}, -2, 3}}},
              {"PowNumber", [](Inputs x) { return pow(x[0], 2.5) + pow(x[0], -1); }, {{{2, 3}, 0.3, 2}}},
              {"PowWholeNumbersOfNegatives",
               [](Inputs x) { return pow(x[0], 3) + pow(x[0], 2); },
               {{{2, 3}, -2, -0.3}}},
              {"PowZeroAndOne",
               [](Inputs x) { return pow(x[0], 0) * x[0] + pow(x[0], 1) * x[0]; },
               {{{3}, 0.5, 2}}},
              {"PowOfNumber", [](Inputs x) { return pow(2.5, x[0]) + pow(0, x[0]); }, {{{2, 3}, 0.3, 2}}}},
         .refusals = {{[] { pow(tensor({2, 3}), -1); }, "i64 numbers to the power -1"},
                      {[] { pow(tensor({true}), tensor({true})); }, "bool"},
                      mismatched([](const Tensor& a, const Tensor& b) { return pow(a, b); })}},
        {.name = "neg",
         .golden = {{"neg", golden::unary(neg)}},
         .gradients = {unary_case("Neg", neg, -2, 2)},
         .refusals = {{[] { -tensor({true}); }, "bool"}}},
        {.name = "abs",
         .golden = {{"abs", golden::unary(abs)}},
         .gradients = {unary_case("AbsOfPositives", abs, 0.2, 2),
                       unary_case("AbsOfNegatives", abs, -2, -0.2)},
         .without_refusals = "takes every dtype"},
        {.name = "sign",
         .golden = {{"sign", golden::unary(sign)}},
         .gradients = {any_shape({"Sign", [](Inputs x) { return sign(x[0]) * x[0]; }, {{{2, 3}, 0.2, 2}}})},
         .without_refusals = "takes every dtype"},
        function("square", "Square", square, -2, 2),
        function("reciprocal", "Reciprocal", reciprocal, 0.4, 2),
        {.name = "exp",
         .golden = {{"exp", golden::unary(exp)}},
         .gradients =
             {unary_case("Exp", exp, -2, 2),
              {"ExpThirdDerivative", derivative_of([](Inputs x) { return exp(x[0]); }), {{{3}, -1, 1}}}},
         .without_refusals = "integers are converted"},
        function("log", "Log", log, 0.3, 2),
        function("sqrt", "Sqrt", sqrt, 0.3, 2),
        function("rsqrt", "Rsqrt", rsqrt, 0.3, 2),
        {.name = "lerp",
         .golden = {{"lerp", of_three(lerp)},
                    {"lerp_scalar",
                     [](Inputs x, const Args& a) { return std::vector{lerp(x[0], x[1], a.scalar("s"))}; }}},
         .gradients =
             {any_shape(
                  {"Lerp", [](Inputs x) { return lerp(x[0], x[1], x[2]); }, {{{2, 3}}, {{2, 3}}, {{2, 3}}}}),
              {"LerpBroadcast", [](Inputs x) { return lerp(x[0], x[1], x[2]); }, {{{2, 1}}, {{3}}, {{}}}},
              {"LerpNumber", [](Inputs x) { return lerp(x[0] * x[0], x[1], 0.75); }, {{{2, 3}}, {{3}}}}},
         .refusals = {{[] { lerp(tensor({1, 2}), tensor({3, 4}), 0); }, "i64"},
                      mismatched([](const Tensor& a, const Tensor& b) { return lerp(a, b, 0.5); })}},
        {.name = "addcmul",
         .golden = {{"addcmul", of_three(addcmul)}},
         .gradients = {any_shape({"Addcmul",
                                  [](Inputs x) { return addcmul(x[0], x[1], x[2], -0.5); },
                                  {{{2, 3}}, {{2, 3}}, {{2, 3}}}}),
                       {"AddcmulBroadcast",
                        [](Inputs x) { return addcmul(x[0], x[1], x[2]); },
                        {{{}}, {{2, 1}}, {{3}}}}},
         .refusals = {mismatched([](const Tensor& a, const Tensor& b) { return addcmul(a, b, b); })}},
        {.name = "addcdiv",
         .golden = {{"addcdiv", of_three(addcdiv)}},
         .gradients = {any_shape({"Addcdiv",
                                  [](Inputs x) { return addcdiv(x[0], x[1], x[2], -0.5); },
                                  {{{2, 3}}, {{2, 3}}, {{2, 3}, 0.5, 2}}})},
         .refusals = {{[] { addcdiv(tensor({1}), tensor({1}), tensor({1})); }, "i64"},
                      mismatched([](const Tensor& a, const Tensor& b) { return addcdiv(a, b, b); })}},
    }};

const table::Rows choices{
    "pointwise",
    {
        {.name = "maximum",
         .golden = {{"maximum", golden::binary(maximum)}},
         .gradients = {any_shape({"Maximum",
                                  [](Inputs x) { return maximum(x[0] * x[0], x[1]); },
                                  {{{2, 3}}, {{2, 3}}}})},
         .refusals = {mismatched(maximum)}},
        {.name = "minimum",
         .golden = {{"minimum", golden::binary(minimum)}},
         .gradients = {{"MinimumBroadcast",
                        [](Inputs x) { return minimum(x[0], x[1] * x[1]); },
                        {{{2, 1}}, {{3}}}}},
         .refusals = {mismatched(minimum)}},
        {.name = "clamp",
         .golden = {{"clamp",
                     [](Inputs x, const Args& a) {
                       return std::vector{clamp(x[0], a.maybe_real("min"), a.maybe_real("max"))};
                     }},
                    {"clamp_tensors", of_three(clamp)}},
         .gradients =
             {any_shape({"Clamp", [](Inputs x) { return clamp(x[0] * x[0], 0.5, 2); }, {{{3, 4}}}}),
              {"ClampFromBelow", [](Inputs x) { return clamp(x[0] * x[0], 0.5, {}); }, {{{3, 4}}}},
              {"ClampFromAbove", [](Inputs x) { return clamp(x[0] * x[0], {}, 0.5); }, {{{3, 4}}}},
              {"ClampBetweenTensors",
               [](Inputs x) { return clamp(x[0] * x[0], x[1], x[2]); },
               {{{3, 4}}, {{4}, 0.2, 0.6}, {{3, 1}, 0.9, 2}}},
              {"ClampBetweenSwappedTensors",
               [](Inputs x) { return clamp(x[0] * x[0], x[1] * x[1], x[2] * x[2]); },
               {{{3, 4}}, {{4}, 1.5, 2}, {{3, 1}, 0.5, 1}}}},
         .refusals = {{[] { clamp(ones({2}), std::nullopt, std::nullopt); }, "neither"},
                      {[] { clamp(ones({2}), Tensor(), Tensor()); }, "neither"}}},
        {.name = "clamp_min",
         .golden = {{"clamp_min",
                     golden::binary(static_cast<Tensor (*)(const Tensor&, const Tensor&)>(clamp_min))},
                    {"clamp_min_number",
                     with_number([](const Tensor& x, Scalar s) { return clamp_min(x, s.to_double()); })}},
         .gradients = {any_shape({"ClampMin",
                                  [](Inputs x) { return clamp_min(x[0] * x[0], x[1]); },
                                  {{{2, 3}}, {{2, 3}, 0.5, 2}}})},
         .refusals = {mismatched([](const Tensor& a, const Tensor& b) { return clamp_min(a, b); })}},
        {.name = "clamp_max",
         .golden = {{"clamp_max",
                     golden::binary(static_cast<Tensor (*)(const Tensor&, const Tensor&)>(clamp_max))},
                    {"clamp_max_number",
                     with_number([](const Tensor& x, Scalar s) { return clamp_max(x, s.to_double()); })}},
         .gradients = {any_shape({"ClampMax",
                                  [](Inputs x) { return clamp_max(x[0] * x[0], x[1]); },
                                  {{{2, 3}}, {{2, 3}, 0.5, 2}}})},
         .refusals = {mismatched([](const Tensor& a, const Tensor& b) { return clamp_max(a, b); })}},
        {.name = "where",
         .golden = {{"where", of_three(where)},
                    {"where_numbers",
                     [](Inputs x, const Args& a) {
                       return std::vector{where(x[0], a.scalar("a"), a.scalar("b"))};
                     }}},
         .gradients = {{"Where",
                        [](Inputs x) { return where(tensor({{true, false, true}}), x[0] * x[0], x[1]); },
                        {{{2, 3}}, {{2, 1}}}},
                       any_shape({"WhereNumber",
                                  [](Inputs x) { return where(x[0] > 0, 2, where(x[0] < -1, x[0] * x[0], 0.5)); },
                                  {{{2, 3}}}})},
         .refusals = {{[] { where(ones({2}), ones({2}), ones({2})); }, "the condition is f32"},
                      {[] { where(ones({3}) > 0, ones({2}), 0); }, "[3]"}}},
        {.name = "masked_fill",
         .golden = {{"masked_fill",
                     [](Inputs x, const Args& a) {
                       return std::vector{masked_fill(x[0], x[1], a.scalar("s"))};
                     }}},
         .gradients = {{"MaskedFill",
                        [](Inputs x) { return masked_fill(x[0] * x[0], tensor({true, false, true}), 5); },
                        {{{2, 3}}}}},
         .refusals = {{[] { masked_fill(ones({2}), ones({2}), 0); }, "the condition is f32", "where"}}},
        {.name = "nan_to_num",
         .golden = {{"nan_to_num",
                     [](Inputs x, const Args& a) {
                       return std::vector{nan_to_num(x[0], {.nan = a.real("nan", 0),
                                                            .posinf = a.maybe_real("posinf"),
                                                            .neginf = a.maybe_real("neginf")})};
                     }}},
         .gradients = {any_shape({"NanToNum", [](Inputs x) { return nan_to_num(x[0] * x[0]); }, {{{2, 3}}}})},
         .without_refusals = "integers have no NaN"},
    }};

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

TEST(Pointwise, WhereOfNumbersAndTensorsPromotesAsArithmeticDoes) {
  const Tensor yes = tensor({true, false});
  EXPECT_EQ(where(yes, 1.5, ones({2}, bf16)).dtype(), bf16);
  EXPECT_EQ(where(yes, tensor({1, 2}), 0.5).dtype(), f32);
  EXPECT_EQ(where(yes, tensor({1, 2}), 7).to_vector<int>(), (std::vector<int>{1, 7}));
  EXPECT_EQ(where(yes, true, false).dtype(), boolean);
}

TEST(Pointwise, LerpIsExactAtBothEnds) {
  const Tensor a = full({9}, 1e8);
  const Tensor b = full({9}, -0.1);
  EXPECT_TRUE(equal(lerp(a, b, 0), a));
  EXPECT_TRUE(equal(lerp(a, b, 1), b));
  EXPECT_TRUE(equal(lerp(a, b, ones({9})), b));
}

}  // namespace
}  // namespace mica
