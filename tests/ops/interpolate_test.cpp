#include <map>

#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/interpolate.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

const std::map<std::string, InterpolationMode> modes{
    {"nearest", InterpolationMode::nearest}, {"nearest_exact", InterpolationMode::nearest_exact},
    {"linear", InterpolationMode::linear},   {"bilinear", InterpolationMode::bilinear},
    {"bicubic", InterpolationMode::bicubic}, {"trilinear", InterpolationMode::trilinear},
    {"area", InterpolationMode::area}};

std::vector<Tensor> run(Inputs x, const Args& a) {
  InterpolateOptions o{.mode = modes.at(a.text("mode")),
                       .recompute_scale_factor = a.flag("recompute_scale_factor"),
                       .antialias = a.flag("antialias")};
  if (a.has("size")) o.size = a.shape("size");
  if (a.has("scale_factor")) o.scale_factor = a.tensor("scale_factor").to_vector<double>();
  if (a.has("align_corners")) o.align_corners = a.flag("align_corners");
  return {interpolate(x[0], o)};
}

Case of(const std::string& name, const Shape& x, const InterpolateOptions& o) {
  return {name, [=](Inputs in) { return square(interpolate(in[0], o)); }, {{x}}};
}

Tensor images() { return ones({1, 1, 4, 4}); }
constexpr auto bilinear = InterpolationMode::bilinear;

const table::Rows rows{
    "interpolate",
    {{.name = "interpolate",
      .golden = {{"interpolate", run}},
      .gradients =
          {of("InterpolateNearest", {1, 2, 3, 2}, {.size = {5, 3}}),
           of("InterpolateNearestExact", {1, 2, 4}, {.size = 3, .mode = InterpolationMode::nearest_exact}),
           of("InterpolateLinear", {1, 2, 4}, {.scale_factor = {1.7}, .mode = InterpolationMode::linear}),
           of("InterpolateBilinear", {1, 1, 3, 4}, {.size = {5, 3}, .mode = bilinear}),
           of("InterpolateBilinearCorners", {1, 1, 3, 2},
              {.size = 4, .mode = bilinear, .align_corners = true}),
           of("InterpolateAntialias", {1, 1, 5, 3}, {.size = {2, 4}, .mode = bilinear, .antialias = true}),
           of("InterpolateBicubic", {1, 1, 3, 2}, {.size = {2, 5}, .mode = InterpolationMode::bicubic}),
           of("InterpolateTrilinear", {1, 1, 2, 3, 2}, {.size = 3, .mode = InterpolationMode::trilinear}),
           of("InterpolateArea", {1, 1, 3, 4}, {.size = 2, .mode = InterpolationMode::area}),
           of("InterpolateNoImages", {0, 1, 3, 4}, {.size = 2, .mode = bilinear})},
      .refusals = {
          {[] { interpolate(images(), {}); }, "give one of the two"},
          {[] { interpolate(images(), {.size = 2, .scale_factor = {2}}); }, "give one of the two"},
          {[] { interpolate(images(), {.size = {2, 2, 2}}); }, "size [2, 2, 2] for 2 dimensions"},
          {[] { interpolate(images(), {.scale_factor = {2, 2, 2}}); }, "scale_factor [2, 2, 2]"},
          {[] { interpolate(images(), {.scale_factor = {0.1}}); }, "an output of size 0"},
          {[] { interpolate(images(), {.scale_factor = {1e300}}); }, "scale_factor 1e+300"},
          {[] { interpolate(images(), {.size = 0}); }, "both must have elements"},
          {[] { interpolate(ones({1, 1, 0, 2}), {.size = 2}); }, "both must have elements"},
          {[] { interpolate(images(), {.size = 2, .mode = InterpolationMode::linear}); },
           "linear needs an input of 3 dimensions, got 4"},
          {[] { interpolate(images(), {.size = 2, .align_corners = true}); }, "align_corners for nearest"},
          {[] { interpolate(images(), {.size = 2, .antialias = true}); }, "antialias for nearest"},
          {[] { interpolate(images(), {.size = 2, .recompute_scale_factor = true}); },
           "recompute_scale_factor with a size"},
          {[] { interpolate(ones({4, 4}), {.size = 2}); }, "expected an input of 3 to 5 dimensions, got 2"},
          {[] { interpolate(images().to(i64), {.size = 2, .mode = bilinear}); }, "got i64"}}}}};

TEST(Interpolate, CopiesWhatKeepsItsSize) {
  const Tensor x = randn({1, 2, 3, 4});
  for (const InterpolationMode mode :
       {InterpolationMode::nearest, bilinear, InterpolationMode::bicubic, InterpolationMode::area}) {
    const Tensor y = interpolate(x, {.size = {3, 4}, .mode = mode});
    EXPECT_TRUE(equal(y, x));
    EXPECT_FALSE(y.shares_storage(x));
  }
}

}  // namespace
}  // namespace mica
