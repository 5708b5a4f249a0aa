// Rows by number: the embedding and its gradient. Any dtype of rows for gather; f32 and f64 for the sum.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// out[i, :] = table[indices[i], :]; rows of `row_bytes` bytes; indices checked by the caller.
void gather_rows(std::int64_t count, std::int64_t row_bytes, const void* table, const std::int64_t* indices,
                 void* out);
// grad_table[indices[i], :] += grad[i, :], skipping i where indices[i] == padding_idx (-1: none). grad_table:
// (rows, n), set to zero first. Deterministic whatever the number of threads.
void scatter_add_rows(DType dtype, std::int64_t count, std::int64_t rows, std::int64_t n, const void* grad,
                      const std::int64_t* indices, std::int64_t padding_idx, void* grad_table);

}  // namespace mica::kernels
