// Internal: sums of neighbours along a dimension, as in adaptive pooling and interpolation.
#pragma once

#include <memory>

#include <mica/kernels/band.h>
#include <mica/tensor/tensor.h>

namespace mica::ops {

// x with dimension `dim` multiplied by a band matrix: (..., columns, ...) -> (..., rows, ...). f32 and f64.
// Differentiable; backward multiplies by the transpose.
Tensor band_product(const Tensor& x, int dim, std::shared_ptr<const kernels::Band> band);

// Adds a row with these weights from column `first` on.
void add_row(kernels::Band& band, std::int64_t first, const std::vector<double>& weights);

}  // namespace mica::ops
