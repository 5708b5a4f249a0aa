// Places of numbers among others: in sorted rows, and in equal bins.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// out[r, i] = how many elements of the sorted row r are less than values[r, i], or not greater if `right`.
// sorted: (rows, n), or (n) for all rows if `shared`; values, out: (rows, m). Any dtype but bf16 and f16.
struct Search {
  DType dtype;
  std::int64_t rows, n, m;
  bool shared, right;
};
void search_sorted(const Search& search, const void* sorted, const void* values, std::int64_t* out);

// Adds 1 to the bin of each element in [low, high]; the last bin holds high too. f32 and f64.
void histogram(DType dtype, std::int64_t count, const void* x, std::int64_t bins, double low, double high,
               void* counts);

}  // namespace mica::kernels
