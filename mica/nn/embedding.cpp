#include <fmt/format.h>

#include <mica/nn/embedding.h>
#include <mica/nn/init.h>
#include <mica/ops/embedding.h>

namespace mica::nn {

Embedding::Embedding(std::int64_t count, std::int64_t dim, const EmbeddingOptions& o)
    : num_embeddings(count), embedding_dim(dim), padding_idx(o.padding_idx) {
  detail::forbid_construction_inside_forward("nn::Embedding");
  if (count < 0 || dim < 0) {
    throw Error("Embedding",
                fmt::format("num_embeddings {} and embedding_dim {} must not be negative", count, dim));
  }
  if (padding_idx) {
    if (*padding_idx < -count || *padding_idx >= count) {
      throw Error("Embedding",
                  fmt::format("padding_idx {} is out of range for {} rows", *padding_idx, count));
    }
    if (*padding_idx < 0) *padding_idx += count;
  }
  weight = Parameter(empty({count, dim}, o.dtype));
  reset_parameters();
}

void Embedding::reset_parameters() {
  init::normal_(weight);
  if (padding_idx) init::zeros_(weight.detach()[*padding_idx]);
}

Tensor Embedding::forward(const Tensor& indices) { return embedding(indices, weight, padding_idx); }

std::string Embedding::extra_repr() const {
  std::string out = fmt::format("{}, {}", num_embeddings, embedding_dim);
  if (padding_idx) out += fmt::format(", padding_idx={}", *padding_idx);
  return out;
}

}  // namespace mica::nn
