#include <limits>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

// The same numbers at every call, as finite differences need.
Tensor seeded(const Tensor& x, double p) {
  manual_seed(11);
  return dropout(x, p);
}

const gradients::Cases dropout_cases{
    {"Dropout", [](Inputs x) { return square(seeded(x[0], 0.4)); }, {{{3, 4}}}},
    {"DropoutOfEverything", [](Inputs x) { return seeded(x[0], 1) * x[0]; }, {{{3}}}},
    {"DropoutZeroSize", [](Inputs x) { return seeded(x[0], 0.5); }, {{{0, 2}}}},
};

TEST(Dropout, DrawsPyTorchsNumbers) {
  golden::expect_golden("dropout", {{"dropout", [](Inputs x, const Args& a) {
                                       manual_seed(static_cast<std::uint64_t>(a.integer("seed")));
                                       return std::vector{dropout(x[0], a.real("p", 0))};
                                     }}});
}

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

TEST(Dropout, RefusesWhatIsNoProbability) {
  EXPECT_THROW(dropout(ones({2}), -0.1), Error);
  EXPECT_THROW(dropout(ones({2}), 1.1), Error);
  EXPECT_THROW(dropout(ones({2}), std::numeric_limits<double>::quiet_NaN()), Error);
  EXPECT_THROW(dropout(tensor({1, 2}), 0.5), Error);
}

}  // namespace
}  // namespace mica
