// Products with a band matrix, whose rows have few elements and all of them neighbours. f32 and f64.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/core/dtype.h>

namespace mica::kernels {

// Row o holds weights[begin[o]] ... weights[begin[o + 1] - 1] from column first[o] on.
struct Band {
  std::int64_t columns = 0;
  std::vector<std::int64_t> first, begin = {0};
  std::vector<double> weights;
  std::int64_t rows() const { return static_cast<std::int64_t>(first.size()); }
};
// Of a band whose rows start at columns that never decrease, and end so too.
Band transposed(const Band& band);

// y[b, o, i] = sum over c of band[o, c] x[b, c, i]. Shapes: x (batch, columns, inner), y (batch, rows,
// inner), both row-major.
void band_product(DType dtype, const Band& band, std::int64_t batch, std::int64_t inner, const void* x,
                  void* y);

}  // namespace mica::kernels
