// Embeddings.
#pragma once

#include <optional>

#include <mica/nn/module.h>

namespace mica::nn {

struct EmbeddingOptions {
  std::optional<std::int64_t> padding_idx{};  // this row starts at zero and gets no gradient
  DType dtype = f32;
};

// A table of vectors looked up by number (torch.nn.Embedding). Starts from N(0, 1).
// Shapes: (...) i64 or i32 -> (..., embedding_dim).
class Embedding : public Module {
 public:
  // Errors: negative sizes, padding_idx out of range.
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options = {});

  std::int64_t num_embeddings = 0, embedding_dim = 0;
  std::optional<std::int64_t> padding_idx;
  Parameter weight;  // (num_embeddings, embedding_dim)

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(num_embeddings, embedding_dim, padding_idx, weight)

 private:
  friend Module;
  Embedding() = default;
  Tensor forward(const Tensor& indices);
};

}  // namespace mica::nn
