#include <limits>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

golden::Operation distinct(Unique (*fn)(const Tensor&, const UniqueOptions&)) {
  return [fn](Inputs x, const Args&) {
    const auto [values, inverse, counts] = fn(x[0], {.return_inverse = true, .return_counts = true});
    return std::vector{values, inverse, counts};
  };
}

const char* positions = "results are positions";

const table::Rows rows{
    "count",
    {
        {.name = "count_nonzero",
         .golden = {{"count_nonzero",
                     [](Inputs x, const Args& a) {
                       return std::vector{count_nonzero(x[0], a.shape("dims"))};
                     }}},
         .refusals = {{[] { count_nonzero(ones({2}), 1); }, "dimension 1 is out of range"}},
         .without_gradients = "results are counts"},
        {.name = "bincount",
         .golden = {{"bincount",
                     [](Inputs x, const Args& a) {
                       return std::vector{bincount(x[0], x.size() > 1 ? x[1] : Tensor(),
                                                   a.maybe_integer("minlength").value_or(0))};
                     }}},
         .gradients = {{"BincountOfWeights",
                        [](Inputs x) { return square(bincount(tensor({2, 0, 2}), x[0], 5)); },
                        {{{3}}}}},
         .refusals = {{[] { bincount(tensor({1, -2})); }, "x contains -2"},
                      {[] { bincount(tensor({{1, 2}})); }, "x is i64 of shape [1, 2]"},
                      {[] { bincount(ones({2})); }, "x is f32"},
                      {[] { bincount(tensor({1, 2}), ones({3})); }, "weights have shape [3], x has [2]"},
                      {[] { bincount(tensor({1, 2}), {}, -1); }, "minlength is -1"}}},
        {.name = "histc",
         .golden = {{"histc",
                     [](Inputs x, const Args& a) {
                       return std::vector{histc(
                           x[0],
                           {.bins = a.integer("bins"), .min = a.real("min", 0), .max = a.real("max", 0)})};
                     }}},
         .refusals = {{[] { histc(ones({2}), {.bins = 0}); }, "bins is 0"},
                      {[] { histc(ones({2}), {.min = 2, .max = 1}); }, "the range is 2 to 1"},
                      {[] { histc(ones({2}) / 0); }, "give finite ones"},
                      {[] { histc(tensor({1, 2})); }, "got i64"}},
         .without_gradients = "counts change in steps"},
        {.name = "searchsorted",
         .golden = {{"searchsorted",
                     [](Inputs x, const Args& a) {
                       return std::vector{searchsorted(x[0], x[1], a.flag("right"))};
                     }},
                    {"searchsorted_scalar",
                     [](Inputs x, const Args& a) {
                       return std::vector{searchsorted(x[0], a.scalar("value"), a.flag("right"))};
                     }}},
         .refusals = {{[] { searchsorted(ones({2, 3}), ones({3, 3})); },
                       "the sorted sequence has shape [2, 3], the values have [3, 3]"},
                      {[] { searchsorted(ones({2, 3}), ones({3})); }, "all sizes but the last"},
                      {[] { searchsorted(ones({2, 3}), 1); }, "a number, and a sequence of shape [2, 3]"},
                      {[] { searchsorted(ones({3}), tensor({1})); }, "the values is i64"}},
         .without_gradients = positions},
        {.name = "bucketize",
         .golden = {{"bucketize",
                     [](Inputs x, const Args& a) {
                       return std::vector{bucketize(x[0], x[1], a.flag("right"))};
                     }}},
         .refusals = {{[] { bucketize(ones({2}), ones({2, 2})); }, "the boundaries have shape [2, 2]"}},
         .without_gradients = positions},
        {.name = "unique",
         .golden = {{"unique", distinct(unique)}},
         .without_gradients = "their number depends on the elements",
         .without_refusals = "every tensor has distinct elements"},
        {.name = "unique_consecutive",
         .golden = {{"unique_consecutive", distinct(unique_consecutive)}},
         .without_gradients = "their number depends on the elements",
         .without_refusals = "every tensor has distinct elements"},
    }};

TEST(Count, BackwardThroughDistinctElementsAndHistogramsThrowsByName) {
  const Tensor x = ones({3}).requires_grad_();
  for (const Tensor& y : {unique(x).values, unique_consecutive(x).values, histc(x)})
    EXPECT_THROW(y.sum().backward(), Error);
}

TEST(Count, EveryNaNIsDistinct) {
  const Tensor x = full({3}, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(unique(x).values.numel(), 3);
  EXPECT_FALSE(unique(x).inverse.defined());
}

TEST(Count, FindsPlacesOfManyValuesInManyRows) {
  Generator generator(2);
  const Tensor sorted = randn({50, 300}, generator).sort().values;
  const Tensor values = randn({50, 200}, generator);
  const Tensor expected = lt(sorted.unsqueeze(1), values.unsqueeze(2)).sum(2);
  EXPECT_TRUE(equal(searchsorted(sorted, values), expected));
  EXPECT_TRUE(equal(searchsorted(sorted, sorted, true) - 1, arange(300).expand({50, 300})));
}

}  // namespace
}  // namespace mica
