#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

const table::Rows rows{
    "index_select",
    {
        {.name = "index_select",
         .golden = {{"index_select",
                     [](Inputs x, const Args& a) {
                       return std::vector{index_select(x[0], a.integer("dim"), x[1])};
                     }}},
         .gradients = {{"IndexSelect",
                        [](Inputs x) { return square(index_select(x[0], 0, tensor({2, 0, 2}))); },
                        {{{3, 4}}}},
                       {"IndexSelectInside",
                        [](Inputs x) { return square(index_select(x[0], 1, tensor({2, 0, 2}))); },
                        {{{2, 3, 2}}}},
                       {"IndexSelectZeroDim",
                        [](Inputs x) { return square(index_select(x[0], 0, tensor({0}))); },
                        {{{}}}},
                       {"IndexSelectNothing",
                        [](Inputs x) { return square(index_select(x[0], 0, zeros({0}, i64))); },
                        {{{2, 3}}}}},
         .refusals = {{[] { index_select(zeros({2, 3}), 1, tensor({0, 3})); }, "index 3 at position [1]"},
                      {[] { index_select(zeros({2, 3}), 1, tensor({-1})); }, "use 0 to 2"},
                      {[] { index_select(zeros({2, 3}), 1, tensor({{0}})); }, "the index has shape [1, 1]"},
                      {[] { index_select(zeros({}), 0, tensor({0, 0})); }, "2 positions in a 0-d tensor"},
                      {[] { index_select(zeros({2}), 0, tensor({true})); }, "the index is bool"}}},
        {.name = "index_add",
         .golden = {{"index_add",
                     [](Inputs x, const Args& a) {
                       return std::vector{index_add(x[0], a.integer("dim"), x[1], x[2],
                                                    a.has("alpha") ? a.scalar("alpha") : Scalar(1))};
                     }}},
         .gradients = {{"IndexAdd",
                        [](Inputs x) { return square(index_add(x[0], 0, tensor({2, 0, 2}), x[1])); },
                        {{{3, 4}}, {{3, 4}}}},
                       {"IndexAddScaled",
                        [](Inputs x) { return square(index_add(x[0], 1, tensor({2, 0}), x[1], -2)); },
                        {{{2, 3}}, {{2, 2}}}},
                       {"IndexAddZeroDim",
                        [](Inputs x) { return square(index_add(x[0], 0, tensor({0}), x[1])); },
                        {{{}}, {{}}}}},
         .refusals =
             {{[] { index_add(zeros({2, 3}), 0, tensor({2}), zeros({1, 3})); }, "index 2 at position [0]"},
              {[] { index_add(zeros({2, 3}), 0, tensor({1}), zeros({1, 2})); },
               "the source has shape [1, 2], the slices have [1, 3]"},
              {[] { index_add(zeros({2, 3}), 0, tensor({1}), zeros({1, 3}, f64)); }, "the source is f64"}}},
        {.name = "index_copy",
         .golden = {{"index_copy",
                     [](Inputs x, const Args& a) {
                       return std::vector{index_copy(x[0], a.integer("dim"), x[1], x[2])};
                     }}},
         .gradients = {{"IndexCopy",
                        [](Inputs x) { return square(index_copy(x[0], 0, tensor({2, 0}), x[1])); },
                        {{{3, 4}}, {{2, 4}}}},
                       {"IndexCopyOfANumber",
                        [](Inputs x) { return square(index_copy(x[0], 0, tensor({1}), x[1])); },
                        {{{3}}, {{}}}}},
         .refusals = {{[] { index_copy(zeros({2, 3}), 0, tensor({-1}), zeros({1, 3})); },
                       "index -1 at position [0]"},
                      {[] { index_copy(zeros({2, 3}), 0, tensor({1, 0}), zeros({1, 3})); },
                       "one slice for each index"}}},
        {.name = "index_fill",
         .golden = {{"index_fill",
                     [](Inputs x, const Args& a) {
                       return std::vector{index_fill(x[0], a.integer("dim"), x[1], a.scalar("value"))};
                     }}},
         .gradients = {{"IndexFill",
                        [](Inputs x) { return square(index_fill(x[0], 0, tensor({-1, 0}), 2)); },
                        {{{3, 4}}}}},
         .refusals = {{[] { index_fill(zeros({2, 3}), 0, tensor({-3}), 1); }, "use -2 to 1"},
                      {[] { index_fill(zeros({2, 3}), 2, tensor({0}), 1); }, "dimension 2 is out of range"}}},
    }};

TEST(IndexSelect, TakesI32AndWholeRowsOfAnyLength) {
  Generator generator(4);
  for (const std::int64_t width : {1, 3, 15, 16, 17, 100}) {
    for (const DType type : {f64, f32, bf16, u8}) {
      const Tensor x = (rand({50, width}, generator) * 100).to(type);
      const Tensor index = randint(0, 50, {700}, generator);
      const Tensor expected = gather(x, 0, index.unsqueeze(1).expand({-1, width}));
      EXPECT_TRUE(equal(index_select(x, 0, index.to(i32)), expected));
      EXPECT_TRUE(equal(index_select(x.t().contiguous().t(), 0, index), expected));
      EXPECT_TRUE(equal(index_select(x.t(), 1, index), expected.t()));
    }
  }
}

TEST(IndexSelect, DoesNotDependOnTheNumberOfThreads) {
  Generator generator(5);
  const Tensor x = randn({300, 200}, generator), source = randn({2000, 200}, generator);
  const Tensor index = randint(0, 300, {2000}, generator);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor sums = index_add(x, 0, index, source), copies = index_copy(x, 0, index, source),
               picked = index_select(x, 0, index);
  set_num_threads(3);
  EXPECT_TRUE(equal(index_add(x, 0, index, source), sums));
  EXPECT_TRUE(equal(index_copy(x, 0, index, source), copies));
  EXPECT_TRUE(equal(index_select(x, 0, index), picked));
  set_num_threads(threads);
}

using InPlace = Tensor& (Tensor::*)(std::int64_t, const Tensor&, const Tensor&);

golden::Operation on_clone(InPlace op) {
  return
      [op](Inputs x, const Args& a) { return std::vector{(x[0].clone().*op)(a.integer("dim"), x[1], x[2])}; };
}

const table::Rows in_place_rows{
    "index_select",
    {
        {.name = "index_add_",
         .golden = {{"index_add_",
                     [](Inputs x, const Args& a) {
                       return std::vector{
                           x[0].clone().index_add_(a.integer("dim"), x[1], x[2], a.scalar("alpha"))};
                     }}},
         .gradients = {{"IndexAddInPlace",
                        [](Inputs x) { return square(square(x[0]).index_add_(0, tensor({2, 2}), x[1], 3)); },
                        {{{3, 4}}, {{2, 4}}}}},
         .refusals = {{[] { zeros({3}).index_add_(0, tensor({-1}), zeros({1})); },
                       "index -1 at position [0]"}}},
        {.name = "index_copy_",
         .golden = {{"index_copy_", on_clone(&Tensor::index_copy_)}},
         .gradients = {{"IndexCopyInPlace",
                        [](Inputs x) { return square(square(x[0]).index_copy_(0, tensor({2, 1}), x[1])); },
                        {{{3, 4}}, {{2, 4}}}}},
         .refusals = {{[] { zeros({3}).index_copy_(0, tensor({1}), zeros({2})); },
                       "the source has shape [2]"}}},
        {.name = "index_fill_",
         .golden = {{"index_fill_",
                     [](Inputs x, const Args& a) {
                       return std::vector{
                           x[0].clone().index_fill_(a.integer("dim"), x[1], a.scalar("value"))};
                     }}},
         .gradients = {{"IndexFillInPlace",
                        [](Inputs x) { return square(square(x[0]).index_fill_(0, tensor({-1, 1}), 2)); },
                        {{{3, 4}}}}},
         .refusals = {{[] { zeros({3}).index_fill_(0, tensor({-4}), 1); }, "use -3 to 2"}}},
    }};

TEST(IndexSelect, InPlaceReadsItsOwnMemoryBeforeItWrites) {
  Tensor x = tensor({1, 2, 3});
  x.index_add_(0, tensor({1, 2, 0}), x);
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{4, 3, 5}));
  Tensor y = tensor({2, 0, 1});
  y.index_copy_(0, y, y);
  EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace mica
