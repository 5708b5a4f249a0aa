// Scaled dot-product attention that never stores its matrix of scores (Dao et al. 2022, FlashAttention).
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// A tensor (batch, heads, rows, columns) whose columns are contiguous; strides in elements.
struct HeadRows {
  void* data = nullptr;
  std::int64_t batch_stride = 0, head_stride = 0, row_stride = 0;
};

// softmax(scale * query key^T + mask) value, for each batch and head. Query head h reads the keys and values
// of head h / (heads / kv_heads). f32 and f64.
struct Attention {
  DType dtype = DType::f32;
  std::int64_t batch = 0, heads = 0, kv_heads = 0;  // heads is a multiple of kv_heads
  std::int64_t queries = 0, keys = 0, features = 0, value_features = 0;
  HeadRows query;  // (batch, heads, queries, features)
  HeadRows key;    // (batch, kv_heads, keys, features)
  HeadRows value;  // (batch, kv_heads, keys, value_features)
  double scale = 1;
  bool causal = false;  // query i sees keys 0..i only
  // (batch, heads, queries, keys) or null: of `dtype`, added to the scores, or bytes of which 0 hides a key.
  const void* mask = nullptr;
  bool mask_is_bytes = false;
  std::int64_t mask_strides[4] = {};
  // (batch, heads, queries, keys) contiguous, or null: weights whose byte is 0 become 0 (dropout), the others
  // are multiplied by kept_scale.
  const std::uint8_t* kept = nullptr;
  double kept_scale = 1;
};

// out: (batch, heads, queries, value_features). log_sum: (batch, heads, queries) contiguous, the logarithm of
// the sum of the exponentials of the scores, for backward. A query that sees no key gets 0 in both.
void attention(const Attention& a, const HeadRows& out, void* log_sum);

// Gradients in the shapes of query, key and value; those whose data is null are not computed.
void attention_backward(const Attention& a, const HeadRows& out, const HeadRows& grad_out,
                        const void* log_sum, const HeadRows& grad_query, const HeadRows& grad_key,
                        const HeadRows& grad_value);

namespace reference {
void attention(const Attention& a, const HeadRows& out, void* log_sum);
void attention_backward(const Attention& a, const HeadRows& out, const HeadRows& grad_out,
                        const void* log_sum, const HeadRows& grad_query, const HeadRows& grad_key,
                        const HeadRows& grad_value);
}  // namespace reference

}  // namespace mica::kernels
