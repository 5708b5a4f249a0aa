#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

const gradients::Cases view_cases{
    {"View", [](Inputs x) { return square(x[0]).contiguous().view({3, -1}); }, {{{2, 3}}}},
    {"Reshape", [](Inputs x) { return square(x[0].reshape({4, 3})); }, {{{2, 3, 2}}}},
    {"ReshapeZeroSize", [](Inputs x) { return square(x[0].reshape({3, 0})); }, {{{0, 2}}}},
    {"Flatten", [](Inputs x) { return square(x[0].flatten(1)); }, {{{2, 3, 2}}}},
    {"FlattenZeroDim", [](Inputs x) { return square(x[0].flatten()); }, {{{}}}},
    {"Transpose", [](Inputs x) { return square(x[0].transpose(0, -1)); }, {{{2, 3, 2}}}},
    {"TransposeOfMatrix", [](Inputs x) { return square(x[0].t()) * x[1]; }, {{{2, 3}}, {{2}}}},
    {"Permute", [](Inputs x) { return square(x[0].permute({2, 0, 1})); }, {{{2, 3, 2}}}},
    {"Expand", [](Inputs x) { return square(x[0]).expand({2, 3, -1}); }, {{{1, 2}}}},
    {"ExpandToZeroSize", [](Inputs x) { return square(x[0]).expand({0, 1}); }, {{{1}}}},
    {"Unsqueeze", [](Inputs x) { return square(x[0].unsqueeze(1)); }, {{{2, 3}}}},
    {"Squeeze", [](Inputs x) { return square(x[0].squeeze()); }, {{{1, 3, 1}}}},
    {"SqueezeDim", [](Inputs x) { return square(x[0].squeeze(-1)); }, {{{1, 3, 1}}}},
    {"Select", [](Inputs x) { return square(x[0].select(1, -2)); }, {{{2, 3, 2}}}},
    {"SelectRow", [](Inputs x) { return square(x[0][1]) * x[0][0]; }, {{{2, 3}}}},
    {"Narrow", [](Inputs x) { return square(x[0].narrow(1, 1, 2)); }, {{{2, 3}}}},
    {"Slice", [](Inputs x) { return square(x[0].slice(1, {1, -1, 2})); }, {{{2, 6}}}},
    {"SliceOfNothing", [](Inputs x) { return square(x[0].slice(1, {0, 0, 2})); }, {{{2, 5}}}},
    {"SliceThirdDerivative",
     derivative_of([](Inputs x) { return square(x[0].slice(0, {{}, {}, 3})); }),
     {{{5}}}},
    {"Clone", [](Inputs x) { return square(x[0].clone()); }, {{{2, 3}}}},
    {"Contiguous", [](Inputs x) { return square(x[0].t().contiguous()); }, {{{2, 3}}}},
    {"To", [](Inputs x) { return square(x[0]).to(f32).to(f64) * 0 + square(x[0]); }, {{{2, 3}}}},
};

TEST(View, AgreesWithPyTorch) {
  golden::expect_golden(
      "view",
      {
          {"reshape", [](Inputs x, const Args& a) { return std::vector{x[0].reshape(a.shape("sizes"))}; }},
          {"flatten",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].flatten(a.integer("start"), a.integer("end"))};
           }},
          {"transpose",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].transpose(a.integer("a"), a.integer("b"))};
           }},
          {"permute", [](Inputs x, const Args& a) { return std::vector{x[0].permute(a.shape("dims"))}; }},
          {"expand", [](Inputs x, const Args& a) { return std::vector{x[0].expand(a.shape("sizes"))}; }},
          {"unsqueeze",
           [](Inputs x, const Args& a) { return std::vector{x[0].unsqueeze(a.integer("dim"))}; }},
          {"squeeze", [](Inputs x, const Args&) { return std::vector{x[0].squeeze()}; }},
          {"squeeze_dim",
           [](Inputs x, const Args& a) { return std::vector{x[0].squeeze(a.integer("dim"))}; }},
          {"select",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].select(a.integer("dim"), a.integer("index"))};
           }},
          {"narrow",
           [](Inputs x, const Args& a) {
             return std::vector{x[0].narrow(a.integer("dim"), a.integer("start"), a.integer("length"))};
           }},
          {"slice",
           [](Inputs x, const Args& a) {
             return std::vector{
                 x[0].slice(1, {a.maybe_integer("first"), a.maybe_integer("last"), a.integer("step")})};
           }},
          {"sum_to_size",
           [](Inputs x, const Args& a) { return std::vector{x[0].sum_to_size(a.shape("sizes"))}; }},
      });
}

TEST(View, SharesMemory) {
  Tensor x = arange(12).reshape({3, 4});
  const Tensor views[] = {
      x.view({4, 3}),    x.transpose(0, 1), x.select(0, 1),           x.slice(1, {1, 3, 2}),
      x.narrow(0, 1, 2), x.unsqueeze(0),    x.expand({2, 3, 4}),      x.permute({1, 0}),
      x.flatten(),       x.detach(),        x.unsqueeze(0).squeeze(0)};
  for (const Tensor& v : views) EXPECT_TRUE(v.shares_storage(x));
  x.select(0, 2).select(0, 3).fill_(99);
  EXPECT_EQ(x[2][3].item<int>(), 99);
  EXPECT_EQ(views[1][3][2].item<int>(), 99);
}

TEST(View, CopiesOnlyWhereStridesCannotExpressTheShape) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  const Tensor swapped = x.transpose(0, 1);
  EXPECT_TRUE(swapped.view({3, 2, 2, 2}).shares_storage(x));  // splitting a dimension always works
  EXPECT_TRUE(x.slice(2, {0, 2}).view({6, 2}).shares_storage(x));
  EXPECT_THROW(swapped.view({6, 4}), Error);
  const Tensor joined = swapped.reshape({6, 4});
  EXPECT_FALSE(joined.shares_storage(x));
  EXPECT_EQ(joined[1].to_vector<int>(), (std::vector<int>{12, 13, 14, 15}));
  EXPECT_TRUE(x.expand({5, 2, 3, 4}).view({5, 6, 4}).shares_storage(x));
}

TEST(View, CloneAndContiguousHaveMemoryOfTheirOwn) {
  const Tensor x = arange(6).reshape({2, 3}).t();
  EXPECT_EQ(x.clone().strides(), x.strides());
  EXPECT_FALSE(x.clone().shares_storage(x));
  EXPECT_TRUE(x.contiguous().is_contiguous());
  EXPECT_EQ(x.contiguous().to_vector<int>(), x.to_vector<int>());
  const Tensor dense = arange(6);
  EXPECT_TRUE(dense.contiguous().is_same(dense));
}

TEST(View, ExplainsWhatItRefuses) {
  const Tensor x = ones({2, 3});
  EXPECT_THROW(x.view({4, 2}), Error);
  EXPECT_THROW(x.reshape({-1, -1}), Error);
  EXPECT_THROW(x.reshape({-1, 4}), Error);
  EXPECT_THROW(zeros({0, 3}).reshape({0, -1}), Error);  // any number would do
  EXPECT_THROW(x.transpose(0, 2), Error);
  EXPECT_THROW(x.permute({0, 0}), Error);
  EXPECT_THROW(x.permute({0}), Error);
  EXPECT_THROW(x.expand({2, 4}), Error);
  EXPECT_THROW(x.expand({3}), Error);
  EXPECT_THROW(x.expand({-1, 2, 3}), Error);
  EXPECT_THROW(x.select(0, 2), Error);
  EXPECT_THROW(x.select(0, -3), Error);
  EXPECT_THROW(x.narrow(1, 2, 2), Error);
  EXPECT_THROW(x.slice(1, {0, 3, 0}), Error);
  EXPECT_THROW(x.slice(1, {0, 3, -1}), Error);
  EXPECT_THROW(tensor(1.0)[0], Error);
  EXPECT_THROW(ones({2, 2, 2}).t(), Error);
  EXPECT_THROW(ones({2, 2, 2}).flatten(2, 1), Error);
  EXPECT_THROW(ones({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0), Error);  // nine dimensions
}

}  // namespace
}  // namespace mica
