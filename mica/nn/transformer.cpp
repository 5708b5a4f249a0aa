#include <limits>
#include <utility>

#include <fmt/format.h>

#include <mica/nn/init.h>
#include <mica/nn/transformer.h>
#include <mica/ops/activation.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {

namespace {

MultiheadAttentionOptions attention_options(const TransformerLayerOptions& o) {
  return {.dropout = o.dropout, .bias = o.bias, .batch_first = o.batch_first, .dtype = o.dtype};
}
LinearOptions linear_options(const TransformerLayerOptions& o) { return {.bias = o.bias, .dtype = o.dtype}; }
LayerNormOptions norm_options(const TransformerLayerOptions& o) {
  return {.eps = o.layer_norm_eps, .bias = o.bias, .dtype = o.dtype};
}

TransformerLayerOptions layer_options(const TransformerOptions& o) {
  return {.dim_feedforward = o.dim_feedforward,
          .dropout = o.dropout,
          .activation = o.activation,
          .layer_norm_eps = o.layer_norm_eps,
          .batch_first = o.batch_first,
          .norm_first = o.norm_first,
          .bias = o.bias,
          .dtype = o.dtype};
}

template <class Layer> std::vector<Layer> copies(const char* type, const Layer& layer, std::int64_t count) {
  detail::forbid_construction_inside_forward(type);
  if (count < 0) throw Error(type, fmt::format("num_layers {} must not be negative", count));
  std::vector<Layer> layers;
  layers.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) layers.push_back(layer.clone());
  return layers;
}

}  // namespace

TransformerActivation::TransformerActivation(std::string which) : name(std::move(which)) {
  if (name == "relu" || name == "gelu") return;
  throw Error("TransformerActivation", fmt::format("there is no activation named {}", name),
              "\"relu\", \"gelu\", or a function from a Tensor to a Tensor");
}

namespace detail {

TransformerLayer::TransformerLayer(const char* type, const TransformerLayerOptions& o)
    : activation(o.activation.name), activation_function(o.activation.function), norm_first(o.norm_first) {
  forbid_construction_inside_forward(type);
}

Tensor TransformerLayer::activate(Tensor x) const {
  if (activation_function) return activation_function(std::move(x));
  if (activation == "relu") return relu(std::move(x));
  if (activation == "gelu") return gelu(std::move(x));
  throw Error("TransformerLayer", "the function that was its activation is missing",
              "a file does not hold functions: construct the layer with it, then load(model, path)");
}

}  // namespace detail

// ---- encoder

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const TransformerLayerOptions& o)
    : TransformerLayer("nn::TransformerEncoderLayer", o),
      self_attn(d_model, nhead, attention_options(o)),
      linear1(d_model, o.dim_feedforward, linear_options(o)),
      dropout(o.dropout),
      linear2(o.dim_feedforward, d_model, linear_options(o)),
      norm1(d_model, norm_options(o)),
      norm2(d_model, norm_options(o)),
      dropout1(o.dropout),
      dropout2(o.dropout) {}

// An empty one for clone(), which sets all members.
TransformerEncoderLayer::TransformerEncoderLayer() : TransformerEncoderLayer(1, 1, {.dim_feedforward = 1}) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& src, const TransformerEncoderLayerCall& call) {
  return Module::operator()(src, call);
}

Tensor TransformerEncoderLayer::forward(Tensor x, const TransformerEncoderLayerCall& call) {
  const auto attend = [&](const Tensor& in) {
    auto [y, weights] = self_attn(in, in, in,
                                  {.key_padding_mask = call.src_key_padding_mask,
                                   .need_weights = false,
                                   .attn_mask = call.src_mask,
                                   .is_causal = call.is_causal});
    return dropout1(y);
  };
  const auto feed_forward = [&](const Tensor& in) {
    return dropout2(linear2(dropout(activate(linear1(in)))));
  };
  if (norm_first) {
    x = x + attend(norm1(x));
    return x + feed_forward(norm2(x));
  }
  x = norm1(x + attend(x));
  return norm2(x + feed_forward(x));
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers,
                                       std::optional<LayerNorm> final_norm)
    : layers(copies("nn::TransformerEncoder", layer, num_layers)), norm(std::move(final_norm)) {}

Tensor TransformerEncoder::operator()(const Tensor& src, const TransformerEncoderCall& call) {
  return Module::operator()(src, call);
}

Tensor TransformerEncoder::forward(Tensor x, const TransformerEncoderCall& call) {
  for (TransformerEncoderLayer& layer : layers) {
    x = layer(x, {.src_mask = call.mask,
                  .src_key_padding_mask = call.src_key_padding_mask,
                  .is_causal = call.is_causal});
  }
  return norm ? (*norm)(x) : x;
}

// ---- decoder

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const TransformerLayerOptions& o)
    : TransformerLayer("nn::TransformerDecoderLayer", o),
      self_attn(d_model, nhead, attention_options(o)),
      multihead_attn(d_model, nhead, attention_options(o)),
      linear1(d_model, o.dim_feedforward, linear_options(o)),
      dropout(o.dropout),
      linear2(o.dim_feedforward, d_model, linear_options(o)),
      norm1(d_model, norm_options(o)),
      norm2(d_model, norm_options(o)),
      norm3(d_model, norm_options(o)),
      dropout1(o.dropout),
      dropout2(o.dropout),
      dropout3(o.dropout) {}

TransformerDecoderLayer::TransformerDecoderLayer() : TransformerDecoderLayer(1, 1, {.dim_feedforward = 1}) {}

Tensor TransformerDecoderLayer::operator()(const Tensor& tgt, const Tensor& memory,
                                           const TransformerDecoderLayerCall& call) {
  return Module::operator()(tgt, memory, call);
}

Tensor TransformerDecoderLayer::forward(Tensor x, const Tensor& memory,
                                        const TransformerDecoderLayerCall& call) {
  const auto attend = [&](const Tensor& in) {
    auto [y, weights] = self_attn(in, in, in,
                                  {.key_padding_mask = call.tgt_key_padding_mask,
                                   .need_weights = false,
                                   .attn_mask = call.tgt_mask,
                                   .is_causal = call.tgt_is_causal});
    return dropout1(y);
  };
  const auto attend_to_memory = [&](const Tensor& in) {
    auto [y, weights] = multihead_attn(in, memory, memory,
                                       {.key_padding_mask = call.memory_key_padding_mask,
                                        .need_weights = false,
                                        .attn_mask = call.memory_mask,
                                        .is_causal = call.memory_is_causal});
    return dropout2(y);
  };
  const auto feed_forward = [&](const Tensor& in) {
    return dropout3(linear2(dropout(activate(linear1(in)))));
  };
  if (norm_first) {
    x = x + attend(norm1(x));
    x = x + attend_to_memory(norm2(x));
    return x + feed_forward(norm3(x));
  }
  x = norm1(x + attend(x));
  x = norm2(x + attend_to_memory(x));
  return norm3(x + feed_forward(x));
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers,
                                       std::optional<LayerNorm> final_norm)
    : layers(copies("nn::TransformerDecoder", layer, num_layers)), norm(std::move(final_norm)) {}

Tensor TransformerDecoder::operator()(const Tensor& tgt, const Tensor& memory,
                                      const TransformerDecoderLayerCall& call) {
  return Module::operator()(tgt, memory, call);
}

Tensor TransformerDecoder::forward(Tensor x, const Tensor& memory, const TransformerDecoderLayerCall& call) {
  for (TransformerDecoderLayer& layer : layers) x = layer(x, memory, call);
  return norm ? (*norm)(x) : x;
}

// ---- both

Transformer::Transformer(const TransformerOptions& o)
    : d_model(o.d_model),
      nhead(o.nhead),
      batch_first(o.batch_first),
      encoder(TransformerEncoderLayer(o.d_model, o.nhead, layer_options(o)), o.num_encoder_layers,
              LayerNorm(o.d_model, norm_options(layer_options(o)))),
      decoder(TransformerDecoderLayer(o.d_model, o.nhead, layer_options(o)), o.num_decoder_layers,
              LayerNorm(o.d_model, norm_options(layer_options(o)))) {
  reset_parameters();
}

void Transformer::reset_parameters() {
  for (const Tensor& parameter : parameters())
    if (parameter.dim() > 1) init::xavier_uniform_(parameter);
}

Tensor Transformer::generate_square_subsequent_mask(std::int64_t size, DType dtype) {
  return full({size, size}, -std::numeric_limits<double>::infinity(), dtype).triu(1);
}

Tensor Transformer::operator()(const Tensor& src, const Tensor& tgt, const TransformerCall& call) {
  return Module::operator()(src, tgt, call);
}

Tensor Transformer::forward(const Tensor& src, const Tensor& tgt, const TransformerCall& call) {
  const int batch_dim = batch_first ? 0 : 1;
  const bool same_rank = src.dim() == tgt.dim() && (src.dim() == 2 || src.dim() == 3);
  if (!same_rank || (src.dim() == 3 && src.size(batch_dim) != tgt.size(batch_dim)) ||
      src.size(-1) != d_model || tgt.size(-1) != d_model) {
    throw Error(
        "Transformer",
        fmt::format("src {} and tgt {} do not fit", mica::to_string(src.sizes()),
                    mica::to_string(tgt.sizes())),
        fmt::format(fmt::runtime(batch_first ? "src is (N, S, {}), tgt (N, T, {}), or both without N"
                                             : "src is (S, N, {}), tgt (T, N, {}), or both without N"),
                    d_model, d_model));
  }
  const Tensor memory = encoder(src, {.mask = call.src_mask,
                                      .src_key_padding_mask = call.src_key_padding_mask,
                                      .is_causal = call.src_is_causal});
  return decoder(tgt, memory,
                 {.tgt_mask = call.tgt_mask,
                  .memory_mask = call.memory_mask,
                  .tgt_key_padding_mask = call.tgt_key_padding_mask,
                  .memory_key_padding_mask = call.memory_key_padding_mask,
                  .tgt_is_causal = call.tgt_is_causal,
                  .memory_is_causal = call.memory_is_causal});
}

}  // namespace mica::nn
