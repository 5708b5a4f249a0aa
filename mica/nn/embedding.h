// Embeddings.
#pragma once

#include <optional>

#include <mica/nn/module.h>
#include <mica/ops/embedding.h>

namespace mica::nn {

struct EmbeddingOptions {
  std::optional<std::int64_t> padding_idx{};  // this row starts at zero and gets no gradient
  std::optional<double> max_norm{};  // rows that are looked up and longer are shortened to it, in the weight
  double norm_type = 2;              // p of that norm
  bool scale_grad_by_freq = false;   // divide a row's gradient by how often it was looked up
  DType dtype = f32;
};

// A table of vectors looked up by number (torch.nn.Embedding). Starts from N(0, 1).
// Shapes: (...) i64 or i32 -> (..., embedding_dim).
class Embedding : public Module {
 public:
  // Errors: negative sizes, padding_idx out of range.
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options = {});
  // With the numbers of a tensor (num_embeddings, embedding_dim), whose memory and dtype it shares; no row is
  // set to zero. Errors: another shape, padding_idx out of range.
  static Embedding from_pretrained(const Tensor& embeddings, bool freeze = true,
                                   const EmbeddingOptions& options = {});

  std::int64_t num_embeddings = 0, embedding_dim = 0;
  std::optional<std::int64_t> padding_idx;
  std::optional<double> max_norm;
  double norm_type = 2;
  bool scale_grad_by_freq = false;
  Parameter weight;  // (num_embeddings, embedding_dim)

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, weight)

 private:
  friend Module;
  Embedding() = default;
  void configure(std::int64_t count, std::int64_t dim, const EmbeddingOptions& options);
  Tensor forward(const Tensor& indices);
};

struct EmbeddingBagOptions {
  std::optional<double> max_norm{};
  double norm_type = 2;
  bool scale_grad_by_freq = false;  // not with BagMode::max
  BagMode mode = BagMode::mean;
  bool include_last_offset = false;           // offsets has an entry more, where the last bag ends
  std::optional<std::int64_t> padding_idx{};  // such indices count as not there
  DType dtype = f32;
};

// Sums, means or largest values of the vectors in bags (torch.nn.EmbeddingBag). Starts from N(0, 1).
//   layer(indices), layer(indices, offsets), layer(indices, offsets, per_sample_weights)
// Shapes: indices (B, N) without offsets, or (N) with offsets (B) -> (B, embedding_dim). Arguments that are
// not there are undefined tensors.
class EmbeddingBag : public Module {
 public:
  // Errors: negative sizes, padding_idx out of range.
  EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim,
               const EmbeddingBagOptions& options = {});
  // As Embedding::from_pretrained.
  static EmbeddingBag from_pretrained(const Tensor& embeddings, bool freeze = true,
                                      const EmbeddingBagOptions& options = {});

  std::int64_t num_embeddings = 0, embedding_dim = 0;
  std::optional<double> max_norm;
  double norm_type = 2;
  bool scale_grad_by_freq = false;
  BagMode mode = BagMode::mean;
  bool include_last_offset = false;
  std::optional<std::int64_t> padding_idx;
  Parameter weight;  // (num_embeddings, embedding_dim)

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, mode,
             include_last_offset, padding_idx, weight)

 private:
  friend Module;
  EmbeddingBag() = default;
  void configure(std::int64_t count, std::int64_t dim, const EmbeddingBagOptions& options);
  Tensor forward(const Tensor& indices, const Tensor& offsets = {}, const Tensor& per_sample_weights = {});
};

}  // namespace mica::nn
