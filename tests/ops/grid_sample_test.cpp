#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/grid_sample.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

GridSampleOptions options(const Args& a) {
  const std::string mode = a.has("mode") ? a.text("mode") : "bilinear";
  const std::string padding = a.has("padding_mode") ? a.text("padding_mode") : "zeros";
  return {.mode = mode == "bilinear"  ? InterpolationMode::bilinear
                  : mode == "nearest" ? InterpolationMode::nearest
                                      : InterpolationMode::bicubic,
          .padding_mode = padding == "zeros"    ? GridPadding::zeros
                          : padding == "border" ? GridPadding::border
                                                : GridPadding::reflection,
          .align_corners = a.flag("align_corners")};
}

// Places that lie inside, between the elements: where the derivative jumps, finite differences say nothing.
Tensor between(const Tensor& grid) { return grid * 0.09 + 0.2; }

Case planes(const std::string& name, const GridSampleOptions& o) {
  return {
      name, [=](Inputs x) { return grid_sample(x[0], between(x[1]), o); }, {{{1, 2, 3, 2}}, {{1, 1, 3, 2}}}};
}

Tensor image() { return ones({1, 1, 3, 3}); }
Tensor grid() { return zeros({1, 2, 2, 2}); }

const table::Rows rows{
    "grid_sample",
    {{.name = "grid_sample",
      .golden = {{"grid_sample",
                  [](Inputs x, const Args& a) { return std::vector{grid_sample(x[0], x[1], options(a))}; }}},
      .gradients = {planes("GridSample", {}),
                    planes("GridSampleBorder", {.padding_mode = GridPadding::border}),
                    planes("GridSampleReflection",
                           {.padding_mode = GridPadding::reflection, .align_corners = true}),
                    planes("GridSampleBicubic", {.mode = InterpolationMode::bicubic}),
                    {"GridSampleNearest",
                     [](Inputs x) {
                       return grid_sample(x[0], full({1, 1, 2, 2}, 0.3, f64),
                                          {.mode = InterpolationMode::nearest});
                     },
                     {{{1, 2, 3, 2}}}},
                    {"GridSampleVolume",
                     [](Inputs x) { return grid_sample(x[0], between(x[1])); },
                     {{{1, 1, 2, 3, 2}}, {{1, 1, 2, 1, 3}}}}},
      .refusals = {{[] { grid_sample(ones({1, 3, 3}), grid()); }, "expected an input of 4 or 5 dimensions"},
                   {[] { grid_sample(image(), zeros({1, 2, 2, 3})); }, "the grid does not fit the input"},
                   {[] { grid_sample(image(), zeros({2, 2, 2, 2})); }, "grid [2, 2, 2, 2]"},
                   {[] { grid_sample(ones({1, 1, 0, 3}), grid()); }, "an empty image"},
                   {[] { grid_sample(image(), grid().to(f64)); }, "the grid is f64"},
                   {[] { grid_sample(image(), grid(), {.mode = InterpolationMode::area}); },
                    "a mode that it does not have"},
                   {[] {
                      grid_sample(ones({1, 1, 2, 2, 2}), zeros({1, 1, 1, 1, 3}),
                                  {.mode = InterpolationMode::bicubic});
                    },
                    "bicubic for a volume"},
                   {[] { grid_sample(image().to(i64), grid()); }, "got i64"}}},
     {.name = "affine_grid",
      .golden = {{"affine_grid",
                  [](Inputs x, const Args& a) {
                    return std::vector{affine_grid(x[0], a.shape("size"), a.flag("align_corners"))};
                  }}},
      .gradients =
          {{"AffineGrid", [](Inputs x) { return square(affine_grid(x[0], {2, 1, 2, 3})); }, {{{2, 2, 3}}}},
           {"AffineGridVolume",
            [](Inputs x) { return square(affine_grid(x[0], {1, 1, 2, 1, 2}, true)); },
            {{{1, 3, 4}}}}},
      .refusals = {{[] { affine_grid(ones({1, 2, 3}), {1, 1, 2, 2, 2}); }, "theta [1, 2, 3] for size"},
                   {[] { affine_grid(ones({1, 2, 3}), {2, 1, 2, 2}); }, "(N, 2, 3) for (N, C, H, W)"},
                   {[] { affine_grid(ones({1, 2, 3}), {1, 1, 0, 2}); }, "must not be empty"},
                   {[] { affine_grid(ones({1, 2, 3}, i64), {1, 1, 2, 2}); }, "got i64"}}}}};

TEST(GridSample, OfTheIdentityIsTheImage) {
  const Tensor x = randn({1, 2, 4, 3});
  const Tensor theta = tensor({{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}});
  for (const bool align : {false, true}) {
    for (const auto mode :
         {InterpolationMode::bilinear, InterpolationMode::nearest, InterpolationMode::bicubic}) {
      const Tensor y =
          grid_sample(x, affine_grid(theta, x.sizes(), align), {.mode = mode, .align_corners = align});
      EXPECT_TRUE(allclose(y, x, 1e-4, 1e-5));
    }
  }
}

TEST(GridSample, NeverReadsOutsideTheImage) {
  const double nan = std::nan(""), huge = std::numeric_limits<double>::max();
  for (const double bad : {nan, huge, -huge, 1e18, static_cast<double>(INFINITY)}) {
    for (const auto mode :
         {InterpolationMode::bilinear, InterpolationMode::nearest, InterpolationMode::bicubic}) {
      for (const auto padding : {GridPadding::zeros, GridPadding::border, GridPadding::reflection}) {
        const Tensor y = grid_sample(ones({1, 1, 2, 2}, f64), full({1, 1, 1, 2}, bad, f64),
                                     {.mode = mode, .padding_mode = padding});
        if (padding == GridPadding::zeros) EXPECT_EQ(y.item(), 0);
      }
    }
  }
}

}  // namespace
}  // namespace mica
