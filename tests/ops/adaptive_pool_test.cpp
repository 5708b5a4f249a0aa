#include <gtest/gtest.h>

#include <mica/ops/adaptive_pool.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/pool.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

using Call = Tensor (*)(const Tensor&, const Shape&);
using IndexedCall = ValuesIndices (*)(const Tensor&, const Shape&);

golden::Operations values(const char* name, Call fn) {
  return {{name, [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.shape("size"))}; }}};
}
golden::Operations indexed(const char* name, IndexedCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             const auto [y, at] = fn(x[0], a.shape("size"));
             return std::vector{y, at};
           }}};
}
Case of(const std::string& name, Call fn, const Shape& x, const Shape& size) {
  return {name, [=](Inputs in) { return square(fn(in[0], size)); }, {{x}}};
}
// The maxima of numbers that differ: finite differences must not meet a tie.
Case of_largest(const std::string& name, Call fn, const Shape& x, const Shape& size) {
  return {name, [=](Inputs in) { return fn(square(in[0]), size); }, {{x}}};
}
Case of_values(const std::string& name, IndexedCall fn, const Shape& x, const Shape& size) {
  return {name, [=](Inputs in) { return fn(square(in[0]), size).values; }, {{x}}};
}

Tensor images() { return ones({1, 1, 4, 4}); }

const table::Rows rows{
    "adaptive_pool",
    {{.name = "adaptive_avg_pool1d",
      .golden = values("adaptive_avg_pool1d", adaptive_avg_pool1d),
      .gradients = {of("AdaptiveAvgPool1d", adaptive_avg_pool1d, {2, 5}, 3)},
      .refusals = {{[] { adaptive_avg_pool1d(images(), 2); },
                    "expected an input of 2 or 3 dimensions, got 4"}}},
     {.name = "adaptive_avg_pool2d",
      .golden = values("adaptive_avg_pool2d", adaptive_avg_pool2d),
      .gradients = {of("AdaptiveAvgPool2d", adaptive_avg_pool2d, {1, 2, 3, 5}, {2, 3}),
                    of("AdaptiveAvgPool2dLarger", adaptive_avg_pool2d, {1, 2, 3}, {3, 5}),
                    of("AdaptiveAvgPool2dNoImages", adaptive_avg_pool2d, {0, 2, 3, 3}, 2)},
      .refusals = {{[] { adaptive_avg_pool2d(images(), {2, 2, 2}); },
                    "output_size [2, 2, 2] for 2 dimensions"},
                   {[] { adaptive_avg_pool2d(images(), {2, -2}); }, "output_size [2, -2] for an input"},
                   {[] { adaptive_avg_pool2d(ones({1, 1, 0, 3}), 2); }, "must not be empty"},
                   {[] { adaptive_avg_pool2d(images().to(i64), 2); }, "got i64"}}},
     {.name = "adaptive_avg_pool3d",
      .golden = values("adaptive_avg_pool3d", adaptive_avg_pool3d),
      .gradients = {of("AdaptiveAvgPool3d", adaptive_avg_pool3d, {1, 3, 2, 3}, {2, -1, 2})},
      .refusals = {{[] { adaptive_avg_pool3d(ones({4, 4}), 2); }, "expected an input of 4 or 5 dimensions"}}},
     {.name = "adaptive_max_pool1d",
      .golden = values("adaptive_max_pool1d", adaptive_max_pool1d),
      .gradients = {of_largest("AdaptiveMaxPool1d", adaptive_max_pool1d, {2, 5}, 3)},
      .refusals = {{[] { adaptive_max_pool1d(images(), 2); },
                    "expected an input of 2 or 3 dimensions, got 4"}}},
     {.name = "adaptive_max_pool2d",
      .golden = values("adaptive_max_pool2d", adaptive_max_pool2d),
      .gradients = {of_largest("AdaptiveMaxPool2d", adaptive_max_pool2d, {1, 2, 3, 5}, {2, 3}),
                    of_largest("AdaptiveMaxPool2dNoImages", adaptive_max_pool2d, {0, 2, 3, 3}, 2)},
      .refusals = {{[] { adaptive_max_pool2d(ones({1, 1, 0, 3}), 2); }, "must not be empty"},
                   {[] { adaptive_max_pool2d(images().to(i64), 2); }, "got i64"}}},
     {.name = "adaptive_max_pool3d",
      .golden = values("adaptive_max_pool3d", adaptive_max_pool3d),
      .gradients = {of_largest("AdaptiveMaxPool3d", adaptive_max_pool3d, {1, 3, 2, 3}, {2, -1, 2})},
      .refusals = {{[] { adaptive_max_pool3d(ones({4, 4}), 2); }, "expected an input of 4 or 5 dimensions"}}},
     {.name = "adaptive_max_pool1d_with_indices",
      .golden = indexed("adaptive_max_pool1d_with_indices", adaptive_max_pool1d_with_indices),
      .gradients = {of_values("AdaptiveMaxPool1dWithIndices", adaptive_max_pool1d_with_indices, {1, 2, 5},
                              2)},
      .refusals = {{[] { adaptive_max_pool1d_with_indices(images(), 2); }, "got 4", "adaptive_max_pool1d"}}},
     {.name = "adaptive_max_pool2d_with_indices",
      .golden = indexed("adaptive_max_pool2d_with_indices", adaptive_max_pool2d_with_indices),
      .gradients = {of_values("AdaptiveMaxPool2dWithIndices", adaptive_max_pool2d_with_indices, {2, 3, 5},
                              2)},
      .refusals = {{[] { adaptive_max_pool2d_with_indices(images(), -3); }, "-3", "adaptive_max_pool2d"}}},
     {.name = "adaptive_max_pool3d_with_indices",
      .golden = indexed("adaptive_max_pool3d_with_indices", adaptive_max_pool3d_with_indices),
      .gradients = {of_values("AdaptiveMaxPool3dWithIndices", adaptive_max_pool3d_with_indices, {1, 3, 2, 3},
                              2)},
      .refusals = {{[] { adaptive_max_pool3d_with_indices(images(), {1, 1}); }, "3 dimensions",
                    "adaptive_max_pool3d"}}}}};

TEST(AdaptivePool, IsPoolingWhereTheWindowsAreEqual) {
  Generator generator(3);
  const Tensor x = randn({2, 3, 6, 8}, generator);
  EXPECT_TRUE(allclose(adaptive_avg_pool2d(x, {3, 2}), avg_pool2d(x, {2, 4})));
  const auto [y, at] = adaptive_max_pool2d_with_indices(x, {3, 2});
  const auto [expected, expected_at] = max_pool2d_with_indices(x, {2, 4});
  EXPECT_TRUE(equal(y, expected));
  EXPECT_TRUE(equal(at, expected_at));
  const Tensor same = adaptive_avg_pool2d(x, -1);
  EXPECT_TRUE(equal(same, x));
  EXPECT_FALSE(same.shares_storage(x));
}

}  // namespace
}  // namespace mica
