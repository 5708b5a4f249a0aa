// Running totals along the middle dimension of row-major memory (outer, n, inner), forwards or backwards.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

struct Lines {
  std::int64_t outer, n, inner;
  bool backward = false;  // from the last element to the first
};

enum class Scan : std::uint8_t {
  sum,
  prod,       // f32, f64 and i64; f32 totals are kept in f64
  logsumexp,  // f32 and f64
};
// y[i] = x[0] op ... op x[i].
void scan(Scan op, DType dtype, const Lines& lines, const void* x, void* y);

// y[i] = b[i] + a[i] * y[i - 1], where y[-1] = 0. f32 and f64.
void recurrence(DType dtype, const Lines& lines, const void* a, const void* b, void* y);

// The largest or smallest element so far and where it was; the last of equal ones; NaN wins. Any dtype but
// bf16 and f16.
void scan_extremum(bool largest, DType dtype, const Lines& lines, const void* x, void* values,
                   std::int64_t* indices);

}  // namespace mica::kernels
