#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/fractional_pool.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

using Options = FractionalMaxPoolOptions;
using Call = Tensor (*)(const Tensor&, const Shape&, const Options&, Generator&);
using IndexedCall = ValuesIndices (*)(const Tensor&, const Shape&, const Options&, Generator&);

Options options(Inputs x, const Args& a) {
  return {.output_size = a.has("output_size") ? a.shape("output_size") : Shape(),
          .output_ratio =
              a.has("output_ratio") ? a.tensor("output_ratio").to_vector<double>() : std::vector<double>(),
          .random_samples = x.size() > 1 ? x[1] : Tensor()};
}
golden::Operations values(const char* name, Call fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             Generator generator(4);
             return std::vector{fn(x[0], a.shape("kernel"), options(x, a), generator)};
           }}};
}
golden::Operations indexed(const char* name, IndexedCall fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             Generator generator(4);
             const auto [y, at] = fn(x[0], a.shape("kernel"), options(x, a), generator);
             return std::vector{y, at};
           }}};
}
Tensor samples(int dims) { return full({1, 2, dims}, 0.4, f64); }

Tensor images() { return ones({1, 2, 4, 4}); }
Tensor volumes() { return ones({1, 2, 4, 4, 4}); }

const table::Rows rows{
    "fractional_pool",
    {{.name = "fractional_max_pool2d",
      .golden = values("fractional_max_pool2d", fractional_max_pool2d),
      .gradients = {{"FractionalMaxPool2d",
                     [](Inputs x) {
                       return fractional_max_pool2d(square(x[0]), 2,
                                                    {.output_size = {2, 3}, .random_samples = samples(2)});
                     },
                     {{{1, 2, 4, 5}}}}},
      .refusals =
          {{[] { fractional_max_pool2d(images(), 2, {}); }, "give one of the two"},
           {[] { fractional_max_pool2d(images(), 2, {.output_size = 2, .output_ratio = {0.5}}); },
            "give one of the two"},
           {[] { fractional_max_pool2d(images(), 2, {.output_ratio = {1.0}}); }, "output_ratio [1]"},
           {[] { fractional_max_pool2d(images(), 2, {.output_ratio = {0.5, 0.5, 0.5}}); }, "between 0 and 1"},
           {[] { fractional_max_pool2d(images(), 2, {.output_size = 4}); }, "room for output + kernel - 1"},
           {[] { fractional_max_pool2d(images(), 2, {.output_size = 0}); }, "output [0, 0]"},
           {[] { fractional_max_pool2d(images(), 2, {.output_size = 2, .random_samples = ones({2})}); },
            "random_samples of shape [2], expected [1, 2, 2]"},
           {[] { fractional_max_pool2d(ones({4, 4}), 2, {.output_size = 2}); }, "got 2"}}},
     {.name = "fractional_max_pool3d",
      .golden = values("fractional_max_pool3d", fractional_max_pool3d),
      .gradients = {{"FractionalMaxPool3d",
                     [](Inputs x) {
                       return fractional_max_pool3d(square(x[0]), 2,
                                                    {.output_size = 2, .random_samples = samples(3)});
                     },
                     {{{1, 2, 3, 3, 3}}}}},
      .refusals = {{[] { fractional_max_pool3d(volumes(), {2, 2}, {.output_size = 2}); }, "3 dimensions"}}},
     {.name = "fractional_max_pool2d_with_indices",
      .golden = indexed("fractional_max_pool2d_with_indices", fractional_max_pool2d_with_indices),
      .gradients = {{"FractionalMaxPool2dWithIndices",
                     [](Inputs x) {
                       return fractional_max_pool2d_with_indices(
                                  square(x[0]), 2, {.output_size = 2, .random_samples = samples(2)})
                           .values;
                     },
                     {{{1, 2, 4, 4}}}}},
      .refusals = {{[] { fractional_max_pool2d_with_indices(images(), 5, {.output_size = 1}); },
                    "kernel [5, 5]", "fractional_max_pool2d"}}},
     {.name = "fractional_max_pool3d_with_indices",
      .golden = indexed("fractional_max_pool3d_with_indices", fractional_max_pool3d_with_indices),
      .gradients = {{"FractionalMaxPool3dWithIndices",
                     [](Inputs x) {
                       return fractional_max_pool3d_with_indices(
                                  square(x[0]), 2, {.output_size = 2, .random_samples = samples(3)})
                           .values;
                     },
                     {{{1, 2, 3, 3, 3}}}}},
      .refusals = {{[] { fractional_max_pool3d_with_indices(volumes(), 2, {}); }, "give one of the two",
                    "fractional_max_pool3d"}}}}};

TEST(FractionalMaxPool, DrawsFromTheDefaultGenerator) {
  const Tensor x = arange(64).to(f32).view({1, 1, 8, 8});
  manual_seed(4);
  const Tensor y = fractional_max_pool2d(x, 2, {.output_size = 5});
  Generator generator(4);
  EXPECT_TRUE(equal(y, fractional_max_pool2d(x, 2, {.output_size = 5}, generator)));
}

}  // namespace
}  // namespace mica
