#include <limits>

#include <gtest/gtest.h>

#include <mica/core/random.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/dropout.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Inputs;

using Drop = Tensor (*)(const Tensor&, double, bool);

// PyTorch's numbers, draw by draw.
golden::Operation seeded(Drop drop) {
  return [drop](Inputs x, const Args& a) {
    manual_seed(static_cast<std::uint64_t>(a.integer("seed")));
    return std::vector{drop(x[0], a.real("p", 0), true)};
  };
}

// The same numbers at every call, as finite differences need.
gradients::Function fixed(Drop drop, double p) {
  return [=](Inputs x) {
    manual_seed(11);
    return drop(x[0], p, true) * x[0];
  };
}

table::Row row(const std::string& name, const std::string& title, Drop drop, const Shape& sizes) {
  return {.name = name,
          .golden = {{name, seeded(drop)}},
          .gradients = {{title, fixed(drop, 0.4), {{sizes}}},
                        {title + "OfEverything", fixed(drop, 1), {{sizes}}}},
          .refusals = {{[=] { drop(ones(sizes), -0.1, true); }, "probability -0.1 is not between 0 and 1"},
                       {[=] { drop(ones(sizes), 1.1, true); }, "probability 1.1"},
                       {[=] { drop(ones(sizes), std::numeric_limits<double>::quiet_NaN(), false); },
                        "probability nan"},
                       {[=] { drop(ones(sizes, i64), 0.5, true); }, "got i64"}}};
}

// Takes any shape.
table::Row row_of_any_shape(const std::string& name, const std::string& title, Drop drop) {
  table::Row r = row(name, title, drop, {3, 4});
  for (gradients::Case& c : r.gradients) c.any_shape = true;
  return r;
}

table::Row with_shapes(table::Row r, Drop drop, const Shape& wrong, const std::string& expected) {
  r.refusals.push_back({[=] { drop(ones(wrong), 0.5, true); }, "x has the shape " + to_string(wrong)});
  r.refusals.push_back({[=] { drop(ones(wrong), 0.5, false); }, "expected " + expected});
  return r;
}

const table::Rows rows{
    "dropout",
    {row_of_any_shape("dropout", "Dropout", dropout),
     row_of_any_shape("alpha_dropout", "AlphaDropout", alpha_dropout),
     with_shapes(row("dropout1d", "Dropout1d", dropout1d, {2, 3, 2}), dropout1d, {2, 3, 1, 1},
                 "(C, L) or (N, C, L)"),
     with_shapes(row("dropout2d", "Dropout2d", dropout2d, {2, 3, 2, 1}), dropout2d, {2, 3},
                 "(N, C, L) or (N, C, H, W)"),
     with_shapes(row("dropout3d", "Dropout3d", dropout3d, {2, 3, 2, 1, 1}), dropout3d, {2, 3, 4},
                 "(C, D, H, W) or (N, C, D, H, W)"),
     with_shapes(row("feature_alpha_dropout", "FeatureAlphaDropout", feature_alpha_dropout, {2, 3, 2}),
                 feature_alpha_dropout, {4}, "(N, C, ...)")}};

TEST(Dropout, KeepsTheMean) {
  manual_seed(0);
  const Tensor y = dropout(ones({100, 100}), 0.25);
  EXPECT_NEAR(y.mean().item(), 1, 0.02);
  EXPECT_TRUE(allclose(y, (y != 0) * (1 / 0.75)));
  EXPECT_NEAR((y == 0).to(f32).mean().item(), 0.25, 0.02);
}

TEST(Dropout, AlphaKeepsMeanAndVariance) {
  manual_seed(0);
  const Tensor y = alpha_dropout(randn({100'000}), 0.2, true);
  EXPECT_NEAR(y.mean().item(), 0, 0.02);
  EXPECT_NEAR(y.std().item(), 1, 0.02);
}

TEST(Dropout, OfChannelsKeepsOrDropsThemWhole) {
  manual_seed(0);
  const Tensor y = dropout2d(ones({20, 10, 3, 2}), 0.5);
  const Tensor sums = y.sum({2, 3});
  EXPECT_TRUE(((sums == 0) | (sums == 12)).all().item<bool>());
  EXPECT_TRUE((sums == 0).any().item<bool>() && (sums == 12).any().item<bool>());
}

TEST(Dropout, IsTheIdentityWhenNotTraining) {
  const Tensor x = ones({3, 2});
  EXPECT_TRUE(dropout(x, 0.5, false).is_same(x));
  EXPECT_TRUE(dropout(x, 0).is_same(x));
  EXPECT_TRUE(alpha_dropout(x).is_same(x));
  EXPECT_TRUE(feature_alpha_dropout(x).is_same(x));
}

TEST(Dropout, DropsTheSamePlacesOfNarrowTypes) {
  manual_seed(4);
  const Tensor wide = dropout(ones({40}), 0.5);
  manual_seed(4);
  EXPECT_TRUE(equal(dropout(ones({40}, bf16), 0.5), wide.to(bf16)));
}

}  // namespace
}  // namespace mica
