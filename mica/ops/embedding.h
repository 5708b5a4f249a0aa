// Rows of a table by number.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// weight[indices] (nn.functional.embedding). The row `padding_idx` (negative ones count from the end) gets no
// gradient. Shapes: indices (...) i64 or i32, weight (V, D) -> (..., D). Errors: indices outside 0..V-1.
Tensor embedding(const Tensor& indices, const Tensor& weight, std::optional<std::int64_t> padding_idx = {});

}  // namespace mica
