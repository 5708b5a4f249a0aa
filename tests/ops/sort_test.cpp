#include <algorithm>

#include <gtest/gtest.h>

#include <mica/core/parallel.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

std::vector<Tensor> pair(const ValuesIndices& both) { return {both.values, both.indices}; }

Interpolation interpolation_of(const std::string& name) {
  constexpr std::pair<const char*, Interpolation> all[] = {{"linear", Interpolation::linear},
                                                           {"lower", Interpolation::lower},
                                                           {"higher", Interpolation::higher},
                                                           {"nearest", Interpolation::nearest},
                                                           {"midpoint", Interpolation::midpoint}};
  return std::ranges::find(all, name, [](const auto& entry) { return std::string(entry.first); })->second;
}

gradients::Case quantile_case(const std::string& name, const QuantileOptions& options) {
  return {name,
          [options](Inputs x) { return quantile(square(x[0]), tensor({0.3, 0.9}).to(f64), options); },
          {{{2, 4, 2}}},
          false};
}

const table::Rows rows{
    "sort",
    {
        {.name = "sort",
         .golden = {{"sort",
                     [](Inputs x, const Args& a) {
                       return pair(sort(x[0], a.integer("dim"), a.flag("descending"), true));
                     }}},
         .gradients = {{"Sort", [](Inputs x) { return square(sort(x[0], 1).values); }, {{{2, 4, 2}}}},
                       {"SortDescending", [](Inputs x) { return square(sort(x[0], -1, true).values); }, {{{2, 4}}}},
                       {"SortZeroDim", [](Inputs x) { return square(sort(x[0], 0).values); }, {{{}}}},
                       {"SortZeroSize", [](Inputs x) { return square(sort(x[0], 0).values); }, {{{0, 3}}}}},
         .refusals = {{[] { sort(ones({2, 3}), 2); }, "dimension 2 is out of range"}}},
        {.name = "argsort",
         .golden = {{"argsort",
                     [](Inputs x, const Args& a) {
                       return std::vector{argsort(x[0], a.integer("dim"), a.flag("descending"), true)};
                     }}},
         .refusals = {{[] { argsort(ones({2, 3}), -3); }, "dimension -3 is out of range"}},
         .without_gradients = "results are positions"},
        {.name = "topk",
         .golden = {{"topk",
                     [](Inputs x, const Args& a) {
                       return pair(topk(x[0], a.integer("k"), a.integer("dim"), a.flag("largest")));
                     }}},
         .gradients = {{"Topk", [](Inputs x) { return square(topk(x[0], 2, 1).values); }, {{{2, 4, 2}}}},
                       {"TopkSmallest", [](Inputs x) { return square(topk(x[0], 3, -1, false).values); }, {{{2, 4}}}},
                       {"TopkNone", [](Inputs x) { return square(topk(x[0], 0, 1).values); }, {{{2, 4}}}},
                       {"TopkZeroDim", [](Inputs x) { return square(topk(x[0], 1).values); }, {{{}}}}},
         .refusals = {{[] { topk(ones({2, 3}), 4); }, "k is 4, dimension 1 of shape [2, 3] has 3 elements"},
                      {[] { topk(ones({2, 3}), -1); }, "k is -1"},
                      {[] { topk(ones({}), 0); }, "unsqueeze"},
                      {[] { topk(ones({2, 3}), 1, 2); }, "dimension 2 is out of range"}}},
        {.name = "kthvalue",
         .golden = {{"kthvalue",
                     [](Inputs x, const Args& a) {
                       return pair(kthvalue(x[0], a.integer("k"), a.integer("dim"), a.flag("keepdim")));
                     }}},
         .gradients =
             {{"Kthvalue", [](Inputs x) { return square(kthvalue(x[0], 2, 1).values); }, {{{2, 4, 2}}}},
              {"KthvalueKeepdim", [](Inputs x) { return square(kthvalue(x[0], 1, 0, true).values); }, {{{3, 2}}}},
              {"KthvalueZeroDim", [](Inputs x) { return square(kthvalue(x[0], 1).values); }, {{{}}}}},
         .refusals = {{[] { kthvalue(ones({2, 3}), 0); }, "k counts from 1"},
                      {[] { kthvalue(ones({2, 3}), 4); }, "k is 4, dimension 1 of shape [2, 3] has 3 elements"}}},
        {.name = "median",
         .golden = {{"median", [](Inputs x, const Args&) { return std::vector{median(x[0])}; }},
                    {"median_dim",
                     [](Inputs x, const Args& a) {
                       return pair(median(x[0], a.integer("dim"), a.flag("keepdim")));
                     }}},
         .gradients = {{"Median", [](Inputs x) { return square(median(x[0])); }, {{{2, 3}}}},
                       {"MedianOfRepeated", [](Inputs x) { return median(x[0].expand({3, 4})); }, {{{3, 1}}}},
                       {"MedianDim", [](Inputs x) { return square(median(x[0], 1).values); }, {{{2, 4, 2}}}},
                       {"MedianZeroDim", [](Inputs x) { return square(median(x[0], 0).values); }, {{{}}}}},
         .refusals = {{[] { median(zeros({0}, i64)); }, "nothing to reduce in shape [0]"},
                      {[] { median(zeros({2, 0}), 1); }, "nothing to reduce in shape [2, 0]"},
                      {[] { median(zeros({2, 3}), 2); }, "dimension 2 is out of range"}}},
        {.name = "nanmedian",
         .golden = {{"nanmedian", [](Inputs x, const Args&) { return std::vector{nanmedian(x[0])}; }},
                    {"nanmedian_dim",
                     [](Inputs x, const Args& a) {
                       return pair(nanmedian(x[0], a.integer("dim"), a.flag("keepdim")));
                     }}},
         .gradients = {{"Nanmedian", [](Inputs x) { return square(nanmedian(x[0])); }, {{{2, 3}}}},
                       {"NanmedianDim", [](Inputs x) { return square(nanmedian(x[0], 0, true).values); }, {{{3, 2}}}}},
         .refusals = {{[] { nanmedian(zeros({2, 0}), 1); }, "nothing to reduce in shape [2, 0]"}}},
        {.name = "quantile",
         .golden = {{"quantile",
                     [](Inputs x, const Args& a) {
                       return std::vector{quantile(x[0], x[1],
                                                   {.dim = a.maybe_integer("dim"),
                                                    .keepdim = a.flag("keepdim"),
                                                    .interpolation = interpolation_of(a.text("interpolation"))})};
                     }}},
         .gradients =
             {quantile_case("Quantile", {.dim = 1}), quantile_case("QuantileOfAll", {.keepdim = true}),
              quantile_case("QuantileKeepdim", {.dim = 0, .keepdim = true}),
              quantile_case("QuantileLower", {.dim = 1, .interpolation = Interpolation::lower}),
              quantile_case("QuantileHigher", {.dim = 1, .interpolation = Interpolation::higher}),
              quantile_case("QuantileNearest", {.dim = 1, .interpolation = Interpolation::nearest}),
              quantile_case("QuantileMidpoint", {.dim = 1, .interpolation = Interpolation::midpoint}),
              {"QuantileOfANumber", [](Inputs x) { return quantile(square(x[0]), 0.4, {.dim = 0}); }, {{{}}}},
              {"QuantileInQ",
               [](Inputs x) { return quantile(x[0], x[1], {.dim = 0}); },
               {{{4, 2}}, {{2}, 0.4, 0.6}},
               false}},
         .refusals = {{[] { quantile(ones({3}), 1.5); }, "q contains 1.5"},
                      {[] { quantile(ones({3}), tensor({0.5}).to(f64)); }, "q is f64"},
                      {[] { quantile(ones({3}), ones({1, 1})); }, "q has shape [1, 1]"},
                      {[] { quantile(tensor({1, 2}), 0.5); }, "got i64"},
                      {[] { quantile(zeros({0}), 0.5); }, "nothing in shape [0]"},
                      {[] { quantile(ones({3}), 0.5, {.dim = 1}); }, "dimension 1 is out of range"}}},
    }};

// Against std::sort with ties by position, in every dtype and along every dimension, with many equal
// elements.
TEST(Sort, AgreesWithTheStandardLibraryOnLongRows) {
  Generator generator(7);
  for (const DType type : {f32, f64, bf16, f16, i64, i32, u8, boolean}) {
    for (const std::int64_t n : {1, 2, 17, 1000}) {
      const Tensor x = (randint(-40, 40, {5, n}, generator)).to(type);
      const auto numbers = x.to_vector<double>();
      for (const bool descending : {false, true}) {
        std::vector<std::int64_t> expected;
        for (std::int64_t row = 0; row < 5; ++row) {
          std::vector<std::int64_t> order(static_cast<std::size_t>(n));
          for (std::int64_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
          const auto at = [&](std::int64_t i) { return numbers[static_cast<std::size_t>(row * n + i)]; };
          std::ranges::sort(order, [&](std::int64_t a, std::int64_t b) {
            if (at(a) == at(b)) return a < b;
            return descending ? at(a) > at(b) : at(a) < at(b);
          });
          expected.insert(expected.end(), order.begin(), order.end());
        }
        const Tensor order = from_vector(expected, {5, n});
        const auto [values, indices] = x.sort(-1, descending);
        EXPECT_TRUE(equal(indices, order)) << name(type);
        EXPECT_TRUE(equal(values, x.gather(1, order)));
        EXPECT_TRUE(equal(x.t().contiguous().sort(0, descending).indices, order.t()));
        const std::int64_t k = (n + 1) / 2;
        EXPECT_TRUE(equal(x.topk(k, 1, descending).indices, order.narrow(1, 0, k)));
        if (!descending) EXPECT_TRUE(equal(kthvalue(x, k).indices, order.select(1, k - 1)));
      }
    }
  }
}

TEST(Sort, DoesNotDependOnTheNumberOfThreads) {
  Generator generator(8);
  const Tensor x = randn({100, 400}, generator);
  const int threads = num_threads();
  set_num_threads(1);
  const Tensor one = argsort(x);
  set_num_threads(3);
  EXPECT_TRUE(equal(argsort(x), one));
  set_num_threads(threads);
}

TEST(Sort, GivesResultsOfTheirOwnThatMayBeChanged) {
  Tensor x = tensor({{3.0, 1.0, 2.0}}).requires_grad_();
  for (const std::int64_t dim : {0, 1}) {
    Tensor values = (x * 1).sort(dim).values;
    values.mul_(2);
    Tensor kth = kthvalue(x * 1, 1, dim, true).values;
    kth.mul_(2);
    EXPECT_TRUE(kth.requires_grad());
  }
}

}  // namespace
}  // namespace mica
