#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/rebuild.h>
#include <mica/nn/transformer.h>
#include <mica/ops/activation.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Tensors = std::vector<Tensor>;

constexpr const char* family = "transformer";

void follow_encoder_layer(const std::string& name, std::int64_t heads, TransformerLayerOptions options) {
  follow_golden(
      family, name,
      [&](DType dtype) {
        options.dtype = dtype;
        options.dim_feedforward = 6;
        return TransformerEncoderLayer(4, heads, options);
      },
      [](TransformerEncoderLayer& layer, const Tensors& x) {
        return Tensors{layer(x.at(0), {.src_mask = x.at(1), .src_key_padding_mask = x.at(2)})};
      });
}

const auto call_decoder = [](auto& decoder, const Tensors& x) {
  return Tensors{decoder(x.at(0), x.at(1),
                         {.tgt_mask = x.at(2),
                          .memory_mask = x.at(3),
                          .tgt_key_padding_mask = x.at(4),
                          .memory_key_padding_mask = x.at(5)})};
};
const auto call_encoder = [](TransformerEncoder& encoder, const Tensors& x) {
  return Tensors{encoder(x.at(0), {.mask = x.at(1), .src_key_padding_mask = x.at(2)})};
};
const auto call_transformer = [](Transformer& model, const Tensors& x) {
  return Tensors{model(x.at(0), x.at(1),
                       {.src_mask = x.at(2),
                        .tgt_mask = x.at(3),
                        .memory_mask = x.at(4),
                        .src_key_padding_mask = x.at(5),
                        .tgt_key_padding_mask = x.at(6),
                        .memory_key_padding_mask = x.at(7)})};
};

void follow_decoder_layer(const std::string& name, TransformerLayerOptions options) {
  follow_golden(
      family, name,
      [&](DType dtype) {
        options.dtype = dtype;
        options.dim_feedforward = 6;
        return TransformerDecoderLayer(4, 2, options);
      },
      call_decoder);
}

TEST(TransformerEncoderLayer, FollowsPyTorch) {
  follow_encoder_layer("encoder layer", 2, {.dropout = 0});
  follow_encoder_layer("encoder layer norm first", 2,
                       {.dropout = 0, .activation = "gelu", .batch_first = true, .norm_first = true});
  follow_encoder_layer(
      "encoder layer of a function", 1,
      {.dropout = 0, .activation = [](const Tensor& x) { return tanh(x); }, .layer_norm_eps = 0.1});
  follow_encoder_layer("encoder layer with dropout", 2, {.dropout = 0.3});
}

TEST(TransformerDecoderLayer, FollowsPyTorch) {
  follow_decoder_layer("decoder layer", {.dropout = 0});
  follow_decoder_layer("decoder layer norm first",
                       {.dropout = 0.2, .activation = "gelu", .batch_first = true, .norm_first = true});
}

TEST(TransformerEncoder, FollowsPyTorch) {
  const auto make = [](DType dtype, bool norm_first) {
    return TransformerEncoderLayer(
        4, 2, {.dim_feedforward = 5, .dropout = 0, .norm_first = norm_first, .dtype = dtype});
  };
  follow_golden(
      family, "encoder", [&](DType dtype) { return TransformerEncoder(make(dtype, false), 2); },
      call_encoder);
  follow_golden(
      family, "encoder with norm",
      [&](DType dtype) { return TransformerEncoder(make(dtype, true), 2, LayerNorm(4, {.dtype = dtype})); },
      call_encoder);
}

TEST(TransformerDecoder, FollowsPyTorch) {
  follow_golden(
      family, "decoder",
      [&](DType dtype) {
        const TransformerDecoderLayer layer(4, 2, {.dim_feedforward = 5, .dropout = 0, .dtype = dtype});
        return TransformerDecoder(layer, 2, LayerNorm(4, {.dtype = dtype}));
      },
      call_decoder);
}

TEST(Transformer, FollowsPyTorch) {
  follow_golden(
      family, "transformer",
      [](DType dtype) {
        return Transformer({.d_model = 4,
                            .nhead = 2,
                            .num_encoder_layers = 1,
                            .num_decoder_layers = 2,
                            .dim_feedforward = 5,
                            .dropout = 0,
                            .dtype = dtype});
      },
      call_transformer);
  follow_golden(
      family, "transformer batch first",
      [](DType dtype) {
        return Transformer({.d_model = 4,
                            .nhead = 2,
                            .num_encoder_layers = 2,
                            .num_decoder_layers = 1,
                            .dim_feedforward = 5,
                            .activation = "gelu",
                            .batch_first = true,
                            .norm_first = true,
                            .dtype = dtype});
      },
      call_transformer);
}

TEST(Transformer, PrintsAsPyTorch) {
  expect_prints(family,
                {{"encoder layer", TransformerEncoderLayer(8, 2).to_string()},
                 {"decoder layer",
                  TransformerDecoderLayer(8, 2, {.dim_feedforward = 16, .dropout = 0.25, .norm_first = true})
                      .to_string()},
                 {"encoder", TransformerEncoder(TransformerEncoderLayer(8, 2), 1).to_string()},
                 {"transformer", Transformer({.d_model = 8,
                                              .nhead = 2,
                                              .num_encoder_layers = 1,
                                              .num_decoder_layers = 1,
                                              .dim_feedforward = 16})
                                     .to_string()}});
}

TEST(Transformer, TakesIsCausalForASquareMask) {
  EXPECT_TRUE(equal(exp(Transformer::generate_square_subsequent_mask(3, f64)), ones({3, 3}, f64).tril()));
  Transformer model({.d_model = 8,
                     .nhead = 2,
                     .num_encoder_layers = 1,
                     .num_decoder_layers = 1,
                     .dim_feedforward = 8,
                     .dtype = f64});
  model.eval();
  const Tensor src = randn({5, 2, 8}, f64), tgt = randn({4, 2, 8}, f64);
  const Tensor masked = model(src, tgt,
                              {.src_mask = Transformer::generate_square_subsequent_mask(5, f64),
                               .tgt_mask = Transformer::generate_square_subsequent_mask(4, f64)});
  EXPECT_TRUE(
      allclose(model(src, tgt, {.src_is_causal = true, .tgt_is_causal = true}), masked, 1e-12, 1e-12));
  EXPECT_FALSE(allclose(model(src, tgt), masked));
}

TEST(Transformer, LayersOfAStackStartEqualAndLearnApart) {
  TransformerEncoder encoder(TransformerEncoderLayer(4, 2, {.dim_feedforward = 4}), 2);
  EXPECT_TRUE(equal(encoder.layers[0].linear1.weight, encoder.layers[1].linear1.weight));
  EXPECT_EQ(encoder.parameters().size(), 24U);
  encoder.layers[0].linear1.weight.detach().zero_();
  EXPECT_FALSE(equal(encoder.layers[0].linear1.weight, encoder.layers[1].linear1.weight));
}

TEST(Transformer, WithoutBiasHasNone) {
  const Transformer model({.d_model = 4,
                           .nhead = 2,
                           .num_encoder_layers = 1,
                           .num_decoder_layers = 1,
                           .dim_feedforward = 4,
                           .bias = false});
  for (const auto& [name, parameter] : model.named_parameters()) EXPECT_THAT(name, Not(HasSubstr("bias")));
  EXPECT_EQ(model.parameters().size(), 2U + 2 + 2 + 4 + 2 + 3 + 2);
}

TEST(Transformer, IsClonedWithItsFunction) {
  TransformerEncoderLayer layer(
      4, 2, {.dim_feedforward = 4, .dropout = 0, .activation = [](const Tensor& x) { return x * x; }});
  TransformerEncoderLayer copy = layer.clone();
  const Tensor x = randn({3, 4});
  EXPECT_TRUE(equal(copy(x), layer(x)));
  Transformer model({.d_model = 4,
                     .nhead = 2,
                     .num_encoder_layers = 1,
                     .num_decoder_layers = 1,
                     .dim_feedforward = 4,
                     .dropout = 0});
  Transformer twin = model.clone();
  EXPECT_TRUE(equal(twin(x, x), model(x, x)));
}

struct Classifier : Module {
  int dim = 8, depth = 1;
  TransformerEncoder encoder{TransformerEncoderLayer{dim, 2, {.dim_feedforward = 8, .activation = "gelu"}},
                             depth};
  Linear head{dim, 3};
  Tensor forward(const Tensor& x) { return head(encoder(x).mean(0)); }
};

TEST(Transformer, IsRebuiltInsideAStruct) {
  Classifier model{.dim = 4, .depth = 3};
  Classifier same = rebuild<Classifier>(blueprint(model));
  same.load_state_dict(model.state_dict());
  const Tensor x = randn({5, 2, 4});
  EXPECT_TRUE(equal(same.eval()(x), model.eval()(x)));
}

TEST(Transformer, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { TransformerEncoderLayer(4, 3); }, message("num_heads 3"));
  EXPECT_THAT([] { TransformerEncoderLayer(4, 2, {.activation = "swish"}); },
              message("no activation named swish"));
  EXPECT_THAT([] { TransformerEncoder(TransformerEncoderLayer(4, 2), -1); }, message("num_layers -1"));
  Transformer model(
      {.d_model = 4, .nhead = 2, .num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 4});
  EXPECT_THAT([&] { model(ones({3, 2, 4}), ones({3, 1, 4})); }, message("src [3, 2, 4] and tgt [3, 1, 4]"));
  EXPECT_THAT([&] { model(ones({3, 2, 4}), ones({3, 2, 5})); }, message("src is (S, N, 4)"));
  EXPECT_THAT([&] { model(ones({3, 2, 4}), ones({3, 2, 4}), {.tgt_mask = ones({2, 2})}); },
              message("in Transformer.decoder.layers.0.self_attn (MultiheadAttention)"));
}

}  // namespace
}  // namespace mica::nn
