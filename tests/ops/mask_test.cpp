#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

Tensor some() { return tensor({{true, false, true}, {false, false, true}}); }

const table::Rows rows{
    "mask",
    {
        {.name = "masked_select",
         .golden = {{"masked_select",
                     [](Inputs x, const Args&) { return std::vector{masked_select(x[0], x[1])}; }}},
         .gradients =
             {{"MaskedSelect", [](Inputs x) { return square(masked_select(x[0], some())); }, {{{2, 3}}}},
              {"MaskedSelectBroadcast",
               [](Inputs x) { return square(masked_select(x[0], some())); },
               {{{3}}}},
              {"MaskedSelectZeroDim",
               [](Inputs x) { return square(masked_select(x[0], tensor(true))); },
               {{{}}}},
              {"MaskedSelectNothing",
               [](Inputs x) { return square(masked_select(x[0], zeros({3}, boolean))); },
               {{{2, 3}}}}},
         .refusals = {{[] { masked_select(zeros({2, 3}), tensor({true, false})); }, "do not broadcast"},
                      {[] { masked_select(zeros({2}), tensor({1, 0})); }, "the mask is i64, not bool"}}},
        {.name = "masked_scatter",
         .golden = {{"masked_scatter",
                     [](Inputs x, const Args&) { return std::vector{masked_scatter(x[0], x[1], x[2])}; }}},
         .gradients = {{"MaskedScatter",
                        [](Inputs x) { return square(masked_scatter(x[0], some(), x[1])); },
                        {{{2, 3}}, {{3}}}},
                       {"MaskedScatterOfMore",
                        [](Inputs x) { return square(masked_scatter(x[0], some(), x[1])); },
                        {{{3}}, {{2, 2}}}}},
         .refusals = {{[] { masked_scatter(zeros({3}), tensor({true, true, false}), zeros({1})); },
                       "chooses 2 elements, the source has 1"},
                      {[] { masked_scatter(zeros({3}), tensor({true, true, false}), zeros({3}, f64)); },
                       "the source is f64"},
                      {[] { masked_scatter(zeros({3}), zeros({3}), zeros({3})); }, "the mask is f32"}}},
        {.name = "nonzero",
         .golden = {{"nonzero", [](Inputs x, const Args&) { return std::vector{nonzero(x[0])}; }}},
         .without_gradients = "results are positions",
         .without_refusals = "takes anything"},
        {.name = "argwhere",
         .golden = {{"argwhere", [](Inputs x, const Args&) { return std::vector{argwhere(x[0])}; }}},
         .without_gradients = "results are positions",
         .without_refusals = "takes anything"},
        {.name = "nonzero_tuple",
         .golden = {{"nonzero_tuple", [](Inputs x, const Args&) { return nonzero_tuple(x[0]); }}},
         .without_gradients = "results are positions",
         .without_refusals = "takes anything"},
        {.name = "one_hot",
         .golden = {{"one_hot",
                     [](Inputs x, const Args& a) {
                       return std::vector{one_hot(x[0], a.integer("num_classes"))};
                     }}},
         .refusals = {{[] { one_hot(tensor({0, 3}), 3); }, "index 3 at position [1]"},
                      {[] { one_hot(tensor({0, -1})); }, "index -1 at position [1]"},
                      {[] { one_hot(zeros({0}, i64)); }, "give num_classes"},
                      {[] { one_hot(tensor({0}), 0); }, "num_classes is 0"},
                      {[] { one_hot(tensor({0.0}), 3); }, "the index is f32"}},
         .without_gradients = "results are integers"},
    }};

TEST(Mask, AgreesWithAPlainLoopInManyBlocks) {
  Generator generator(6);
  const int threads = num_threads();
  for (const int count : {1, 3}) {
    set_num_threads(count);
    for (const DType type : {f64, f32, bf16, u8}) {
      const Tensor x = (rand({7, 20001}, generator) * 100).to(type);
      const Tensor mask = rand({7, 20001}, generator) < 0.3;
      const auto values = x.to_vector<double>();
      const auto chosen = mask.to_vector<bool>();
      std::vector<double> expected;
      std::vector<std::int64_t> positions;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!chosen[i]) continue;
        expected.push_back(values[i]);
        positions.push_back(static_cast<std::int64_t>(i / 20001));
        positions.push_back(static_cast<std::int64_t>(i % 20001));
      }
      const Tensor picked = masked_select(x, mask);
      EXPECT_EQ(picked.to_vector<double>(), expected);
      EXPECT_EQ(nonzero(mask).to_vector<std::int64_t>(), positions);
      EXPECT_TRUE(equal(masked_scatter(masked_fill(x, mask, 0), mask, picked), x));
    }
  }
  set_num_threads(threads);
}

}  // namespace
}  // namespace mica
