// Internal to the kernels: three ways of copying items that memcpy has not.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mica::kernels {

// Copies bytes with stores that bypass the caches: for memory that will not be read again soon. Such stores
// are weakly ordered: hwy::FlushStream() before another thread may look.
void stream_copy(void* to, const void* from, std::int64_t bytes);

// to[i] = from[i] for i < count; strides are in bytes, items of 1, 2, 4 or 8.
void copy_strided(std::byte* to, std::int64_t to_stride, const std::byte* from, std::int64_t from_stride,
                  std::int64_t count, std::int64_t item_size);

// A block (rows, columns) from memory that is dense down the columns, which are `column_stride` bytes apart,
// to rows that are dense and `pitch` bytes apart.
void copy_transposed(std::byte* to, std::int64_t pitch, const std::byte* from, std::int64_t column_stride,
                     std::int64_t rows, std::int64_t columns, std::int64_t item_size);

}  // namespace mica::kernels
