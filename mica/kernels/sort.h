// Order in rows of row-major memory (rows, n). NaN is greater than every number, equal elements keep their
// order (so positions are the same on every machine and thread), and -0 equals 0. Any dtype.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// The first k elements of each row in ascending or descending order, and their positions: (rows, k). k = n
// sorts.
void sort_rows(DType dtype, std::int64_t rows, std::int64_t n, std::int64_t k, bool descending, const void* x,
               void* values, std::int64_t* positions);

enum class Rank : std::uint8_t {
  kth,        // the k-th smallest: k of 1 to n
  median,     // the lower one of two in the middle; the first NaN if there is one
  nanmedian,  // the same of the elements that are not NaN; the first NaN if there are none
};
// One element of each row, and its position: (rows). n > 0.
void select_rows(Rank rank, DType dtype, std::int64_t rows, std::int64_t n, std::int64_t k, const void* x,
                 void* values, std::int64_t* positions);

}  // namespace mica::kernels
