#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

Tensor product(Inputs x) { return matmul(x[0], x[1]); }
Tensor affine(Inputs x) { return linear(x[0], x[1], x[2]); }
Tensor form(Inputs x) { return bilinear(x[0], x[1], x[2], x[3]); }

AddProduct scales(const Args& args) {
  AddProduct options;
  if (args.has("beta")) options.beta = args.scalar("beta");
  if (args.has("alpha")) options.alpha = args.scalar("alpha");
  return options;
}

using Sum = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const AddProduct&);
golden::Operation sum(Sum fn) {
  return [fn](Inputs x, const Args& args) { return std::vector{fn(x[0], x[1], x[2], scales(args))}; };
}
gradients::Function scaled(Sum fn, AddProduct options) {
  return [fn, options](Inputs x) { return fn(x[0], x[1], x[2], options); };
}

const table::Rows rows{
    "matmul",
    {
        {.name = "matmul",
         .golden = {{"matmul", golden::binary(matmul)}},
         .gradients =
             {
                 {"MatmulVectorVector", product, {{{3}}, {{3}}}},
                 {"MatmulMatrixVector", product, {{{2, 3}}, {{3}}}},
                 {"MatmulVectorMatrix", product, {{{3}}, {{3, 2}}}},
                 {"MatmulMatrixMatrix", product, {{{2, 3}}, {{3, 2}}}},
                 {"MatmulBatchMatrix", product, {{{2, 2, 3}}, {{3, 2}}}},
                 {"MatmulMatrixBatch", product, {{{2, 3}}, {{2, 3, 2}}}},
                 {"MatmulBatchBatch", product, {{{2, 2, 3}}, {{2, 3, 1}}}},
                 {"MatmulBroadcastBatches", product, {{{2, 1, 2, 3}}, {{3, 3, 1}}}},
                 {"MatmulBatchVector", product, {{{2, 2, 3}}, {{3}}}},
                 {"MatmulVectorBatch", product, {{{3}}, {{2, 3, 2}}}},
                 {"MatmulOverNothing", product, {{{2, 0}}, {{0, 3}}}},
                 {"MatmulNoRows", product, {{{0, 3}}, {{3, 2}}}},
                 {"MatmulNoBatch", product, {{{0, 2, 3}}, {{0, 3, 2}}}},
                 {"MatmulByItself", [](Inputs x) { return matmul(x[0], x[0].t()); }, {{{2, 3}}}},
                 {"MatmulThirdDerivative", derivative_of(product), {{{2, 2}}, {{2, 2}}}},
             },
         .refusals = {{[] { matmul(ones({2, 3}), ones({2, 3})); }, "3 columns on the left, 2 rows"},
                      {[] { matmul(ones({2}), ones({3})); }, "2 columns on the left, 3 rows"},
                      {[] { matmul(tensor(1.0), ones({3})); }, "0-d"},
                      {[] { matmul(ones({2, 2}), ones({2, 2}, f64)); }, "f64"},
                      {[] { matmul(ones({2, 2}, boolean), ones({2, 2}, boolean)); }, "not defined for bool"},
                      {[] { matmul(ones({2, 2, 3}), ones({3, 3, 2})); }, "[2]"}}},
        {.name = "mm",
         .golden = {{"mm", golden::binary(mm)}},
         .gradients = {{"Mm", [](Inputs x) { return x[0].mm(x[1]); }, {{{2, 3}}, {{3, 2}}}},
                       {"MmOverNothing", [](Inputs x) { return mm(x[0], x[1]); }, {{{2, 0}}, {{0, 2}}}}},
         .refusals = {{[] { mm(ones({2, 2, 3}), ones({3, 2})); }, "[2, 2, 3] is no matrix"},
                      {[] { mm(ones({2, 3}), ones({2, 3})); }, "3 columns"},
                      {[] { mm(ones({2, 3}), ones({3, 2}, i64)); }, "i64"}}},
        {.name = "bmm",
         .golden = {{"bmm", golden::binary(bmm)}},
         .gradients = {{"Bmm", [](Inputs x) { return x[0].bmm(x[1]); }, {{{2, 2, 3}}, {{2, 3, 2}}}},
                       {"BmmNoBatch", [](Inputs x) { return bmm(x[0], x[1]); }, {{{0, 2, 3}}, {{0, 3, 2}}}}},
         .refusals = {{[] { bmm(ones({2, 3}), ones({2, 3, 2})); }, "no batch of matrices"},
                      {[] { bmm(ones({1, 2, 3}), ones({4, 3, 2})); }, "matmul broadcasts"},
                      {[] { bmm(ones({4, 2, 3}), ones({4, 2, 3})); }, "3 columns"}}},
        {.name = "mv",
         .golden = {{"mv", golden::binary(mv)}},
         .gradients = {{"Mv", [](Inputs x) { return mv(x[0], x[1]); }, {{{2, 3}}, {{3}}}}},
         .refusals = {{[] { mv(ones({3}), ones({3})); }, "no matrix"},
                      {[] { mv(ones({2, 3}), ones({3, 1})); }, "no vector"},
                      {[] { mv(ones({2, 3}), ones({2})); }, "[2, 3] times a vector of shape [2]"}}},
        {.name = "dot",
         .golden = {{"dot", golden::binary(dot)}},
         .gradients = {{"Dot", [](Inputs x) { return x[0].dot(x[1]); }, {{{3}}, {{3}}}},
                       {"DotOfNothing", [](Inputs x) { return dot(x[0], x[1]); }, {{{0}}, {{0}}}}},
         .refusals = {{[] { dot(ones({2, 2}), ones({2})); }, "no vector"},
                      {[] { dot(ones({1}), ones({3})); }, "1 and 3 elements"},
                      {[] { dot(ones({3}), ones({3}, f64)); }, "f64"}}},
        {.name = "outer",
         .golden = {{"outer", golden::binary(outer)}},
         .gradients = {{"Outer", [](Inputs x) { return outer(x[0], x[1]); }, {{{2}}, {{3}}}},
                       {"OuterOfNothing", [](Inputs x) { return outer(x[0], x[1]); }, {{{0}}, {{3}}}}},
         .refusals = {{[] { outer(ones({2, 2}), ones({2})); }, "no vector"}}},
        {.name = "addmm",
         .golden = {{"addmm", sum(addmm)}},
         .gradients = {{"Addmm", scaled(addmm, {.beta = 0.5, .alpha = -2}), {{{2, 2}}, {{2, 3}}, {{3, 2}}}},
                       {"AddmmBroadcast", scaled(addmm, {}), {{{2}}, {{2, 3}}, {{3, 2}}}},
                       {"AddmmWithout", scaled(addmm, {.beta = 0}), {{{2, 2}}, {{2, 3}}, {{3, 2}}}}},
         .refusals = {{[] { addmm(ones({3}), ones({2, 3}), ones({3, 2})); }, "[3]"},
                      {[] { addmm(ones({4, 2, 2}), ones({2, 3}), ones({3, 2})); }, "for a product of shape"},
                      {[] { addmm(ones({2}, f64), ones({2, 3}), ones({3, 2})); }, "f64"},
                      {[] {
                         const Tensor x = ones({2, 2}, i64);
                         addmm(x, x, x, {.beta = 0.5});
                       },
                       "whole numbers"}}},
        {.name = "addmv",
         .golden = {{"addmv", sum(addmv)}},
         .gradients = {{"Addmv", scaled(addmv, {.beta = 0.5, .alpha = -2}), {{{2}}, {{2, 3}}, {{3}}}}},
         .refusals = {{[] { addmv(ones({3}), ones({2, 3}), ones({3})); }, "[3]"},
                      {[] { addmv(ones({2}), ones({2, 3}), ones({3}, f64)); }, "f64"}}},
        {.name = "baddbmm",
         .golden = {{"baddbmm", sum(baddbmm)}},
         .gradients = {{"Baddbmm",
                        scaled(baddbmm, {.beta = 0.5, .alpha = -2}),
                        {{{2, 2, 1}}, {{2, 2, 3}}, {{2, 3, 1}}}}},
         .refusals = {{[] { baddbmm(ones({3}), ones({2, 2, 3}), ones({2, 3, 2})); }, "[3]"},
                      {[] { baddbmm(ones({2}), ones({2, 2, 3}), ones({2, 3, 2}, f64)); }, "f64"}}},
        {.name = "linear",
         .golden = {{"linear", [](Inputs x, const Args&) { return std::vector{linear(x[0], x[1], x[2])}; }}},
         .gradients =
             {
                 {"Linear", affine, {{{2, 3}}, {{2, 3}}, {{2}}}},
                 {"LinearVector", affine, {{{3}}, {{2, 3}}, {{2}}}},
                 {"LinearBatches", affine, {{{2, 2, 3}}, {{2, 3}}, {{2}}}},
                 {"LinearNoRows", affine, {{{0, 3}}, {{2, 3}}, {{2}}}},
                 {"LinearNoFeatures", affine, {{{2, 0}}, {{3, 0}}, {{3}}}},
                 {"LinearWithoutBias", [](Inputs x) { return linear(x[0], x[1]); }, {{{2, 3}}, {{2, 3}}}},
                 {"LinearVectorWeight", [](Inputs x) { return linear(x[0], x[1]); }, {{{2, 3}}, {{3}}}},
             },
         .refusals = {{[] { linear(ones({2, 4}), ones({5, 3})); }, "has 4 features"},
                      {[] { linear(ones({2, 3}), ones({5, 3}), ones({4})); }, "bias of shape [4] for 5"},
                      {[] { linear(ones({2, 3}), ones({5, 3}, f64)); }, "f64"},
                      {[] { linear(ones({2}, boolean), ones({1, 2}, boolean)); }, "not defined for bool"}}},
        {.name = "bilinear",
         .golden = {{"bilinear",
                     [](Inputs x, const Args&) { return std::vector{bilinear(x[0], x[1], x[2], x[3])}; }}},
         .gradients = {{"Bilinear", form, {{{2, 3}}, {{2, 2}}, {{2, 3, 2}}, {{2}}}},
                       {"BilinearVectors", form, {{{2}}, {{2}}, {{1, 2, 2}}, {{1}}}},
                       {"BilinearNoRows", form, {{{0, 2}}, {{0, 2}}, {{1, 2, 2}}, {{1}}}}},
         .refusals = {{[] { bilinear(ones({2, 3}), ones({2, 2}), ones({4, 2, 2})); }, "weight of shape"},
                      {[] { bilinear(ones({2, 3}), ones({3, 2}), ones({4, 3, 2})); }, "same sizes before"},
                      {[] { bilinear(ones({2, 3}), ones({2, 2}), ones({3, 2})); }, "no weight"},
                      {[] { bilinear(ones({2, 3}), ones({2, 2}), ones({4, 3, 2}), ones({3})); }, "4 outputs"},
                      {[] { bilinear(ones({2, 3}, f64), ones({2, 2}), ones({4, 3, 2})); }, "f64"}}},
    }};

TEST(Matmul, DoesNotDependOnTheMemoryOrder) {
  Generator generator(1);
  for (const DType type : {f32, f64}) {
    const Tensor a = randn({3, 5, 7}, generator, type);
    const Tensor b = randn({3, 7, 4}, generator, type);
    const Tensor expected = matmul(a, b);
    const auto transposed = [](const Tensor& x) { return x.transpose(1, 2).contiguous().transpose(1, 2); };
    const auto stepped = [](const Tensor& x) { return stack({x, x}, -1).select(-1, 1); };
    const Tensor outside_in = a.permute({2, 1, 0}).contiguous().permute({2, 1, 0});
    EXPECT_TRUE(allclose(matmul(transposed(a), b), expected, 1e-5, 1e-5));
    EXPECT_TRUE(allclose(matmul(a, transposed(b)), expected, 1e-5, 1e-5));
    EXPECT_TRUE(allclose(matmul(stepped(a), transposed(b)), expected, 1e-5, 1e-5));
    EXPECT_TRUE(allclose(matmul(outside_in, stepped(b)), expected, 1e-5, 1e-5));
    EXPECT_TRUE(allclose(matmul(a[0].expand({3, 5, 7}), b)[0], expected[0], 1e-5, 1e-5));
  }
}

TEST(Matmul, NarrowTypesAccumulateInF32) {
  const Tensor a = full({1, 4096}, 1, bf16);
  EXPECT_EQ(matmul(a, a.t()).item(), 4096);
  EXPECT_EQ(matmul(a, a.t()).dtype(), bf16);
  const Tensor y = linear(a, a, full({1}, 0.0, bf16));
  EXPECT_EQ(y.dtype(), bf16);
  EXPECT_EQ(y.item(), 4096);
}

TEST(Addmm, IgnoresWhatABetaOfZeroWouldMultiply) {
  const Tensor x = full({2, 2}, std::numeric_limits<double>::quiet_NaN(), f64).requires_grad_();
  const Tensor y = addmm(x, ones({2, 3}, f64), ones({3, 2}, f64), {.beta = 0});
  EXPECT_TRUE(equal(y, full({2, 2}, 3, f64)));
  y.sum().backward();
  EXPECT_TRUE(equal(x.grad(), zeros({2, 2}, f64)));
}

}  // namespace
}  // namespace mica
