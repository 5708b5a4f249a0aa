// Rows of a table by number, one by one and in bags.
#pragma once

#include <cstdint>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

struct EmbeddingLookup {
  std::optional<std::int64_t> padding_idx =
      {};  // this row gets no gradient; negative ones count from the end
  std::optional<double> max_norm =
      {};                // rows that are looked up and longer are first shortened to it, in the table
  double norm_type = 2;  // p of the norm that max_norm limits
  bool scale_grad_by_freq = false;  // divide a row's gradient by how often it was looked up
};
// weight[indices] (nn.functional.embedding). Gradients are dense: there are no sparse tensors.
// Shapes: indices (...) i64 or i32, weight (V, D) -> (..., D). Errors: indices or padding_idx outside the
// table, max_norm < 0.
Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingLookup& options = {});

enum class BagMode : std::uint8_t { sum, mean, max };
struct EmbeddingBagLookup {
  Tensor offsets = {};             // (B) i64 or i32: where each bag starts in indices of one dimension
  Tensor per_sample_weights = {};  // shaped like the indices, a factor for each row; only with BagMode::sum
  std::optional<double> max_norm = {};
  double norm_type = 2;
  bool scale_grad_by_freq = false;  // not with BagMode::max
  BagMode mode = BagMode::mean;
  bool include_last_offset = false;              // offsets has an entry more, where the last bag ends
  std::optional<std::int64_t> padding_idx = {};  // such indices count as not there
};
// The sums, means or largest values of the rows in each bag, zeros for an empty one
// (nn.functional.embedding_bag). Of equal largest values the first gets the gradient.
// Shapes: indices (B, N), bags of N, or (N) with offsets; weight (V, D) -> (B, D). Errors: as embedding;
// other shapes; offsets that do not start at 0, fall, or reach beyond the indices.
Tensor embedding_bag(const Tensor& indices, const Tensor& weight, const EmbeddingBagLookup& options = {});

}  // namespace mica
