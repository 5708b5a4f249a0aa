#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

const gradients::Cases join_cases{
    {"Cat", [](Inputs x) { return square(cat(x, 1)); }, {{{2, 1}}, {{2, 3}}, {{2, 2}}}},
    {"CatLastDim", [](Inputs x) { return square(cat(x, -1)); }, {{{2, 2}}, {{2, 1}}}},
    {"CatWithNothing", [](Inputs x) { return square(cat(x)); }, {{{2}}, {{0}}, {{1}}}},
    {"CatOfNothing", [](Inputs x) { return cat(x) * x[0]; }, {{{0}}, {{0}}}},
    {"CatTwiceTheSame", [](Inputs x) { return square(cat({x[0], x[0] * 2})); }, {{{2, 2}}}},
    {"CatWithAConstant", [](Inputs x) { return square(cat({x[0], ones({1, 2}, f64)})); }, {{{2, 2}}}},
    {"Stack", [](Inputs x) { return square(stack(x, 1)); }, {{{2, 3}}, {{2, 3}}}},
    {"StackZeroDim", [](Inputs x) { return square(stack(x)); }, {{{}}, {{}}}},
};

TEST(Join, AgreesWithPyTorch) {
  golden::expect_golden(
      "join", {{"cat", [](Inputs x, const Args& a) { return std::vector{cat(x, a.integer("dim"))}; }},
               {"stack", [](Inputs x, const Args& a) { return std::vector{stack(x, a.integer("dim"))}; }}});
}

TEST(Join, ResultsHaveMemoryOfTheirOwn) {
  const Tensor x = ones({2});
  EXPECT_FALSE(cat({x}).shares_storage(x));
  EXPECT_FALSE(stack({x}).shares_storage(x));
  const Tensor nothing = zeros({0});
  EXPECT_FALSE(cat({nothing}).is_same(nothing));
}

TEST(Join, ExplainsWhatItRefuses) {
  EXPECT_THROW(cat(std::span<const Tensor>()), Error);
  EXPECT_THROW(stack(std::span<const Tensor>()), Error);
  EXPECT_THROW(cat({ones({2, 3}), ones({2, 2})}), Error);
  EXPECT_THROW(cat({ones({2, 3}), ones({2})}), Error);
  EXPECT_THROW(cat({tensor(1.0), tensor(2.0)}), Error);
  EXPECT_THROW(cat({ones({2}), ones({2})}, 1), Error);
  EXPECT_THROW(stack({ones({2}), ones({3})}), Error);
}

}  // namespace
}  // namespace mica
