// Attention layers.
#pragma once

#include <array>
#include <optional>
#include <tuple>

#include <mica/nn/linear.h>

namespace mica::nn {

class MultiheadAttention;

namespace detail {
// A Linear under the name that PyTorch prints for it inside of MultiheadAttention.
class NonDynamicallyQuantizableLinear : public Linear {
 public:
  using Linear::Linear;
  NN_MEMBERS(in_features, out_features, weight, bias)

 private:
  friend Module;
  friend class nn::MultiheadAttention;
  NonDynamicallyQuantizableLinear() = default;
};
}  // namespace detail

struct MultiheadAttentionOptions {
  double dropout = 0;                          // of the weights, while training
  bool bias = true;                            // of the projections
  bool add_bias_kv = false;                    // one more key and value, learned
  bool add_zero_attn = false;                  // one more key and value, of zeros
  std::optional<std::int64_t> kdim{}, vdim{};  // features of keys and values; embed_dim if not given
  bool batch_first = false;                    // (N, L, E) instead of (L, N, E)
  DType dtype = f32;
};

// The keywords of a call: attn(q, k, v, {.attn_mask = mask, .need_weights = false}).
struct MultiheadAttentionCall {
  Tensor key_padding_mask = {};      // (N, S), bool: true is ignored; floating: added to the scores
  bool need_weights = true;          // false is faster, and its memory grows with L + S, not with L S
  Tensor attn_mask = {};             // (L, S) or (N * num_heads, L, S), of the same two kinds
  bool average_attn_weights = true;  // over the heads
  bool is_causal = false;  // query i sees keys 0..i; with an attn_mask, a hint that it says just that
};

// Attention in several subspaces at once: softmax(q k^T / sqrt(E / num_heads)) v for each head, with linear
// projections before and after (torch.nn.MultiheadAttention; Vaswani et al. 2017). The call returns the
// result and the weights, undefined without need_weights. A query that sees no key gets 0 for weights, where
// PyTorch has NaN. Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> (L, N, E), weights (N, L,
// S) or, not averaged, (N, num_heads, L, S). With batch_first: (N, L, E)... Without a batch: (L, E)... -> (L,
// E), (L, S).
class MultiheadAttention : public Module {
 public:
  // Errors: sizes that are not positive, num_heads that does not divide embed_dim, dropout outside [0, 1].
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                     const MultiheadAttentionOptions& options = {});

  std::int64_t embed_dim = 0, num_heads = 0, kdim = 0, vdim = 0;
  double dropout = 0;
  bool add_zero_attn = false, batch_first = false;
  Parameter in_proj_weight;                               // (3 E, E), if kdim and vdim are E
  Parameter q_proj_weight, k_proj_weight, v_proj_weight;  // else (E, E), (E, kdim), (E, vdim)
  Parameter in_proj_bias;                                 // (3 E)
  Parameter bias_k, bias_v;                               // (1, 1, E) with add_bias_kv
  detail::NonDynamicallyQuantizableLinear out_proj;
  Mode mode;

  std::tuple<Tensor, Tensor> operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                        const MultiheadAttentionCall& call = {});

  void reset_parameters();
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(embed_dim, num_heads, kdim, vdim, dropout, add_zero_attn, batch_first, in_proj_weight,
             q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, bias_v, out_proj, mode)

 private:
  friend Module;
  MultiheadAttention() = default;
  std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                     const MultiheadAttentionCall& call);
  std::array<Tensor, 3> project(const Tensor& query, const Tensor& key, const Tensor& value) const;
};

}  // namespace mica::nn
