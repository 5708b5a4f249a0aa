#include <fmt/format.h>

#include <mica/nn/embedding.h>
#include <mica/nn/init.h>

namespace mica::nn {

namespace {

void check_sizes(const char* type, std::int64_t count, std::int64_t dim) {
  if (count < 0 || dim < 0) {
    throw Error(type, fmt::format("num_embeddings {} and embedding_dim {} must not be negative", count, dim));
  }
}

// Counted from the start.
std::optional<std::int64_t> checked_padding(const char* type, std::optional<std::int64_t> padding,
                                            std::int64_t count) {
  if (!padding) return padding;
  if (*padding < -count || *padding >= count)
    throw Error(type, fmt::format("padding_idx {} is out of range for {} rows", *padding, count));
  return *padding < 0 ? *padding + count : *padding;
}

void check_table(const char* type, const Tensor& embeddings) {
  if (embeddings.dim() == 2) return;
  throw Error(type, fmt::format("embeddings of shape {} are no table", mica::to_string(embeddings.sizes())),
              "expected (num_embeddings, embedding_dim)");
}

void draw(Parameter& weight, std::optional<std::int64_t> padding) {
  init::normal_(weight);
  if (padding) init::zeros_(weight.detach()[*padding]);
}

// What both print of limits and scales.
std::string limits(std::optional<double> max_norm, double norm_type, bool scale_grad_by_freq) {
  std::string out;
  if (max_norm) out += fmt::format(", max_norm={}", detail::show(*max_norm));
  if (norm_type != 2) out += fmt::format(", norm_type={}", detail::show(norm_type));
  if (scale_grad_by_freq) out += ", scale_grad_by_freq=True";
  return out;
}

}  // namespace

void Embedding::configure(std::int64_t count, std::int64_t dim, const EmbeddingOptions& o) {
  detail::forbid_construction_inside_forward("nn::Embedding");
  check_sizes("Embedding", count, dim);
  num_embeddings = count;
  embedding_dim = dim;
  padding_idx = checked_padding("Embedding", o.padding_idx, count);
  max_norm = o.max_norm;
  norm_type = o.norm_type;
  scale_grad_by_freq = o.scale_grad_by_freq;
}

Embedding::Embedding(std::int64_t count, std::int64_t dim, const EmbeddingOptions& o) {
  configure(count, dim, o);
  weight = Parameter(empty({count, dim}, o.dtype));
  reset_parameters();
}

Embedding Embedding::from_pretrained(const Tensor& embeddings, bool freeze, const EmbeddingOptions& o) {
  check_table("Embedding::from_pretrained", embeddings);
  Embedding layer;
  layer.configure(embeddings.size(0), embeddings.size(1), o);
  layer.weight = Parameter(embeddings, !freeze);
  return layer;
}

void Embedding::reset_parameters() { draw(weight, padding_idx); }

Tensor Embedding::forward(const Tensor& indices) {
  return embedding(indices, weight,
                   {.padding_idx = padding_idx,
                    .max_norm = max_norm,
                    .norm_type = norm_type,
                    .scale_grad_by_freq = scale_grad_by_freq});
}

std::string Embedding::extra_repr() const {
  std::string out = fmt::format("{}, {}", num_embeddings, embedding_dim);
  if (padding_idx) out += fmt::format(", padding_idx={}", *padding_idx);
  return out + limits(max_norm, norm_type, scale_grad_by_freq);
}

void EmbeddingBag::configure(std::int64_t count, std::int64_t dim, const EmbeddingBagOptions& o) {
  detail::forbid_construction_inside_forward("nn::EmbeddingBag");
  check_sizes("EmbeddingBag", count, dim);
  num_embeddings = count;
  embedding_dim = dim;
  max_norm = o.max_norm;
  norm_type = o.norm_type;
  scale_grad_by_freq = o.scale_grad_by_freq;
  mode = o.mode;
  include_last_offset = o.include_last_offset;
  padding_idx = checked_padding("EmbeddingBag", o.padding_idx, count);
}

EmbeddingBag::EmbeddingBag(std::int64_t count, std::int64_t dim, const EmbeddingBagOptions& o) {
  configure(count, dim, o);
  weight = Parameter(empty({count, dim}, o.dtype));
  reset_parameters();
}

EmbeddingBag EmbeddingBag::from_pretrained(const Tensor& embeddings, bool freeze,
                                           const EmbeddingBagOptions& o) {
  check_table("EmbeddingBag::from_pretrained", embeddings);
  EmbeddingBag layer;
  layer.configure(embeddings.size(0), embeddings.size(1), o);
  layer.weight = Parameter(embeddings, !freeze);
  return layer;
}

void EmbeddingBag::reset_parameters() { draw(weight, padding_idx); }

Tensor EmbeddingBag::forward(const Tensor& indices, const Tensor& offsets, const Tensor& per_sample_weights) {
  return embedding_bag(indices, weight,
                       {.offsets = offsets,
                        .per_sample_weights = per_sample_weights,
                        .max_norm = max_norm,
                        .norm_type = norm_type,
                        .scale_grad_by_freq = scale_grad_by_freq,
                        .mode = mode,
                        .include_last_offset = include_last_offset,
                        .padding_idx = padding_idx});
}

std::string EmbeddingBag::extra_repr() const {
  const char* name = mode == BagMode::sum ? "sum" : mode == BagMode::mean ? "mean" : "max";
  std::string out = fmt::format("{}, {}{}, mode={}", num_embeddings, embedding_dim,
                                limits(max_norm, norm_type, scale_grad_by_freq), name);
  if (padding_idx) out += fmt::format(", padding_idx={}", *padding_idx);
  return out;
}

}  // namespace mica::nn
