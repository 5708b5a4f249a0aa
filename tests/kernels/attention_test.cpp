#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/attention.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using AttentionTest = KernelTest<T>;
TYPED_TEST_SUITE(AttentionTest, Floating);

enum class Mask { none, bytes, added, keys_only, transposed };

struct Case {
  std::int64_t batch = 1, heads = 1, kv_heads = 1, queries = 1, keys = 1, features = 1, value_features = 1;
  Mask mask = Mask::none;
  bool causal = false;
  bool dropout = false;
  bool heads_inside = false;  // memory (batch, rows, heads, columns), as projections leave it

  std::string describe() const {
    std::string text;
    for (const std::int64_t x : {batch, heads, kv_heads, queries, keys, features, value_features})
      text += std::to_string(x) + " ";
    return text + "mask " + std::to_string(static_cast<int>(mask)) + (causal ? " causal" : "") +
           (dropout ? " dropout" : "") + (heads_inside ? " heads inside" : "");
  }
};

// Everything one call needs and gives.
template <class T> struct Call {
  explicit Call(const Case& which) : c(which) {
    query = normal_values<T>(c.batch * c.heads * c.queries * c.features, 1);
    key = normal_values<T>(c.batch * c.kv_heads * c.keys * c.features, 2);
    value = normal_values<T>(c.batch * c.kv_heads * c.keys * c.value_features, 3);
    grad = normal_values<T>(c.batch * c.heads * c.queries * c.value_features, 4);
    a = {.dtype = dtype_of<T>,
         .batch = c.batch,
         .heads = c.heads,
         .kv_heads = c.kv_heads,
         .queries = c.queries,
         .keys = c.keys,
         .features = c.features,
         .value_features = c.value_features,
         .query = rows(query, c.heads, c.queries, c.features),
         .key = rows(key, c.kv_heads, c.keys, c.features),
         .value = rows(value, c.kv_heads, c.keys, c.value_features),
         .scale = 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, c.features))),
         .causal = c.causal};
    const std::int64_t size = c.batch * c.heads * c.queries * c.keys;
    if (c.dropout) {
      bytes(kept, size, 7);
      a.kept = kept.data();
      a.kept_scale = 1.5;
    }
    if (c.mask == Mask::none) return;
    if (c.mask == Mask::keys_only) {  // (batch, 1, 1, keys)
      bytes(shown, c.batch * c.keys, 5);
      set_mask(shown.data(), true, {c.keys, 0, 0, 1});
    } else if (c.mask == Mask::bytes) {
      bytes(shown, size, 6);
      set_mask(shown.data(), true, {c.heads * c.queries * c.keys, c.queries * c.keys, c.keys, 1});
    } else if (c.mask == Mask::added) {  // (heads, queries, keys), with some hidden
      added = normal_values<T>(c.heads * c.queries * c.keys, 8);
      for (std::size_t i = 0; i < added.size(); i += 7) added[i] = -INFINITY;
      set_mask(added.data(), false, {0, c.queries * c.keys, c.keys, 1});
    } else {  // (queries, keys) with the queries innermost
      added = normal_values<T>(c.queries * c.keys, 9);
      set_mask(added.data(), false, {0, 0, 1, c.queries});
    }
  }

  HeadRows rows(std::vector<T>& x, std::int64_t heads, std::int64_t count, std::int64_t columns) const {
    if (c.heads_inside) return {x.data(), heads * count * columns, columns, heads * columns};
    return {x.data(), heads * count * columns, count * columns, columns};
  }
  void set_mask(const void* data, bool is_bytes, const std::array<std::int64_t, 4>& strides) {
    a.mask = data;
    a.mask_is_bytes = is_bytes;
    std::copy(strides.begin(), strides.end(), a.mask_strides);
  }
  // Every third byte or so is 0; of a mask for whole rows, the first row is all 0.
  static void bytes(std::vector<std::uint8_t>& to, std::int64_t count, unsigned seed) {
    for (const std::int64_t v : labels(count, 3, seed)) to.push_back(v == 0 ? 0 : 1);
    if (seed == 6) std::fill_n(to.begin(), std::min<std::int64_t>(count, 3), std::uint8_t{0});
  }

  template <class Forward, class Backward> void run(const Forward& forward, const Backward& backward) {
    out.assign(grad.size(), NAN);
    log_sum.assign(static_cast<std::size_t>(c.batch * c.heads * c.queries), NAN);
    grad_query.assign(query.size(), NAN);
    grad_key.assign(key.size(), NAN);
    grad_value.assign(value.size(), NAN);
    const HeadRows y = rows(out, c.heads, c.queries, c.value_features);
    forward(a, y, log_sum.data());
    backward(a, y, rows(grad, c.heads, c.queries, c.value_features), log_sum.data(),
             rows(grad_query, c.heads, c.queries, c.features), rows(grad_key, c.kv_heads, c.keys, c.features),
             rows(grad_value, c.kv_heads, c.keys, c.value_features));
  }
  void run_fused() { run(attention, attention_backward); }
  void run_reference() { run(reference::attention, reference::attention_backward); }

  Case c;
  Attention a;
  std::vector<T> query, key, value, grad, added, out, log_sum, grad_query, grad_key, grad_value;
  std::vector<std::uint8_t> shown, kept;
};

template <class T> void compare(const Case& c) {
  SCOPED_TRACE(c.describe());
  Call<T> fused(c), plain(c);
  fused.run_fused();
  plain.run_reference();
  const double tolerance = 5 * kTolerance<T>,
               gathered = tolerance * (1 + std::sqrt(static_cast<double>(c.queries)));
  expect_close(fused.out, plain.out, tolerance, tolerance);
  expect_close(fused.log_sum, plain.log_sum, tolerance, tolerance);
  expect_close(fused.grad_query, plain.grad_query, tolerance, gathered);
  expect_close(fused.grad_key, plain.grad_key, tolerance, gathered);
  expect_close(fused.grad_value, plain.grad_value, tolerance, gathered);
}

TYPED_TEST(AttentionTest, AgreesWithTheReferenceOnEveryTarget) {
  for_each_target([] {
    for (const bool inside : {false, true}) {
      compare<TypeParam>(
          {.queries = 1, .keys = 1, .features = 1, .value_features = 1, .heads_inside = inside});
      compare<TypeParam>({2, 3, 3, 5, 7, 4, 6, Mask::none, false, false, inside});
      compare<TypeParam>({2, 2, 2, 64, 128, 32, 32, Mask::none, true, false, inside});
      compare<TypeParam>({1, 2, 2, 70, 300, 17, 33, Mask::none, false, false, inside});
      compare<TypeParam>({1, 3, 1, 130, 140, 24, 20, Mask::none, true, false, inside});
      for (std::int64_t queries = 1; queries < 6; ++queries)  // few: the keys are not packed
        compare<TypeParam>({2, 4, 2, queries, 270, 19, 11, Mask::none, false, false, inside});
    }
  });
}

TYPED_TEST(AttentionTest, TakesEveryKindOfMask) {
  for (const Mask mask : {Mask::bytes, Mask::added, Mask::keys_only, Mask::transposed}) {
    for (const bool causal : {false, true}) {
      compare<TypeParam>({2, 2, 2, 3, 3, 5, 4, mask, causal});
      compare<TypeParam>({2, 4, 2, 67, 135, 9, 12, mask, causal, false, true});
      compare<TypeParam>({1, 1, 1, 129, 31, 16, 8, mask, causal});
      compare<TypeParam>({2, 2, 1, 66, 131, 8, 8, mask, causal, true});
    }
  }
}

TYPED_TEST(AttentionTest, DropsWeights) {
  compare<TypeParam>({2, 4, 2, 67, 135, 9, 12, Mask::none, false, true, true});
  compare<TypeParam>({1, 1, 1, 10, 10, 16, 8, Mask::none, true, true});
}

TYPED_TEST(AttentionTest, GivesZeroWhereNoKeyIsSeen) {
  for (const std::int64_t keys : {0, 3, 200}) {
    Call<TypeParam> call({.batch = 2,
                          .heads = 2,
                          .kv_heads = 1,
                          .queries = 3,
                          .keys = keys,
                          .features = 4,
                          .value_features = 5});
    call.shown.assign(static_cast<std::size_t>(keys), 0);
    call.set_mask(call.shown.data(), true, {0, 0, 0, 1});
    call.run_fused();
    for (const auto* result :
         {&call.out, &call.log_sum, &call.grad_query, &call.grad_key, &call.grad_value}) {
      EXPECT_EQ(*result, std::vector<TypeParam>(result->size()));
    }
  }
}

TYPED_TEST(AttentionTest, HandlesZeroSizes) {
  compare<TypeParam>(
      {.batch = 0, .heads = 2, .kv_heads = 2, .queries = 3, .keys = 4, .features = 2, .value_features = 2});
  compare<TypeParam>(
      {.heads = 2, .kv_heads = 2, .queries = 0, .keys = 4, .features = 2, .value_features = 2});
  compare<TypeParam>(
      {.heads = 2, .kv_heads = 2, .queries = 3, .keys = 4, .features = 0, .value_features = 2});
  compare<TypeParam>(
      {.heads = 2, .kv_heads = 2, .queries = 3, .keys = 4, .features = 2, .value_features = 0});
}

TYPED_TEST(AttentionTest, StandsLargeScoresAndPassesNaNOn) {
  Call<TypeParam> call({.queries = 3, .keys = 140, .features = 4, .value_features = 2});
  for (auto& x : call.query) x *= 1000;
  call.query[4] = NAN;
  call.run_fused();
  for (std::size_t i = 0; i < call.out.size(); ++i) EXPECT_EQ(std::isnan(call.out[i]), i == 2 || i == 3) << i;
}

TYPED_TEST(AttentionTest, ComputesOnlyTheGradientsAskedFor) {
  Call<TypeParam> all({2, 2, 1, 70, 140, 8, 8, Mask::bytes});
  all.run_fused();
  for (int which = 0; which < 7; ++which) {
    Call<TypeParam> some(all.c);
    some.run(attention, [&](const Attention& a, const HeadRows& out, const HeadRows& grad,
                            const void* log_sum, HeadRows q, HeadRows k, HeadRows v) {
      if ((which & 1) == 0) q.data = nullptr;
      if ((which & 2) == 0) k.data = nullptr;
      if ((which & 4) == 0) v.data = nullptr;
      attention_backward(a, out, grad, log_sum, q, k, v);
    });
    const auto expect = [](bool asked, const std::vector<TypeParam>& some_grad,
                           const std::vector<TypeParam>& all_grad) {
      if (asked)
        EXPECT_EQ(some_grad, all_grad);
      else
        for (const TypeParam x : some_grad) ASSERT_TRUE(std::isnan(x));
    };
    expect((which & 1) != 0, some.grad_query, all.grad_query);
    expect((which & 2) != 0, some.grad_key, all.grad_key);
    expect((which & 4) != 0, some.grad_value, all.grad_value);
  }
}

TEST(AttentionTest, SharesOneHeadAmongThreads) {
  for (const int count : {1, 2, 5}) {
    const Threads threads(count);
    compare<float>({1, 1, 1, 700, 500, 16, 16, Mask::none, true});
    compare<float>({1, 2, 1, 300, 600, 16, 16, Mask::keys_only});
  }
}

}  // namespace
}  // namespace mica::kernels
