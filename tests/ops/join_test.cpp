#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Inputs;

// An expanded row, a column and every second row of one matrix.
Tensor cat_of_views(const Tensor& x) {
  return cat({x.narrow(0, 0, 1).expand({2, 3}), x.narrow(1, 1, 1).expand({4, 3}),
              x.slice(0, {std::nullopt, std::nullopt, 2})});
}

const table::Rows rows{
    "join",
    {{.name = "cat",
      .golden = {{"cat",
                  [](Inputs x, const Args& a) {
                    return std::vector{a.has("views") ? cat_of_views(x[0]) : cat(x, a.integer("dim"))};
                  }}},
      .gradients =
          {{"Cat", [](Inputs x) { return square(cat(x, 1)); }, {{{2, 1}}, {{2, 3}}, {{2, 2}}}},
           {"CatLastDim", [](Inputs x) { return square(cat(x, -1)); }, {{{2, 2}}, {{2, 1}}}},
           {"CatWithNothing", [](Inputs x) { return square(cat(x)); }, {{{2}}, {{0}}, {{1}}}},
           {"CatOfNothing", [](Inputs x) { return cat(x) * x[0]; }, {{{0}}, {{0}}}},
           {"CatOfEmptyRows", [](Inputs x) { return square(cat(x)); }, {{{0, 2}}, {{3, 2}}}},
           {"CatTwiceTheSame", [](Inputs x) { return square(cat({x[0], x[0] * 2})); }, {{{2, 2}}}},
           {"CatOfViews", [](Inputs x) { return square(cat_of_views(x[0])); }, {{{4, 3}}}},
           {"CatWithAConstant", [](Inputs x) { return square(cat({x[0], ones({1, 2}, f64)})); }, {{{2, 2}}}}},
      .refusals = {{[] { cat(std::span<const Tensor>()); }, "give at least one tensor"},
                   {[] { cat({ones({2, 3}), ones({2, 2})}); },
                    "shapes [2, 3] and [2, 2] differ outside dimension 0"},
                   {[] { cat({ones({2, 3}), ones({2})}); }, "shapes [2, 3] and [2]"},
                   {[] { cat({tensor(1.0), tensor(2.0)}); }, "use stack()"},
                   {[] { cat({ones({2}), ones({2})}, 1); }, "dimension 1 is out of range"},
                   {[] { cat({ones({2}), Tensor()}); }, "undefined", "Tensor"}}},
     {.name = "stack",
      .golden = {{"stack", [](Inputs x, const Args& a) { return std::vector{stack(x, a.integer("dim"))}; }}},
      .gradients = {{"Stack", [](Inputs x) { return square(stack(x, 1)); }, {{{2, 3}}, {{2, 3}}}},
                    any_shape({"StackFirst", [](Inputs x) { return square(stack(x)); }, {{{2}}, {{2}}}})},
      .refusals = {{[] { stack(std::span<const Tensor>()); }, "give at least one tensor"},
                   {[] { stack({ones({2}), ones({3})}); }, "shapes [2] and [3] differ"},
                   {[] { stack({ones({2}), ones({2})}, 2); }, "dimension 2 is out of range"},
                   {[] { stack({ones({1, 1, 1, 1, 1, 1, 1, 1})}); }, "at most 8", "Shape"}}}}};

TEST(Join, ResultsHaveMemoryOfTheirOwn) {
  const Tensor x = ones({2});
  EXPECT_FALSE(cat({x}).shares_storage(x));
  EXPECT_FALSE(stack({x}).shares_storage(x));
  const Tensor nothing = zeros({0});
  EXPECT_FALSE(cat({nothing}).is_same(nothing));
}

}  // namespace
}  // namespace mica
