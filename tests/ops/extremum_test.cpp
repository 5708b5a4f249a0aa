#include <limits>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

std::vector<Tensor> pair(const ValuesIndices& both) { return {both.values, both.indices}; }

golden::Operation along(ValuesIndices (*fn)(const Tensor&, std::int64_t, bool)) {
  return [fn](Inputs x, const Args& a) { return pair(fn(x[0], a.integer("dim"), a.flag("keepdim"))); };
}
golden::Operation over_dims(Tensor (*fn)(const Tensor&, const Shape&, bool)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.shape("dims"), a.flag("keepdim"))}; };
}
golden::Operation position(Tensor (*fn)(const Tensor&, std::optional<std::int64_t>, bool)) {
  return [fn](Inputs x, const Args& a) {
    return std::vector{fn(x[0], a.maybe_integer("dim"), a.flag("keepdim"))};
  };
}

const table::Rows rows{
    "extremum",
    {
        {.name = "max",
         .golden = {{"max", [](Inputs x, const Args&) { return std::vector{max(x[0])}; }},
                    {"max_dim", along(max)}},
         .gradients =
             {{"Max", [](Inputs x) { return max(x[0] * x[0]); }, {{{2, 3}}}},
              {"MaxOfRepeated", [](Inputs x) { return x[0].expand({3, 4}).max() * x[0].max(); }, {{{3, 1}}}},
              {"MaxDim", [](Inputs x) { return max(square(x[0]), 1).values; }, {{{2, 3, 2}}}},
              {"MaxDimKeepdim", [](Inputs x) { return max(square(x[0]), -1, true).values; }, {{{2, 3}}}},
              {"MaxDimZeroDim", [](Inputs x) { return max(square(x[0]), 0).values; }, {{{}}}},
              {"MaxDimZeroSize", [](Inputs x) { return max(x[0], 1).values; }, {{{0, 3}}}}},
         .refusals = {{[] { max(zeros({0, 3})); }, "nothing to reduce in shape [0, 3]"},
                      {[] { max(zeros({0, 3}), 0); }, "nothing to reduce in dimension 0 of shape [0, 3]"},
                      {[] { max(zeros({2, 3}), 2); }, "dimension 2 is out of range"}}},
        {.name = "min",
         .golden = {{"min", [](Inputs x, const Args&) { return std::vector{min(x[0])}; }},
                    {"min_dim", along(min)}},
         .gradients = {{"Min", [](Inputs x) { return min(x[0] * x[0]); }, {{{2, 3}}}},
                       {"MinDim", [](Inputs x) { return min(square(x[0]), 0).values; }, {{{3, 2}}}}},
         .refusals = {{[] { min(zeros({0, 3})); }, "nothing to reduce in shape [0, 3]"},
                      {[] { min(zeros({0, 3}), 0); }, "nothing to reduce in dimension 0"}}},
        {.name = "amax",
         .golden = {{"amax", over_dims(amax)}},
         .gradients = {{"Amax", [](Inputs x) { return amax(square(x[0]), {0, 2}); }, {{{2, 3, 2}}}},
                       {"AmaxKeepdim", [](Inputs x) { return amax(square(x[0]), 1, true); }, {{{2, 3}}}},
                       {"AmaxZeroDim", [](Inputs x) { return square(amax(x[0])); }, {{{}}}},
                       {"AmaxZeroSize", [](Inputs x) { return amax(x[0], 1); }, {{{0, 3}}}}},
         .refusals = {{[] { amax(zeros({2, 0}), 1); }, "nothing to reduce in shape [2, 0]"},
                      {[] { amax(zeros({2, 3}), {1, -1}); }, "dimension -1 appears twice"}}},
        {.name = "amin",
         .golden = {{"amin", over_dims(amin)}},
         .gradients = {{"Amin", [](Inputs x) { return amin(square(x[0]), {0, 2}); }, {{{2, 3, 2}}}}},
         .refusals = {{[] { amin(zeros({0})); }, "nothing to reduce in shape [0]"}}},
        {.name = "aminmax",
         .golden = {{"aminmax",
                     [](Inputs x, const Args& a) {
                       const auto [min, max] = aminmax(x[0], a.shape("dims"), a.flag("keepdim"));
                       return std::vector{min, max};
                     }}},
         .gradients = {{"Aminmax",
                        [](Inputs x) {
                          const auto [min, max] = aminmax(square(x[0]), 1);
                          return min * max;
                        },
                        {{{2, 3}}}}},
         .refusals = {{[] { aminmax(zeros({0})); }, "nothing to reduce in shape [0]"}}},
        {.name = "argmax",
         .golden = {{"argmax", position(argmax)}},
         .refusals = {{[] { argmax(zeros({0, 3})); }, "nothing to reduce in shape [0, 3]"},
                      {[] { argmax(zeros({0, 3}), 0); }, "nothing to reduce in dimension 0"}},
         .without_gradients = "results are positions"},
        {.name = "argmin",
         .golden = {{"argmin", position(argmin)}},
         .refusals = {{[] { argmin(zeros({0, 3})); }, "nothing to reduce in shape [0, 3]"}},
         .without_gradients = "results are positions"},
    }};

TEST(Extremum, OfNaNGoesBackToTheNaNs) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& fn : {+[](const Tensor& x) { return amax(x); }, +[](const Tensor& x) { return max(x); }}) {
    const Tensor x = from_vector(std::vector<double>{1, nan, 3, nan}).requires_grad_();
    fn(x).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0.5, 0, 0.5}));
  }
}

TEST(Extremum, IsWhereItIsInEveryMemoryOrder) {
  Generator generator(4);
  const Tensor x = randn({6, 5, 7}, generator, f64);
  const Tensor y = x.permute({2, 0, 1}).contiguous().permute({1, 2, 0});
  EXPECT_TRUE(equal(x.max(1).indices, y.max(1).indices));
  EXPECT_TRUE(equal(x.argmin(), y.argmin()));
}

TEST(Extremum, IndicesGivenOutAreCheckedWhenTheyComeBack) {
  const Tensor x = from_vector(std::vector<double>{1, 3, 2}).requires_grad_();
  auto [values, indices] = x.max(0);
  indices.fill_(0);
  EXPECT_THROW(values.backward(), Error);
}

}  // namespace
}  // namespace mica
