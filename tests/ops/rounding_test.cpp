#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Inputs;

// A step function, tried where it is not at a step.
table::Row steps(const std::string& name, const std::string& title, Tensor (*fn)(Tensor)) {
  return {.name = name,
          .golden = {{name, golden::unary(fn)}},
          .gradients = {any_shape({title, [fn](Inputs x) { return fn(x[0]) * x[0]; }, {{{2, 3}, 0.1, 0.4}}})},
          .without_refusals = "integers are whole, whatever their dtype"};
}

golden::Operation with_number(Tensor (*fn)(const Tensor&, Scalar)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.scalar("s"))}; };
}

const table::Rows rows{
    "rounding",
    {
        steps("floor", "Floor", floor),
        steps("ceil", "Ceil", ceil),
        steps("trunc", "Trunc", trunc),
        {.name = "round",
         .golden = {{"round", [](Inputs x, const Args&) { return std::vector{round(x[0])}; }},
                    {"round_decimals",
                     [](Inputs x, const Args& a) {
                       return std::vector{round(x[0], a.integer("decimals"))};
                     }}},
         .gradients =
             {any_shape({"Round", [](Inputs x) { return round(x[0]) * x[0]; }, {{{2, 3}, 0.6, 0.9}}}),
              {"RoundDecimals", [](Inputs x) { return round(x[0], 1) * x[0]; }, {{{2, 3}, 0.61, 0.64}}}},
         .refusals = {{[] { round(tensor({12, 3}), -1); }, "-1 decimals of i64"}}},
        {.name = "frac",
         .golden = {{"frac", golden::unary(frac)}},
         .gradients = {any_shape({"Frac", [](Inputs x) { return frac(x[0]) * x[0]; }, {{{2, 3}, 0.1, 0.9}}})},
         .without_refusals = "integers have no fraction"},
        {.name = "remainder",
         .golden = {{"remainder", golden::binary(remainder)},
                    {"remainder_scalar", with_number(remainder)},
                    {"remainder_of_scalar",
                     [](Inputs x, const Args& a) { return std::vector{remainder(a.scalar("s"), x[0])}; }}},
         .gradients = {any_shape({"Remainder",
                                  [](Inputs x) { return remainder(x[0], x[1]) * x[1]; },
                                  {{{2, 3}, -2.8, -2.2}, {{2, 3}, 0.95, 1.05}}}),
                       {"RemainderNumber",
                        [](Inputs x) { return remainder(x[0], 2) * x[0] + remainder(7, x[0]); },
                        {{{2, 3}, 1.2, 1.3}}}},
         .refusals = {{[] { remainder(tensor({1, 2}), tensor({1, 0})); }, "i64 number is divided by 0"},
                      {[] { remainder(tensor({1, 2}), 0); }, "i64 number is divided by 0"},
                      {[] { remainder(tensor({true}), true); }, "bool"},
                      {[] { remainder(ones({2, 3}), ones({2})); }, "[2, 3]"}}},
        {.name = "fmod",
         .golden = {{"fmod", golden::binary(fmod)}, {"fmod_scalar", with_number(fmod)}},
         .gradients = {any_shape({"Fmod",
                                  [](Inputs x) { return fmod(x[0], x[1]) * x[1]; },
                                  {{{2, 3}, -2.8, -2.2}, {{2, 3}, 0.95, 1.05}}}),
                       {"FmodNumber", [](Inputs x) { return fmod(x[0], 1) * x[0]; }, {{{2, 3}, 1.2, 1.8}}}},
         .refusals = {{[] { fmod(tensor({1, 2}), tensor({0, 1})); }, "i64 number is divided by 0"},
                      {[] { fmod(tensor({1, 2}).to(u8), 256); }, "u8 number is divided by 0"},
                      {[] { fmod(tensor({true}), tensor({true})); }, "bool"}}},
        {.name = "floor_divide",
         .golden = {{"floor_divide", golden::binary(floor_divide)},
                    {"floor_divide_scalar", with_number(floor_divide)}},
         .gradients = {any_shape({"FloorDivide",
                                  [](Inputs x) { return floor_divide(x[0], x[1]) * x[0] * x[1]; },
                                  {{{2, 3}, -2.8, -2.2}, {{2, 3}, 0.95, 1.05}}})},
         .refusals = {{[] { floor_divide(tensor({1, 2}), tensor({0, 1})); }, "divided by 0", "div"},
                      {[] { floor_divide(tensor({true}), true); }, "bool", "div"}}},
    }};

TEST(Rounding, TheLowestIntegerDividedByMinusOneWrapsAround) {
  constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
  const Tensor x = tensor({lowest});
  EXPECT_EQ(floor_divide(x, -1).item<std::int64_t>(), lowest);
  EXPECT_EQ(remainder(x, -1).item<std::int64_t>(), 0);
  EXPECT_EQ(fmod(x, tensor({-1})).item<std::int64_t>(), 0);
}

TEST(Rounding, OfIntegersIsACopy) {
  const Tensor x = tensor({1, 2});
  EXPECT_TRUE(equal(floor(x), x));
  EXPECT_FALSE(floor(x).shares_storage(x));
}

TEST(Rounding, RemaindersOfNumbersOfNoDimensionsKeepTheDType) {
  EXPECT_EQ(remainder(7.5, tensor({2, 3})).dtype(), f32);
  EXPECT_EQ(remainder(7, ones({2}, bf16)).dtype(), bf16);
}

}  // namespace
}  // namespace mica
