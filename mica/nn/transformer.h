// Transformers (Vaswani et al. 2017).
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/nn/attention.h>
#include <mica/nn/dropout.h>
#include <mica/nn/norm.h>

namespace mica::nn {

// What a layer has between its two Linears: "relu", "gelu", or any function of a tensor, which however no
// file can hold.
class TransformerActivation {
 public:
  TransformerActivation(const char* name) : TransformerActivation(std::string(name)) {}
  // Errors: another name.
  TransformerActivation(std::string name);
  template <std::invocable<Tensor> F>
    requires(!std::same_as<std::remove_cvref_t<F>, TransformerActivation>)
  TransformerActivation(F function) : name("custom"), function(std::move(function)) {}

  std::string name;
  AnyFunction<Tensor(Tensor)> function;
};

struct TransformerLayerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  TransformerActivation activation = "relu";
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  // (N, L, E) instead of (L, N, E)
  bool norm_first = false;   // x + f(norm(x)) instead of norm(x + f(x))
  bool bias = true;
  DType dtype = f32;
};

namespace detail {
// What the two kinds of layers share.
class TransformerLayer : public Module {
 public:
  std::string activation = "relu";
  AnyFunction<Tensor(Tensor)> activation_function;
  bool norm_first = false;
  std::string extra_repr() const { return {}; }

 protected:
  TransformerLayer() = default;
  TransformerLayer(const char* type, const TransformerLayerOptions& options);
  Tensor activate(Tensor x) const;
};
}  // namespace detail

// Masks as in MultiheadAttention: true is ignored, numbers are added. is_causal: position i sees 0..i; with a
// mask, a hint that it says just that. It is faster than such a mask.
struct TransformerEncoderLayerCall {
  Tensor src_mask = {};              // (L, L) or (N * nhead, L, L)
  Tensor src_key_padding_mask = {};  // (N, L)
  bool is_causal = false;
};

// Self-attention, then two Linears, each with a residual connection and a LayerNorm
// (torch.nn.TransformerEncoderLayer). Shapes: (L, N, E), (N, L, E) with batch_first, or (L, E), unchanged.
class TransformerEncoderLayer : public detail::TransformerLayer {
 public:
  // Errors: as MultiheadAttention; a dim_feedforward that is negative.
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                          const TransformerLayerOptions& options = {});

  MultiheadAttention self_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;

  Tensor operator()(const Tensor& src, const TransformerEncoderLayerCall& call = {});
  NN_MEMBERS(activation, activation_function, norm_first, self_attn, linear1, dropout, linear2, norm1, norm2,
             dropout1, dropout2)

 private:
  friend Module;
  TransformerEncoderLayer();
  Tensor forward(Tensor src, const TransformerEncoderLayerCall& call = {});
};

struct TransformerDecoderLayerCall {
  Tensor tgt_mask = {};                                            // (T, T) or (N * nhead, T, T)
  Tensor memory_mask = {};                                         // (T, S) or (N * nhead, T, S)
  Tensor tgt_key_padding_mask = {}, memory_key_padding_mask = {};  // (N, T), (N, S)
  bool tgt_is_causal = false, memory_is_causal = false;
};

// Self-attention, attention to `memory`, then two Linears, each with a residual connection and a LayerNorm
// (torch.nn.TransformerDecoderLayer). Shapes: tgt (T, N, E), memory (S, N, E) -> (T, N, E); N first with
// batch_first, or absent.
class TransformerDecoderLayer : public detail::TransformerLayer {
 public:
  // Errors: as TransformerEncoderLayer.
  TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                          const TransformerLayerOptions& options = {});

  MultiheadAttention self_attn, multihead_attn;
  Linear linear1;
  Dropout dropout;
  Linear linear2;
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;

  Tensor operator()(const Tensor& tgt, const Tensor& memory, const TransformerDecoderLayerCall& call = {});
  NN_MEMBERS(activation, activation_function, norm_first, self_attn, multihead_attn, linear1, dropout,
             linear2, norm1, norm2, norm3, dropout1, dropout2, dropout3)

 private:
  friend Module;
  TransformerDecoderLayer();
  Tensor forward(Tensor tgt, const Tensor& memory, const TransformerDecoderLayerCall& call);
};

struct TransformerEncoderCall {
  Tensor mask = {};
  Tensor src_key_padding_mask = {};
  bool is_causal = false;
};

// A stack of layers, all of which start as copies of the one given (torch.nn.TransformerEncoder), and a norm
// at the end.
class TransformerEncoder : public Module {
 public:
  // Errors: num_layers is negative.
  TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers,
                     std::optional<LayerNorm> norm = std::nullopt);

  std::vector<TransformerEncoderLayer> layers;
  std::optional<LayerNorm> norm;

  Tensor operator()(const Tensor& src, const TransformerEncoderCall& call = {});
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(layers, norm)

 private:
  friend Module;
  friend class Transformer;
  TransformerEncoder() = default;
  Tensor forward(Tensor src, const TransformerEncoderCall& call = {});
};

// A stack of decoder layers (torch.nn.TransformerDecoder).
class TransformerDecoder : public Module {
 public:
  // Errors: num_layers is negative.
  TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers,
                     std::optional<LayerNorm> norm = std::nullopt);

  std::vector<TransformerDecoderLayer> layers;
  std::optional<LayerNorm> norm;

  Tensor operator()(const Tensor& tgt, const Tensor& memory, const TransformerDecoderLayerCall& call = {});
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(layers, norm)

 private:
  friend Module;
  friend class Transformer;
  TransformerDecoder() = default;
  Tensor forward(Tensor tgt, const Tensor& memory, const TransformerDecoderLayerCall& call);
};

struct TransformerOptions {
  std::int64_t d_model = 512, nhead = 8, num_encoder_layers = 6, num_decoder_layers = 6,
               dim_feedforward = 2048;
  double dropout = 0.1;
  TransformerActivation activation = "relu";
  double layer_norm_eps = 1e-5;
  bool batch_first = false, norm_first = false, bias = true;
  DType dtype = f32;
};

struct TransformerCall {
  Tensor src_mask = {}, tgt_mask = {}, memory_mask = {};
  Tensor src_key_padding_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool src_is_causal = false, tgt_is_causal = false, memory_is_causal = false;
};

// Encoder and decoder, their weights drawn by init::xavier_uniform_ (torch.nn.Transformer).
//   nn::Transformer model{{.d_model = 64, .nhead = 4}};
//   Tensor y = model(src, tgt, {.tgt_is_causal = true});
// Shapes: src (S, N, E), tgt (T, N, E) -> (T, N, E); N first with batch_first, or absent.
class Transformer : public Module {
 public:
  // Errors: as the layers.
  explicit Transformer(const TransformerOptions& options);

  std::int64_t d_model = 512, nhead = 8;
  bool batch_first = false;
  TransformerEncoder encoder;
  TransformerDecoder decoder;

  Tensor operator()(const Tensor& src, const Tensor& tgt, const TransformerCall& call = {});
  // (size, size): 0 on and below the diagonal, -inf above.
  static Tensor generate_square_subsequent_mask(std::int64_t size, DType dtype = f32);
  void reset_parameters();
  std::string extra_repr() const { return {}; }
  NN_MEMBERS(d_model, nhead, batch_first, encoder, decoder)

 private:
  friend Module;
  Transformer() = default;
  Tensor forward(const Tensor& src, const Tensor& tgt, const TransformerCall& call);
};

}  // namespace mica::nn
