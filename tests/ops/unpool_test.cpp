#include <gtest/gtest.h>

#include <mica/ops/creation.h>
#include <mica/ops/unpool.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

using Call = Tensor (*)(const Tensor&, const Tensor&, const Shape&, const MaxUnpoolOptions&);

golden::Operations unpool(const char* name, Call fn) {
  return {{name, [fn](Inputs x, const Args& a) {
             const auto shape = [&](const char* key, const Shape& otherwise) {
               return a.has(key) ? a.shape(key) : otherwise;
             };
             return std::vector{fn(x[0], x[1], a.shape("kernel_size"),
                                   {.stride = shape("stride", {}),
                                    .padding = shape("padding", 0),
                                    .output_size = shape("output_size", {})})};
           }}};
}
Tensor places() { return tensor({{{std::int64_t{1}, std::int64_t{3}}}}); }
Tensor pair() { return ones({1, 1, 2}); }
Tensor plane(std::int64_t index) { return full({1, 1, 1, 1}, index, i64); }

const table::Rows rows{
    "unpool",
    {{.name = "max_unpool1d",
      .golden = unpool("max_unpool1d", max_unpool1d),
      .gradients = {{"MaxUnpool1d", [](Inputs x) { return max_unpool1d(x[0], places(), 2); }, {{{1, 1, 2}}}},
                    {"MaxUnpool1dToASize",
                     [](Inputs x) { return max_unpool1d(x[0], places(), 2, {.output_size = 5}); },
                     {{{1, 1, 2}}}}},
      .refusals =
          {{[] { max_unpool1d(ones({2}), ones({2}, i64), 2); }, "expected an input of 2 or 3 dimensions"},
           {[] { max_unpool1d(pair(), ones({1, 2}, i64), 2); }, "indices are i64 [1, 2]"},
           {[] { max_unpool1d(pair(), pair(), 2); }, "indices are f32"},
           {[] { max_unpool1d(pair(), places() + 1, 2); }, "index 4 outside an output of size [4]"},
           {[] { max_unpool1d(pair(), places() - 2, 2); }, "index -1"},
           {[] { max_unpool1d(pair(), places(), 2, {.output_size = 6}); }, "between 3 and 5"},
           {[] { max_unpool1d(pair(), places(), 2, {.output_size = {1, 6}}); }, "output_size [1, 6]"},
           {[] { max_unpool1d(pair(), places(), 2, {.padding = 2}); }, "an output of size [0]"},
           {[] { max_unpool1d(pair(), places(), std::int64_t{1} << 62); }, "numbers from 0 to 2^31"}}},
     {.name = "max_unpool2d",
      .golden = unpool("max_unpool2d", max_unpool2d),
      .gradients =
          {{"MaxUnpool2d", [](Inputs x) { return max_unpool2d(x[0], plane(3), 2); }, {{{1, 1, 1, 1}}}}},
      .refusals = {{[] { max_unpool2d(ones({1, 1, 1, 1}), plane(4), 2); }, "index 4"},
                   {[] { max_unpool2d(ones({1, 1, 1, 1}), plane(0), {2, 2, 2}); }, "for 2 dimensions"}}},
     {.name = "max_unpool3d",
      .golden = unpool("max_unpool3d", max_unpool3d),
      .gradients =
          {{"MaxUnpool3d", [](Inputs x) { return max_unpool3d(x[0], plane(5), 2); }, {{{1, 1, 1, 1}}}}},
      .refusals = {{[] { max_unpool3d(ones({1, 1, 1, 1}), plane(8), 2); }, "index 8"}}}}};

}  // namespace
}  // namespace mica
