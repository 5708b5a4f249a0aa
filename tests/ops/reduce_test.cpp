#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

// Over some dimensions, or all.
golden::Operation over_dims(Tensor (*fn)(const Tensor&, const Shape&, bool)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.shape("dims"), a.flag("keepdim"))}; };
}
golden::Operation spread(Tensor (*fn)(const Tensor&, const Shape&, double, bool)) {
  return [fn](Inputs x, const Args& a) {
    return std::vector{fn(x[0], a.shape("dims"), a.real("correction", 1), a.flag("keepdim"))};
  };
}

Tensor with_zeros(const Tensor& x) { return x * tensor({{1, 0, 1}, {0, 1, 0}}); }

const gradients::Cases sum_to_size_cases{
    {"SumToSize", [](Inputs x) { return square(x[0]).sum_to_size({3, 1}); }, {{{2, 3, 2}}}},
};

const table::Rows rows{
    "reduce",
    {
        {.name = "sum",
         .golden = {{"sum", over_dims(sum)}},
         .gradients = {{"Sum", [](Inputs x) { return square(x[0]).sum(); }, {{{2, 3}}}},
                       {"SumDims", [](Inputs x) { return square(x[0]).sum({0, -1}); }, {{{2, 3, 2}}}},
                       {"SumKeepdim", [](Inputs x) { return x[0] * x[0].sum(1, true); }, {{{2, 3}}}},
                       {"SumOfNothing", [](Inputs x) { return x[0].sum(0); }, {{{0, 3}}}},
                       {"SumZeroDim", [](Inputs x) { return square(x[0]).sum(0); }, {{{}}}}},
         .refusals = {{[] { sum(ones({2, 3}), 2); }, "dimension 2 is out of range"},
                      {[] { sum(ones({2, 3}), {0, -2}); }, "dimension -2 appears twice in [0, -2]"}}},
        {.name = "prod",
         .golden = {{"prod", [](Inputs x, const Args&) { return std::vector{prod(x[0])}; }},
                    {"prod_dim",
                     [](Inputs x, const Args& a) {
                       return std::vector{prod(x[0], a.integer("dim"), a.flag("keepdim"))};
                     }}},
         .gradients = {{"Prod", [](Inputs x) { return prod(x[0]); }, {{{2, 3}}}},
                       {"ProdDim", [](Inputs x) { return prod(x[0], 1); }, {{{2, 3, 2}}}},
                       {"ProdOfZeros", [](Inputs x) { return prod(with_zeros(x[0]), 1, true); }, {{{2, 3}}}},
                       {"ProdThirdDerivative",
                        derivative_of([](Inputs x) { return prod(with_zeros(x[0]) + x[0] * x[0], 0); }),
                        {{{2, 3}}}},
                       {"ProdOfNothing", [](Inputs x) { return prod(x[0], 0); }, {{{0, 3}}}},
                       {"ProdOfOne", [](Inputs x) { return prod(square(x[0]), 0); }, {{{1, 3}}}},
                       {"ProdZeroDim", [](Inputs x) { return prod(square(x[0]), 0) * prod(x[0]); }, {{{}}}}},
         .refusals = {{[] { prod(ones({2, 3}), -3); }, "dimension -3 is out of range"}}},
        {.name = "nansum",
         .golden = {{"nansum", over_dims(nansum)}},
         .gradients = {{"Nansum", [](Inputs x) { return nansum(square(x[0]), 1); }, {{{2, 3}}}}},
         .refusals = {{[] { nansum(ones({2, 3}), 2); }, "dimension 2 is out of range"}}},
        {.name = "mean",
         .golden = {{"mean", over_dims(mean)}},
         .gradients = {{"Mean", [](Inputs x) { return square(x[0]).mean(); }, {{{2, 3}}}},
                       {"MeanDims", [](Inputs x) { return square(x[0]).mean({1, 0}, true); }, {{{2, 3, 2}}}},
                       {"MeanZeroDim", [](Inputs x) { return square(x[0]).mean(); }, {{{}}}}},
         .refusals = {{[] { mean(tensor({1, 2})); }, "got i64"}}},
        {.name = "nanmean",
         .golden = {{"nanmean", over_dims(nanmean)}},
         .gradients = {{"Nanmean", [](Inputs x) { return nanmean(square(x[0]), 1, true); }, {{{2, 3}}}}},
         .refusals = {{[] { nanmean(tensor({1, 2})); }, "got i64"}}},
        {.name = "var",
         .golden = {{"var", spread(var)}},
         .gradients = {{"Var", [](Inputs x) { return var(x[0], 1); }, {{{2, 4}}}},
                       {"VarOfPopulation", [](Inputs x) { return var(x[0], {0, 1}, 0, true); }, {{{2, 3}}}}},
         .refusals = {{[] { var(tensor({1, 2})); }, "got i64"}}},
        {.name = "std",
         .golden = {{"std", spread(std)}},
         .gradients = {{"Std", [](Inputs x) { return mica::std(x[0], -1); }, {{{2, 4}}}, false},
                       {"StdOfAll", [](Inputs x) { return mica::std(x[0], {}, 0); }, {{{2, 3}}}}},
         .refusals = {{[] { mica::std(tensor({1, 2})); }, "got i64"}}},
        {.name = "var_mean",
         .golden = {{"var_mean",
                     [](Inputs x, const Args& a) {
                       const auto [var, mean] =
                           var_mean(x[0], a.shape("dims"), a.real("correction", 1), a.flag("keepdim"));
                       return std::vector{var, mean};
                     }}},
         .gradients = {{"VarMean",
                        [](Inputs x) {
                          const auto [var, mean] = var_mean(x[0], 1);
                          return var * mean;
                        },
                        {{{2, 4}}}}},
         .refusals = {{[] { var_mean(tensor({1, 2})); }, "got i64"}}},
        {.name = "std_mean",
         .golden = {{"std_mean",
                     [](Inputs x, const Args& a) {
                       const auto [std, mean] =
                           std_mean(x[0], a.shape("dims"), a.real("correction", 1), a.flag("keepdim"));
                       return std::vector{std, mean};
                     }}},
         .gradients = {{"StdMean",
                        [](Inputs x) {
                          const auto [std, mean] = std_mean(x[0], {0, 1}, 0, true);
                          return std * mean;
                        },
                        {{{2, 4}}}}},
         .refusals = {{[] { std_mean(tensor({1, 2})); }, "got i64"}}},
        {.name = "any",
         .golden = {{"any", [](Inputs x, const Args&) { return std::vector{any(x[0])}; }},
                    {"any_dims", over_dims(any)}},
         .refusals = {{[] { any(ones({2}), 1); }, "dimension 1 is out of range"}},
         .without_gradients = "results are bool"},
        {.name = "all",
         .golden = {{"all", [](Inputs x, const Args&) { return std::vector{all(x[0])}; }},
                    {"all_dims", over_dims(all)}},
         .refusals = {{[] { all(ones({2, 3}), {1, 1}); }, "dimension 1 appears twice"}},
         .without_gradients = "results are bool"},
    }};

TEST(Reduce, OfNarrowTypesDoesNotOverflowOnTheWay) {
  const Tensor x = full({4, 1000}, 300, f16);  // the sum is beyond f16, the mean is not
  EXPECT_EQ(x.mean().item(), 300);
  EXPECT_EQ(x.mean(1).dtype(), f16);
  EXPECT_EQ(x.var(1).to_vector<float>(), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(std(tensor({0, 1, 2, 5}).to(bf16)).item(), std(tensor({0, 1, 2, 5}).to(f32)).to(bf16).item());
}

TEST(Reduce, GivesTheSameForEveryMemoryOrder) {
  Generator generator(4);
  const Tensor x = randn({6, 5, 7}, generator, f64);
  const Tensor y = x.permute({2, 0, 1}).contiguous().permute({1, 2, 0});
  ASSERT_FALSE(y.is_contiguous());
  EXPECT_TRUE(allclose(x.sum({0, 2}), y.sum({0, 2}), 1e-12));
  EXPECT_TRUE(allclose(x.prod(1), y.prod(1), 1e-12));
}

TEST(Reduce, ToASizeThatWasNotBroadcastThrows) { EXPECT_THROW(ones({2, 3}).sum_to_size({2, 2}), Error); }

}  // namespace
}  // namespace mica
