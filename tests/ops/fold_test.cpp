#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/conv.h>
#include <mica/ops/creation.h>
#include <mica/ops/fold.h>
#include <mica/ops/matmul.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

FoldOptions options(const Args& a) {
  const auto shape = [&](const char* name, const Shape& otherwise) {
    return a.has(name) ? a.shape(name) : otherwise;
  };
  return {.dilation = shape("dilation", 1), .padding = shape("padding", 0), .stride = shape("stride", 1)};
}
constexpr std::int64_t huge = std::int64_t{1} << 62;

// unfold has a row in view_test.cpp: that of Tensor.unfold, which has the same name.
const table::Rows rows{
    "fold",
    {{.name = "fold",
      .golden = {{"fold",
                  [](Inputs x, const Args& a) {
                    return std::vector{fold(x[0], a.shape("size"), a.shape("kernel"), options(a))};
                  }},
                 {"unfold",
                  [](Inputs x, const Args& a) {
                    return std::vector{unfold(x[0], a.shape("kernel"), options(a))};
                  }}},
      .gradients = {{"Fold",
                     [](Inputs x) {
                       return square(fold(x[0], {3, 4}, {2, 2}, {.padding = 1, .stride = {2, 1}}));
                     },
                     {{{1, 4, 10}}}},
                    {"FoldDilated",
                     [](Inputs x) { return square(fold(x[0], 4, 2, {.dilation = {2, 1}})); },
                     {{{4, 6}}}},
                    {"UnfoldImage",
                     [](Inputs x) { return square(unfold(x[0], {2, 2}, {.padding = {1, 0}, .stride = 2})); },
                     {{{1, 2, 3, 4}}}},
                    {"UnfoldImageDilated",
                     [](Inputs x) { return square(unfold(x[0], 2, {.dilation = {1, 2}})); },
                     {{{1, 3, 4}}}}},
      .refusals = {
          {[] { fold(ones({1, 4, 5}), 3, 2); }, "input of shape [1, 4, 5], expected (N, C * 4, 4)"},
          {[] { fold(ones({1, 3, 4}), 3, 2); }, "expected (N, C * 4, 4)"},
          {[] { fold(ones({4}), 3, 2); }, "expected an input of 2 or 3 dimensions, got 1"},
          {[] { fold(ones({1, 4, 4}), 3, {2, 2, 2}); }, "kernel_size [2, 2, 2] for 2 dimensions"},
          {[] { fold(ones({1, 4, 4}), 1, 2); }, "no windows"},
          {[] { fold(ones({1, 4, 4}), 3, 2, {.stride = 0}); }, "stride [0, 0]"},
          {[] { fold(ones({1, 4, 4}), 3, 2, {.dilation = huge}); }, "no windows"},
          {[] { unfold(ones({1, 1, 3, 3}), 4); }, "kernel [4, 4]", "unfold"},
          {[] { unfold(ones({1, 1, 3, 3}), 2, {.padding = -1}); }, "padding [-1, -1]", "unfold"},
          {[] { unfold(ones({3, 3}), 2); }, "expected an input of 3 or 4 dimensions, got 2", "unfold"}}}}};

TEST(Fold, MakesAConvolutionAProduct) {
  Generator generator(2);
  const Tensor x = randn({2, 3, 6, 5}, generator, f64), weight = randn({4, 3, 3, 2}, generator, f64);
  const Tensor y = matmul(weight.flatten(1), unfold(x, {3, 2}, {.padding = 1, .stride = {2, 1}}));
  EXPECT_TRUE(allclose(y.unflatten(2, {3, 6}), conv2d(x, weight, {}, {.stride = {2, 1}, .padding = 1})));
}

TEST(Fold, OfWindowsThatDoNotOverlapIsTheImage) {
  const Tensor x = randn({1, 2, 4, 6});
  EXPECT_TRUE(equal(fold(unfold(x, {2, 3}, {.stride = {2, 3}}), {4, 6}, {2, 3}, {.stride = {2, 3}}), x));
}

}  // namespace
}  // namespace mica
