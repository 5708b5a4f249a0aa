#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/gradcheck.h>
#include <mica/nn/attention.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>
#include <mica/ops/reduce.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Tensors = std::vector<Tensor>;

Tensors results(const std::tuple<Tensor, Tensor>& both) {
  const auto& [y, weights] = both;
  return weights.defined() ? Tensors{y, weights} : Tensors{y};
}

// Follows a golden layer called as attn(x, x, x) with the masks that are inputs 1 and 2.
void follow(const std::string& name, std::int64_t heads, MultiheadAttentionOptions options,
            MultiheadAttentionCall call = {}) {
  follow_golden(
      "attention", name,
      [&](DType dtype) {
        options.dtype = dtype;
        return MultiheadAttention(6, heads, options);
      },
      [&](MultiheadAttention& attn, const Tensors& x) {
        call.attn_mask = x.at(1);
        call.key_padding_mask = x.at(2);
        return results(attn(x[0], x[0], x[0], call));
      });
}
// As attn(query, key, value) with the masks after them; `shared`: the key is the value.
void follow_others(const std::string& name, MultiheadAttentionOptions options,
                   MultiheadAttentionCall call = {}, bool shared = false) {
  follow_golden(
      "attention", name,
      [&](DType dtype) {
        options.dtype = dtype;
        return MultiheadAttention(6, 2, options);
      },
      [&](MultiheadAttention& attn, const Tensors& x) {
        call.attn_mask = x.at(3);
        call.key_padding_mask = x.at(4);
        return results(attn(x[0], x[1], shared ? x[1] : x[2], call));
      });
}

TEST(MultiheadAttention, FollowsPyTorch) {
  follow("self", 2, {});
  follow("self without weights", 3, {}, {.need_weights = false});
  follow("self batch first", 2, {.batch_first = true}, {.need_weights = false});
  follow("weights of each head", 2, {.bias = false}, {.average_attn_weights = false});
  follow("unbatched", 2, {});
  follow("dropout", 2, {.dropout = 0.4}, {.need_weights = false});
  follow("more keys", 2, {.add_bias_kv = true, .add_zero_attn = true, .batch_first = true});
  follow_others("key is value", {}, {}, true);
  follow_others("all different", {.batch_first = true});
  follow_others("other sizes", {.add_bias_kv = true, .kdim = 5, .vdim = 4}, {.average_attn_weights = false});
  follow_others("more keys without weights", {.bias = false, .add_zero_attn = true, .vdim = 4},
                {.need_weights = false});
}

TEST(MultiheadAttention, PrintsAsPyTorch) {
  expect_prints("attention",
                {{"plain", MultiheadAttention(6, 2).to_string()},
                 {"other sizes",
                  MultiheadAttention(6, 2, {.dropout = 0.1, .bias = false, .add_bias_kv = true, .kdim = 3})
                      .to_string()}});
}

TEST(MultiheadAttention, GivesTheSameWithAndWithoutWeights) {
  MultiheadAttention attn(8, 2, {.add_zero_attn = true, .batch_first = true, .dtype = f64});
  const Tensor q = randn({3, 4, 8}, f64), k = randn({3, 4, 8}, f64);
  const Tensor future = ones({4, 4}, boolean).triu(1);
  const Tensor padding = rand({3, 4}) > 0.5;
  for (const Tensor& attn_mask : {Tensor(), future}) {
    for (const Tensor& key_padding_mask : {Tensor(), padding}) {
      for (const bool is_causal : {false, true}) {
        const MultiheadAttentionCall with{
            .key_padding_mask = key_padding_mask, .attn_mask = attn_mask, .is_causal = is_causal};
        MultiheadAttentionCall without = with;
        without.need_weights = false;
        const auto [y, weights] = attn(q, k, k, with);
        const auto [z, none] = attn(q, k, k, without);
        EXPECT_TRUE(allclose(y, z, 1e-12, 1e-12));
        EXPECT_FALSE(none.defined());
        EXPECT_TRUE(allclose(weights.sum(-1), ones({3, 4}, f64)));
      }
    }
  }
}

TEST(MultiheadAttention, TakesIsCausalForAMask) {
  for (const bool more : {false, true}) {
    MultiheadAttention attn(8, 2, {.add_bias_kv = more, .dtype = f64});
    const Tensor x = randn({5, 3, 8}, f64);
    const Tensor future = ones({5, 5}, boolean).triu(1);
    const auto [expected, a] = attn(x, x, x, {.attn_mask = future});
    const auto [alone, b] = attn(x, x, x, {.is_causal = true});
    const auto [hinted, c] = attn(x, x, x, {.need_weights = false, .attn_mask = future, .is_causal = true});
    EXPECT_TRUE(allclose(alone, expected, 1e-12, 1e-12));
    EXPECT_TRUE(allclose(hinted, expected, 1e-12, 1e-12));
  }
}

TEST(MultiheadAttention, MergesBoolMasksWithNumbers) {
  MultiheadAttention attn(8, 2, {.dtype = f64});
  const Tensor x = randn({4, 3, 8}, f64);
  const Tensor hidden = rand({3, 4}) > 0.6;
  const Tensor numbers = randn({4, 4}, f64);
  const Tensor minus = zeros({3, 4}, f64).masked_fill(hidden, -std::numeric_limits<double>::infinity());
  const auto [y, a] = attn(x, x, x, {.key_padding_mask = hidden, .attn_mask = numbers});
  const auto [z, b] = attn(x, x, x, {.key_padding_mask = minus, .attn_mask = numbers});
  EXPECT_TRUE(equal(y, z));
  EXPECT_TRUE(equal(a, b));
}

TEST(MultiheadAttention, GivesZeroWeightsWhereNoKeyIsSeen) {
  MultiheadAttention attn(4, 2);
  const Tensor x = randn({3, 1, 4});
  const Tensor none = ones({3, 3}, boolean);
  for (const bool need_weights : {false, true}) {
    const auto [y, weights] = attn(x, x, x, {.need_weights = need_weights, .attn_mask = none});
    EXPECT_TRUE(equal(y, attn.out_proj.bias.expand({3, 1, 4})));
    if (need_weights) EXPECT_TRUE(equal(weights, zeros({1, 3, 3})));
  }
}

TEST(MultiheadAttention, IsClonedConvertedAndLoaded) {
  MultiheadAttention attn(6, 2, {.dropout = 0.5, .add_bias_kv = true, .vdim = 3});
  attn.eval();
  MultiheadAttention copy = attn.clone();
  MultiheadAttention other(6, 2, {.dropout = 0.5, .add_bias_kv = true, .vdim = 3});
  other.load_state_dict(attn.state_dict());
  other.eval();
  const Tensor x = randn({4, 2, 6}), v = randn({4, 2, 3});
  const Tensor y = std::get<0>(attn(x, x, v));
  EXPECT_TRUE(equal(std::get<0>(copy(x, x, v)), y));
  EXPECT_TRUE(equal(std::get<0>(other(x, x, v)), y));
  copy.to(bf16);
  EXPECT_EQ(std::get<0>(copy(x.to(bf16), x.to(bf16), v.to(bf16))).dtype(), bf16);
  EXPECT_NE(copy.in_proj_bias.raw_data(), attn.in_proj_bias.raw_data());
}

TEST(MultiheadAttention, TakesHooksAndEmptyBatches) {
  MultiheadAttention attn(6, 2, {.batch_first = true});
  int calls = 0, gradients = 0;
  const auto hook = attn.register_forward_hook([&](auto&, auto&, std::tuple<Tensor, Tensor>&) { ++calls; });
  const auto backward =
      attn.register_full_backward_hook([&](auto&, const Gradients&, const Gradients&) { ++gradients; });
  for (const bool need_weights : {true, false}) {
    const Tensor x = randn({2, 3, 6}).requires_grad_();
    std::get<0>(attn(x, x, x, {.need_weights = need_weights})).sum().backward();
  }
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(gradients, 2);
  const auto [y, weights] = attn(zeros({0, 3, 6}), zeros({0, 3, 6}), zeros({0, 3, 6}));
  EXPECT_EQ(to_string(y.sizes()), "[0, 3, 6]");
  EXPECT_EQ(to_string(weights.sizes()), "[0, 3, 3]");
}

TEST(MultiheadAttention, HasRightFirstAndSecondDerivatives) {
  MultiheadAttention attn(4, 2, {.add_bias_kv = true, .batch_first = true, .dtype = f64});
  const Tensors inputs{randn({2, 3, 4}, f64).requires_grad_(), randn({2, 2, 4}, f64).requires_grad_()};
  const Tensor padding = tensor({{0, 1}, {0, 0}}) == 1;
  for (const bool need_weights : {false, true}) {
    const auto call = [&](std::span<const Tensor> x) {
      return std::get<0>(attn(x[0], x[1], x[1], {.key_padding_mask = padding, .need_weights = need_weights}));
    };
    EXPECT_EQ(autograd::gradcheck(call, inputs), "");
    EXPECT_EQ(autograd::gradgradcheck(call, inputs), "");
  }
}

TEST(MultiheadAttention, CountsItsOperations) {
  MultiheadAttention attn{8, 2, {.add_zero_attn = true, .kdim = 3, .vdim = 5}};
  std::int64_t counted = 0;
  const auto hook =
      attn.register_forward_hook([&](MultiheadAttention& m, Arguments& args, std::tuple<Tensor, Tensor>& y) {
        counted = m.flops(args, Value(y));
      });
  attn(ones({4, 2, 8}), ones({6, 2, 3}), ones({6, 2, 5}));
  const std::int64_t projections = 2 * 2 * (4 * 8 * 8 + 6 * 8 * 3 + 6 * 8 * 5),
                     products = 2 * 2 * 2 * (4 * 7 * 8);
  EXPECT_EQ(counted, projections + products);
}

TEST(MultiheadAttention, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { MultiheadAttention(6, 4); }, message("num_heads 4 does not divide embed_dim 6"));
  EXPECT_THAT([] { MultiheadAttention(0, 1); }, message("must be positive"));
  EXPECT_THAT([] { MultiheadAttention(4, 2, {.dropout = 2}); }, message("dropout 2"));
  MultiheadAttention attn(6, 2, {.batch_first = true});
  const Tensor x = ones({2, 3, 6});
  EXPECT_THAT([&] { attn(x, x, ones({2, 4, 6})); }, message("query is (N, L, 6), key (N, S, 6)"));
  EXPECT_THAT([&] { attn(x, ones({2, 3, 5}), x); }, message("do not fit"));
  EXPECT_THAT([&] { attn(ones({6}), x, x); }, message("in MultiheadAttention"));
  EXPECT_THAT([&] { attn(x, x, x, {.attn_mask = ones({3, 4})}); },
              message("attn_mask of shape [3, 4], expected [3, 3] or [4, 3, 3]"));
  EXPECT_THAT([&] { attn(x, x, x, {.key_padding_mask = ones({3}, boolean)}); },
              message("key_padding_mask of shape [3], expected [2, 3]"));
  EXPECT_THAT([&] { attn(x, x, x, {.attn_mask = ones({3, 3}, u8)}); }, message("attn_mask of u8"));
}

}  // namespace
}  // namespace mica::nn
