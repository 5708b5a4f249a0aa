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

}  // namespace
}  // namespace mica
