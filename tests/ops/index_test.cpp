#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

// Positions in a dimension of three: some repeat.
Tensor some_rows() { return tensor({{2, 0, 2, 1}, {0, 0, 1, 2}}); }
Tensor different_columns() { return tensor({{2, 0, 3}, {1, 3, 0}}); }

const table::Rows rows{
    "index",
    {
        {.name = "gather",
         .golden = {{"gather",
                     [](Inputs x, const Args& a) {
                       return std::vector{gather(x[0], a.integer("dim"), x[1])};
                     }}},
         .gradients =
             {{"Gather", [](Inputs x) { return square(gather(x[0], 0, some_rows())); }, {{{3, 4}}}},
              {"GatherInside", [](Inputs x) { return square(gather(x[0], 1, some_rows())); }, {{{3, 3}}}},
              {"GatherZeroDim", [](Inputs x) { return square(gather(x[0], 0, tensor({0, 0}))); }, {{{}}}},
              {"GatherNothing",
               [](Inputs x) { return square(gather(x[0], 1, zeros({2, 0}, i64))); },
               {{{2, 3}}}}},
         .refusals = {{[] { gather(zeros({2, 3}), 1, tensor({{0, 1}, {3, 0}})); },
                       "index 3 at position [1, 0] is out of"},
                      {[] { gather(zeros({2, 3}), 1, tensor({{-1}})); }, "use 0 to 2"},
                      {[] { gather(zeros({2, 3}), 0, tensor({{0.0}})); }, "the index is f32"},
                      {[] { gather(zeros({2, 3}), 0, tensor({0})); },
                       "shape [1] does not fit a tensor of shape [2, 3]"},
                      {[] { gather(zeros({2, 3}), 0, zeros({1, 4}, i64)); }, "along dimension 0"},
                      {[] { gather(zeros({0, 3}), 0, zeros({1, 3}, i64)); }, "nothing to index"},
                      {[] { gather(zeros({2, 3}), 2, zeros({2, 3}, i64)); }, "dimension 2 is out of range"}}},
        {.name = "scatter",
         .golden = {{"scatter",
                     [](Inputs x, const Args& a) {
                       return std::vector{scatter(x[0], a.integer("dim"), x[1], x[2])};
                     }},
                    {"scatter_scalar",
                     [](Inputs x, const Args& a) {
                       return std::vector{scatter(x[0], a.integer("dim"), x[1], a.scalar("value"))};
                     }}},
         .gradients = {{"Scatter",
                        [](Inputs x) { return square(scatter(x[0], 1, different_columns(), x[1])); },
                        {{{2, 4}}, {{2, 3}}}},
                       {"ScatterOfAPart",
                        [](Inputs x) { return square(scatter(x[0], 1, different_columns(), x[1])); },
                        {{{3, 4}}, {{4, 5}}}},
                       {"ScatterNumber",
                        [](Inputs x) { return square(scatter(x[0], 0, some_rows(), 2)); },
                        {{{3, 4}}}}},
         .refusals = {{[] { scatter(zeros({3}), 0, tensor({3}), zeros({1})); }, "index 3 at position [0]"},
                      {[] { scatter(zeros({3}), 0, tensor({0, 1}), zeros({1})); }, "source of shape [1]"},
                      {[] { scatter(zeros({3}), 0, tensor({0}), zeros({1}, f64)); }, "the source is f64"}}},
        {.name = "scatter_add",
         .golden = {{"scatter_add",
                     [](Inputs x, const Args& a) {
                       return std::vector{scatter_add(x[0], a.integer("dim"), x[1], x[2])};
                     }}},
         .gradients = {{"ScatterAdd",
                        [](Inputs x) { return square(scatter_add(x[0], 0, some_rows(), x[1])); },
                        {{{3, 4}}, {{2, 4}}}},
                       {"ScatterAddInside",
                        [](Inputs x) { return square(scatter_add(x[0], 1, some_rows(), x[1])); },
                        {{{2, 3}}, {{2, 4}}}},
                       {"ScatterAddNothing",
                        [](Inputs x) { return square(scatter_add(x[0], 1, zeros({2, 0}, i64), x[1])); },
                        {{{2, 3}}, {{2, 2}}}}},
         .refusals =
             {{[] { scatter_add(zeros({3}), 0, tensor({-1}), zeros({1})); }, "index -1 at position [0]"},
              {[] { scatter_add(zeros({3}), 0, tensor({0}), zeros({1}, i64)); }, "the source is i64"}}},
        {.name = "take_along_dim",
         .golden = {{"take_along_dim",
                     [](Inputs x, const Args& a) {
                       return std::vector{take_along_dim(x[0], x[1], a.maybe_integer("dim"))};
                     }}},
         .gradients = {{"TakeAlongDim",
                        [](Inputs x) { return square(take_along_dim(x[0], tensor({{1, 0, 1}}), 0)); },
                        {{{2, 3}}}},
                       {"TakeAlongDimBroadcast",
                        [](Inputs x) { return square(take_along_dim(x[0], some_rows(), 1)); },
                        {{{1, 3}}}},
                       {"TakeAlongTheFlattened",
                        [](Inputs x) { return square(take_along_dim(x[0], tensor({{5, 0}, {5, 1}}))); },
                        {{{2, 3}}}}},
         .refusals = {{[] { take_along_dim(zeros({2, 3}), tensor({0}), 0); }, "index of shape [1]"},
                      {[] { take_along_dim(zeros({2, 3}), zeros({2, 2}, i64), 0); }, "do not broadcast"},
                      {[] { take_along_dim(zeros({2, 3}), tensor({{-1}}), 1); }, "index -1", "gather"}}},
        {.name = "take",
         .golden = {{"take", [](Inputs x, const Args&) { return std::vector{take(x[0], x[1])}; }}},
         .gradients =
             {{"Take", [](Inputs x) { return square(take(x[0], tensor({{5, 0}, {-1, 1}}))); }, {{{2, 3}}}}},
         .refusals = {{[] { take(zeros({2, 3}), tensor({6})); }, "use -6 to 5"},
                      {[] { take(zeros({2, 3}), tensor({0.5})); }, "the index is f32"}}},
    }};

TEST(Index, KeepsTheLastOfSeveralCopies) {
  const Tensor index = tensor({{0, 2, 0, 0}});
  EXPECT_EQ(scatter(zeros({1, 3}), 1, index, tensor({{1.0, 2.0, 3.0, 4.0}})).to_vector<int>(),
            (std::vector<int>{4, 0, 2}));
}

TEST(Index, SumsNarrowTypesInF32) {
  const Tensor ones_of_bf16 = ones({1000}, bf16);  // bf16 itself cannot count past 256
  EXPECT_EQ(scatter_add(zeros({1}, bf16), 0, zeros({1000}, i64), ones_of_bf16).item(), 1000);
}

TEST(Index, DoesNotDependOnTheNumberOfThreads) {
  Generator generator(1);
  const Tensor source = randn({300, 500}, generator);
  for (const std::int64_t dim : {0, 1}) {
    const Tensor index = randint(0, 50, {300, 500}, generator);
    const Tensor x = randn({500, 500}, generator);
    const int threads = num_threads();
    set_num_threads(1);
    const Tensor sums = scatter_add(x, dim, index, source), copies = scatter(x, dim, index, source),
                 picked = gather(x, dim, index), of_line = gather(x.flatten(), 0, index.flatten());
    set_num_threads(3);
    EXPECT_TRUE(equal(scatter_add(x, dim, index, source), sums));
    EXPECT_TRUE(equal(scatter(x, dim, index, source), copies));
    EXPECT_TRUE(equal(gather(x, dim, index), picked));
    EXPECT_TRUE(equal(gather(x.flatten(), 0, index.flatten()), of_line));
    set_num_threads(threads);
  }
}

using InPlace = Tensor& (Tensor::*)(std::int64_t, const Tensor&, const Tensor&);

golden::Operation on_clone(InPlace op) {
  return
      [op](Inputs x, const Args& a) { return std::vector{(x[0].clone().*op)(a.integer("dim"), x[1], x[2])}; };
}

const table::Rows in_place_rows{
    "index",
    {
        {.name = "scatter_",
         .golden = {{"scatter_", on_clone(&Tensor::scatter_)},
                    {"scatter_scalar_",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].clone().scatter_(a.integer("dim"), x[1], a.scalar("value"))};
                     }}},
         .gradients = {{"ScatterInPlace",
                        [](Inputs x) { return square(square(x[0]).scatter_(1, different_columns(), x[1])); },
                        {{{2, 4}}, {{2, 3}}}},
                       {"ScatterNumberInPlace",
                        [](Inputs x) { return square(square(x[0]).scatter_(1, different_columns(), 3)); },
                        {{{2, 4}}}}},
         .refusals = {{[] { zeros({3}).scatter_(0, tensor({3}), zeros({1})); }, "index 3 at position [0]"},
                      {[] { zeros({1}).expand({3}).scatter_(0, tensor({1}), 1); }, "share memory"},
                      {[] { zeros({3}).requires_grad_().scatter_(0, tensor({0}), 1); }, "a leaf"}}},
        {.name = "scatter_add_",
         .golden = {{"scatter_add_", on_clone(&Tensor::scatter_add_)}},
         .gradients = {{"ScatterAddInPlace",
                        [](Inputs x) { return square(square(x[0]).scatter_add_(0, some_rows(), x[1])); },
                        {{{3, 4}}, {{2, 4}}}}},
         .refusals =
             {{[] { zeros({3}).scatter_add_(0, tensor({3}), zeros({1})); }, "index 3 at position [0]"},
              {[] { zeros({3}).scatter_add_(0, tensor({0}), zeros({1}, f64)); }, "the source is f64"}}},
    }};

TEST(Index, InPlaceReadsItsOwnMemoryBeforeItWrites) {
  Tensor x = tensor({2, 0, 1});
  x.scatter_(0, x, x);
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace mica
