#include <vector>

#include <gtest/gtest.h>

#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/ops/attention.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/dropout.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/ops/reduce.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor attend(Inputs x) { return scaled_dot_product_attention(x[0], x[1], x[2]); }
gradients::Function attend_with(const AttentionOptions& options) {
  return [options](Inputs x) { return scaled_dot_product_attention(x[0], x[1], x[2], options); };
}

// (3, 4), bool; query 1 sees nothing.
Tensor some_seen() { return tensor({{1, 0, 1, 1}, {0, 0, 0, 0}, {0, 1, 1, 0}}) == 1; }

const table::Rows rows{
    "attention",
    {
        {.name = "scaled_dot_product_attention",
         .golden = {{"scaled_dot_product_attention",
                     [](Inputs x, const Args& a) {
                       return std::vector{scaled_dot_product_attention(x[0], x[1], x[2],
                                                                       {.attn_mask = x[3],
                                                                        .is_causal = a.flag("is_causal"),
                                                                        .scale = a.maybe_real("scale"),
                                                                        .enable_gqa = a.flag("enable_gqa")})};
                     }}},
         .gradients =
             {{"Attention", attend, {{{2, 3, 2}}, {{2, 4, 2}}, {{2, 4, 3}}}},
              {"AttentionMatrices", attend, {{{3, 2}}, {{2, 2}}, {{2, 1}}}},
              {"AttentionBroadcast", attend, {{{2, 1, 2, 2}}, {{3, 2, 2}}, {{2, 2}}}},
              {"AttentionThirdDerivative", derivative_of(attend), {{{1, 2, 2}}, {{1, 2, 2}}, {{1, 2, 1}}}},
              {"AttentionCausal", attend_with({.is_causal = true}), {{{3, 2}}, {{4, 2}}, {{4, 2}}}},
              {"AttentionScaled", attend_with({.scale = -0.7}), {{{2, 2}}, {{3, 2}}, {{3, 2}}}},
              {"AttentionMasked",
               attend_with({.attn_mask = some_seen()}),
               {{{2, 3, 2}}, {{2, 4, 2}}, {{2, 4, 2}}}},
              {"AttentionAddedMask",
               attend_with({.attn_mask = tensor({{0.5, -infinity}, {0.0, 1.0}})}),
               {{{2, 2}}, {{2, 2}}, {{2, 2}}}},
              {"AttentionLearnedMask",
               [](Inputs x) { return scaled_dot_product_attention(x[0], x[1], x[2], {.attn_mask = x[3]}); },
               {{{2, 2, 2}}, {{2, 3, 2}}, {{2, 3, 2}}, {{2, 1, 3}}}},
              {"AttentionGrouped",
               attend_with({.enable_gqa = true}),
               {{{1, 4, 2, 2}}, {{1, 2, 3, 2}}, {{1, 2, 3, 2}}}},
              {"AttentionDropout",
               [](Inputs x) {
                 manual_seed(3);
                 return scaled_dot_product_attention(x[0], x[1], x[2], {.dropout_p = 0.4});
               },
               {{{2, 3, 2}}, {{2, 4, 2}}, {{2, 4, 3}}}},
              {"AttentionZeroSize", attend, {{{2, 3, 2}}, {{2, 0, 2}}, {{2, 0, 3}}}}},
         .refusals =
             {{[] { scaled_dot_product_attention(ones({3}), ones({3, 2}), ones({3, 2})); },
               "at least 2 dimensions"},
              {[] { scaled_dot_product_attention(ones({3, 4}), ones({3, 2}), ones({3, 2})); }, "do not fit"},
              {[] { scaled_dot_product_attention(ones({3, 2}), ones({3, 2}), ones({4, 2})); },
               "value [4, 2] do not fit"},
              {[] { scaled_dot_product_attention(ones({2, 3, 2}), ones({3, 3, 2}), ones({3, 3, 2})); },
               "[3]"},
              {[] { scaled_dot_product_attention(ones({3, 2}), ones({3, 2}, f64), ones({3, 2})); }, "f64"},
              {[] { scaled_dot_product_attention(ones({3, 2}, i64), ones({3, 2}, i64), ones({3, 2}, i64)); },
               "i64"},
              {[] {
                 scaled_dot_product_attention(ones({3, 2}), ones({3, 2}), ones({3, 2}),
                                              {.attn_mask = ones({3, 3}), .is_causal = true});
               },
               "a mask and is_causal"},
              {[] {
                 scaled_dot_product_attention(ones({3, 2}), ones({3, 2}), ones({3, 2}),
                                              {.attn_mask = ones({3, 4})});
               },
               "[3, 4]"},
              {[] {
                 scaled_dot_product_attention(ones({3, 2}), ones({3, 2}), ones({3, 2}),
                                              {.attn_mask = ones({2, 3, 3})});
               },
               "a mask of shape [2, 3, 3]"},
              {[] {
                 scaled_dot_product_attention(ones({3, 2}), ones({3, 2}), ones({3, 2}),
                                              {.attn_mask = ones({3, 3}, i64)});
               },
               "a mask of i64"},
              {[] {
                 scaled_dot_product_attention(ones({3, 2}), ones({3, 2}), ones({3, 2}), {.dropout_p = 1.5});
               },
               "dropout_p 1.5"},
              {[] {
                 scaled_dot_product_attention(ones({3, 3, 2}), ones({2, 3, 2}), ones({2, 3, 2}),
                                              {.enable_gqa = true});
               },
               "no multiple"}}},
    }};

// The fused kernel beside the differentiable operations: result and gradients.
void compare(const Shape& q, const Shape& k, const Shape& v, const AttentionOptions& options, DType type) {
  SCOPED_TRACE(testing::Message() << to_string(q) << " " << to_string(k) << " " << name(type));
  Generator generator(4);
  std::vector<Tensor> a, b;
  for (const Shape& sizes : {q, k, v}) {
    a.push_back(randn(sizes, generator, type).requires_grad_());
    b.push_back(a.back().detach().clone().requires_grad_());
  }
  manual_seed(5);
  const Tensor fused = detail::attention("test", a[0], a[1], a[2], options);
  manual_seed(5);
  const auto [plain, weights] = detail::attention_with_weights("test", b[0], b[1], b[2], options);
  const double tolerance = type == f64 ? 1e-12 : 2e-5;
  EXPECT_TRUE(allclose(fused, plain, tolerance, tolerance));
  const Tensor direction = randn(fused.sizes(), generator, type);
  (fused * direction).sum().backward();
  (plain * direction).sum().backward();
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(allclose(a[i].grad(), b[i].grad(), tolerance, 10 * tolerance)) << i;
}

TEST(Attention, IsTheSameFusedAndComposed) {
  for (const DType type : {f32, f64}) {
    for (const std::int64_t queries : {1, 17, 64, 65, 150}) {
      for (const std::int64_t keys : {1, 31, 128, 129, 260}) {
        compare({2, 3, queries, 16}, {2, 3, keys, 16}, {2, 3, keys, 8}, {}, type);
        compare({2, 3, queries, 5}, {2, 3, keys, 5}, {2, 3, keys, 7}, {.is_causal = true}, type);
        compare({2, queries, 20}, {2, keys, 20}, {2, keys, 20}, {.dropout_p = 0.3, .scale = 0.2}, type);
        Generator generator(6);
        const Tensor seen = rand({2, 1, queries, keys}, generator) > 0.3;
        compare({2, 4, queries, 8}, {2, 2, keys, 8}, {2, 2, keys, 8}, {.attn_mask = seen, .enable_gqa = true},
                type);
        compare({2, 2, queries, 8}, {2, 2, keys, 8}, {2, 2, keys, 8},
                {.attn_mask = randn({queries, keys}, generator, type), .is_causal = true}, type);
      }
    }
  }
}

TEST(Attention, NeedsMemoryLinearInTheLength) {
  const auto peak = [](std::int64_t length) {
    const Tensor x = randn({1, 1, length, 16}).requires_grad_();
    reset_peak_memory();
    const std::size_t before = memory_stats().in_use;
    scaled_dot_product_attention(x, x, x, {.is_causal = true}).sum().backward();
    return memory_stats().peak_in_use - before;
  };
  peak(1024);
  const std::size_t once = peak(1024), fourfold = peak(4096);
  EXPECT_LT(fourfold, 8 * once);
  EXPECT_LT(fourfold, std::size_t{4096} * 4096 * 4 / 4) << "the scores would need four times as much";
}

TEST(Attention, LeavesTheResultInTheMemoryOrderOfTheQuery) {
  const Tensor x = randn({2, 5, 3 * 4});  // (N, L, H * E)
  const Tensor heads = x.view({2, 5, 3, 4}).transpose(1, 2);
  const Tensor y = scaled_dot_product_attention(heads, heads, heads);
  EXPECT_TRUE(y.transpose(1, 2).is_contiguous());
  EXPECT_TRUE(
      allclose(y, scaled_dot_product_attention(heads.contiguous(), heads.contiguous(), heads.contiguous())));
}

TEST(Attention, ComputesNarrowTypesInF32) {
  for (const DType type : {bf16, f16}) {
    const Tensor x = randn({2, 5, 8}).to(type);
    EXPECT_TRUE(equal(scaled_dot_product_attention(x, x, x),
                      scaled_dot_product_attention(x.to(f32), x.to(f32), x.to(f32)).to(type)));
    const Tensor mask = randn({5, 5});  // a mask may be wider
    EXPECT_EQ(scaled_dot_product_attention(x, x, x, {.attn_mask = mask}).dtype(), type);
  }
}

TEST(Attention, DropsWeightsAsDropoutDrawsThem) {
  const Tensor q = randn({2, 3, 4}), k = randn({2, 5, 4});
  const Tensor weights = detail::attention_with_weights("test", q, k, k, {})[1];
  manual_seed(8);
  const Tensor expected = dropout(weights, 0.3).matmul(k);
  manual_seed(8);
  EXPECT_TRUE(allclose(scaled_dot_product_attention(q, k, k, {.dropout_p = 0.3}), expected, 1e-5, 1e-5));
  EXPECT_TRUE(equal(scaled_dot_product_attention(q, k, k, {.dropout_p = 1}), zeros({2, 3, 4})));
}

TEST(Attention, NoticesAMaskThatWasChangedBeforeBackward) {
  const Tensor x = randn({3, 4}).requires_grad_();
  Tensor mask = zeros({3, 3});
  const Tensor y = scaled_dot_product_attention(x, x, x, {.attn_mask = mask});
  mask.fill_(1);
  EXPECT_THROW(y.sum().backward(), Error);
}

const gradients::Cases parts{{"AttentionParts",
                              [](Inputs x) {
                                const auto [q, k, v] = detail::thirds(x[0]);
                                const auto [a, b] = detail::halves(k);
                                return q * v + a * b;
                              },
                              {{{2, 6}}}}};

TEST(AttentionParts, MakeOneGradient) {
  const Tensor x = randn({2, 6}, f64).requires_grad_();
  const auto [a, b, c] = detail::thirds(x);
  (a * 2 + c * 3).sum().backward();
  EXPECT_TRUE(equal(x.grad(), tensor({{2, 2, 0, 0, 3, 3}, {2, 2, 0, 0, 3, 3}}).to(f64)));
}

}  // namespace
}  // namespace mica
