// Attention.
#pragma once

#include <array>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

struct AttentionOptions {
  Tensor attn_mask = {};          // bool: true takes part; floating: added to the scores. Broadcasts to them
  double dropout_p = 0;           // drops weights, whenever it is not 0
  bool is_causal = false;         // query i sees keys 0..i only
  std::optional<double> scale{};  // of the scores; 1 / sqrt(E) if not given
  bool enable_gqa = false;        // query heads share keys and values: head h those of h / (H / Hkv)
};

// softmax(scale * query key^T + mask) value (nn.functional.scaled_dot_product_attention; Vaswani et al.
// 2017). A query that sees no key gets 0. The scores are never stored, so memory grows with L + S; with
// dropout a byte is kept for each, and second derivatives and gradients of the mask compute them after all.
// Shapes: query (..., L, E), key (..., S, E), value (..., S, Ev) -> (..., L, Ev); leading dimensions
// broadcast. The mask broadcasts to (..., L, S). With enable_gqa: query (..., H, L, E), key and value
// (..., Hkv, S, E), H a multiple of Hkv.
// Errors: dtypes that differ or are not floating; a mask together with is_causal; shapes that do not fit.
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {});

namespace detail {

// What nn::MultiheadAttention asks for beside: a mask and is_causal together.
Tensor attention(const char* name, const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionOptions& options);
// The result and the weights, after dropout, out of differentiable operations.
std::array<Tensor, 2> attention_with_weights(const char* name, const Tensor& query, const Tensor& key,
                                             const Tensor& value, const AttentionOptions& options);

// Equal parts of x along its last dimension. Unlike several calls of narrow(), they make one gradient.
std::array<Tensor, 2> halves(const Tensor& x);
std::array<Tensor, 3> thirds(const Tensor& x);

}  // namespace detail

}  // namespace mica
