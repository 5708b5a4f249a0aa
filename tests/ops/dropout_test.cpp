#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Inputs;

// The same numbers at every call, as finite differences need.
Tensor seeded(const Tensor& x, double p) {
  manual_seed(11);
  return dropout(x, p);
}

const table::Rows rows{
    "dropout",
    {{.name = "dropout",
      .golden = {{"dropout",
                  [](Inputs x, const Args& a) {  // PyTorch's numbers, draw by draw
                    manual_seed(static_cast<std::uint64_t>(a.integer("seed")));
                    return std::vector{dropout(x[0], a.real("p", 0))};
                  }}},
      .gradients = {any_shape({"Dropout", [](Inputs x) { return square(seeded(x[0], 0.4)); }, {{{3, 4}}}}),
                    any_shape(
                        {"DropoutOfEverything", [](Inputs x) { return seeded(x[0], 1) * x[0]; }, {{{3}}}})},
      .refusals = {{[] { dropout(ones({2}), -0.1); }, "probability -0.1 is not between 0 and 1"},
                   {[] { dropout(ones({2}), 1.1); }, "probability 1.1"},
                   {[] { dropout(ones({2}), std::numeric_limits<double>::quiet_NaN()); }, "probability nan"},
                   {[] { dropout(tensor({1, 2}), 0.5); }, "got i64"}}}}};

TEST(Dropout, KeepsTheMean) {
  manual_seed(0);
  const Tensor y = dropout(ones({100, 100}), 0.25);
  EXPECT_NEAR(y.mean().item(), 1, 0.02);
  EXPECT_TRUE(allclose(y, (y != 0) * (1 / 0.75)));
  EXPECT_NEAR((y == 0).to(f32).mean().item(), 0.25, 0.02);
}

TEST(Dropout, IsTheIdentityWhenNotTraining) {
  const Tensor x = ones({3});
  EXPECT_TRUE(dropout(x, 0.5, false).is_same(x));
  EXPECT_TRUE(dropout(x, 0).is_same(x));
}

TEST(Dropout, DropsTheSamePlacesOfNarrowTypes) {
  manual_seed(4);
  const Tensor wide = dropout(ones({40}), 0.5);
  manual_seed(4);
  EXPECT_TRUE(equal(dropout(ones({40}, bf16), 0.5), wide.to(bf16)));
}

}  // namespace
}  // namespace mica
