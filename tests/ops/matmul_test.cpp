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

Tensor product(Inputs x) { return matmul(x[0], x[1]); }
Tensor affine(Inputs x) { return linear(x[0], x[1], x[2]); }

const gradients::Cases matmul_cases{
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
    {"Linear", affine, {{{2, 3}}, {{2, 3}}, {{2}}}},
    {"LinearVector", affine, {{{3}}, {{2, 3}}, {{2}}}},
    {"LinearBatches", affine, {{{2, 2, 3}}, {{2, 3}}, {{2}}}},
    {"LinearNoRows", affine, {{{0, 3}}, {{2, 3}}, {{2}}}},
    {"LinearNoFeatures", affine, {{{2, 0}}, {{3, 0}}, {{3}}}},
    {"LinearWithoutBias", [](Inputs x) { return linear(x[0], x[1]); }, {{{2, 3}}, {{2, 3}}}},
    {"LinearVectorWeight", [](Inputs x) { return linear(x[0], x[1]); }, {{{2, 3}}, {{3}}}},
};

TEST(Matmul, AgreesWithPyTorch) {
  golden::expect_golden(
      "matmul", {{"matmul", golden::binary(matmul)},
                 {"linear", [](Inputs x, const Args&) { return std::vector{linear(x[0], x[1], x[2])}; }}});
}

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

TEST(Matmul, ExplainsWhatItRefuses) {
  EXPECT_THROW(matmul(ones({2, 3}), ones({2, 3})), Error);
  EXPECT_THROW(matmul(ones({2}), ones({3})), Error);
  EXPECT_THROW(matmul(tensor(1.0), ones({3})), Error);
  EXPECT_THROW(matmul(ones({2, 2}), ones({2, 2}, f64)), Error);
  EXPECT_THROW(matmul(ones({2, 2, 3}), ones({3, 3, 2})), Error);
  EXPECT_THROW(linear(ones({2, 4}), ones({5, 3})), Error);
  EXPECT_THROW(linear(ones({2, 3}), ones({5, 3}), ones({4})), Error);
  EXPECT_THROW(linear(ones({2, 3}), ones({5, 3}, f64)), Error);
  EXPECT_THROW(linear(tensor({1, 2}), tensor({{1, 2}})), Error);
}

}  // namespace
}  // namespace mica
