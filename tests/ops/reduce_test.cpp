#include <cmath>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using gradients::Inputs;

const gradients::Cases reduce_cases{
    {"Sum", [](Inputs x) { return square(x[0]).sum(); }, {{{2, 3}}}},
    {"SumDims", [](Inputs x) { return square(x[0]).sum({0, -1}); }, {{{2, 3, 2}}}},
    {"SumKeepdim", [](Inputs x) { return x[0] * x[0].sum(1, true); }, {{{2, 3}}}},
    {"SumOfNothing", [](Inputs x) { return x[0].sum(0); }, {{{0, 3}}}},
    {"SumZeroDim", [](Inputs x) { return square(x[0]).sum(0); }, {{{}}}},
    {"SumToSize", [](Inputs x) { return square(x[0]).sum_to_size({3, 1}); }, {{{2, 3, 2}}}},
    {"Mean", [](Inputs x) { return square(x[0]).mean(); }, {{{2, 3}}}},
    {"MeanDims", [](Inputs x) { return square(x[0]).mean({1, 0}, true); }, {{{2, 3, 2}}}},
    {"Var", [](Inputs x) { return x[0].var(1); }, {{{2, 4}}}},
    {"VarOfPopulation", [](Inputs x) { return x[0].var({0, 1}, 0, true); }, {{{2, 3}}}},
    {"Std", [](Inputs x) { return x[0].std(-1); }, {{{2, 4}}}, false},
    {"StdOfAll", [](Inputs x) { return x[0].std({}, 0); }, {{{2, 3}}}},
    {"Max", [](Inputs x) { return (x[0] * x[0]).max(); }, {{{2, 3}}}},
    {"MaxOfRepeated", [](Inputs x) { return x[0].expand({3, 4}).max() * x[0].max(); }, {{{3, 1}}}},
    {"Min", [](Inputs x) { return (x[0] * x[0]).min(); }, {{{2, 3}}}},
    {"MaxDim", [](Inputs x) { return square(x[0]).max(1).values; }, {{{2, 3, 2}}}},
    {"MaxDimKeepdim", [](Inputs x) { return square(x[0]).max(-1, true).values; }, {{{2, 3}}}},
    {"MinDim", [](Inputs x) { return square(x[0]).min(0).values; }, {{{3, 2}}}},
    {"MaxDimZeroDim", [](Inputs x) { return square(x[0]).max(0).values; }, {{{}}}},
    {"MaxDimZeroSize", [](Inputs x) { return x[0].max(1).values; }, {{{0, 3}}}},
};

using golden::Args;

std::vector<Tensor> pair(ValuesIndices both) { return {both.values, both.indices}; }

TEST(Reduce, AgreesWithPyTorch) {
  golden::expect_golden(
      "reduce",
      {
          {"sum",
           [](Inputs x, const Args& a) { return std::vector{x[0].sum(a.shape("dims"), a.flag("keepdim"))}; }},
          {"mean", [](Inputs x,
                      const Args& a) { return std::vector{x[0].mean(a.shape("dims"), a.flag("keepdim"))}; }},
          {"var",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].var(a.shape("dims"), a.real("correction", 1), a.flag("keepdim"))};
           }},
          {"std",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].std(a.shape("dims"), a.real("correction", 1), a.flag("keepdim"))};
           }},
          {"max", [](Inputs x, const Args&) { return std::vector{x[0].max()}; }},
          {"min", [](Inputs x, const Args&) { return std::vector{x[0].min()}; }},
          {"max_dim",
           [](Inputs x, const Args& a) { return pair(x[0].max(a.integer("dim"), a.flag("keepdim"))); }},
          {"min_dim",
           [](Inputs x, const Args& a) { return pair(x[0].min(a.integer("dim"), a.flag("keepdim"))); }},
          {"argmax",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].argmax(a.maybe_integer("dim"), a.flag("keepdim"))};
           }},
          {"argmin",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].argmin(a.maybe_integer("dim"), a.flag("keepdim"))};
           }},
          {"any", [](Inputs x, const Args&) { return std::vector{x[0].any()}; }},
          {"all", [](Inputs x, const Args&) { return std::vector{x[0].all()}; }},
      });
}

TEST(Reduce, OfNarrowTypesDoesNotOverflowOnTheWay) {
  const Tensor x = full({4, 1000}, 300, f16);  // the sum is beyond f16, the mean is not
  EXPECT_EQ(x.mean().item(), 300);
  EXPECT_EQ(x.mean(1).dtype(), f16);
  EXPECT_EQ(x.var(1).to_vector<float>(), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(tensor({1.0, 2.0}).to(bf16).max(0).values.dtype(), bf16);
  EXPECT_EQ(tensor(1.0).to(bf16).max(0).values.dtype(), bf16);
}

TEST(Reduce, GivesTheSameForEveryMemoryOrder) {
  Generator generator(4);
  const Tensor x = randn({6, 5, 7}, generator, f64);
  const Tensor y = x.permute({2, 0, 1}).contiguous().permute({1, 2, 0});
  ASSERT_FALSE(y.is_contiguous());
  EXPECT_TRUE(allclose(x.sum({0, 2}), y.sum({0, 2}), 1e-12));
  EXPECT_TRUE(equal(x.max(1).indices, y.max(1).indices));
  EXPECT_TRUE(equal(x.argmin(), y.argmin()));
}

TEST(Reduce, OfNothingToChooseFromThrowsByName) {
  for (const auto& fn :
       {+[](const Tensor& x) { return x.max(); }, +[](const Tensor& x) { return x.min(); },
        +[](const Tensor& x) { return x.argmax(); }, +[](const Tensor& x) { return x.max(0).values; }}) {
    EXPECT_THROW(fn(zeros({0, 3})), Error);
  }
  EXPECT_NO_THROW(zeros({0, 3}).max(1));
}

TEST(Reduce, RefusesDimensionsThatAreNotThere) {
  EXPECT_THROW(ones({2, 3}).sum(2), Error);
  EXPECT_THROW(ones({2, 3}).sum({0, -2}), Error);  // the same one twice
  EXPECT_THROW(tensor({1, 2}).mean(), Error);
  EXPECT_THROW(ones({2, 3}).sum_to_size({2, 2}), Error);
}

TEST(Reduce, IndicesGivenOutAreCheckedWhenTheyComeBack) {
  const Tensor x = from_vector(std::vector<double>{1, 3, 2}).requires_grad_();
  auto [values, indices] = x.max(0);
  indices.fill_(0);
  EXPECT_THROW(values.backward(), Error);
}

}  // namespace
}  // namespace mica
