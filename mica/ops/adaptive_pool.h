// Pooling to a size of your choice: the windows divide the input as evenly as they can.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// The mean of each window (nn.functional.adaptive_avg_pool2d). Window i of a dimension goes from
// floor(i n / out) to ceil((i + 1) n / out).
// Shapes: (N, C, H, W) or (C, H, W) -> the same with `output_size`, one number for all dimensions or one for
// each; -1 keeps the input's size (PyTorch's None).
Tensor adaptive_avg_pool1d(const Tensor& x, const Shape& output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, const Shape& output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, const Shape& output_size);

// The largest value of each window; NaN wins. Shapes as adaptive_avg_pool2d. Errors: an input without
// elements to choose from.
Tensor adaptive_max_pool1d(const Tensor& x, const Shape& output_size);
Tensor adaptive_max_pool2d(const Tensor& x, const Shape& output_size);
Tensor adaptive_max_pool3d(const Tensor& x, const Shape& output_size);
// The same, and where each value was, as max_pool2d_with_indices.
ValuesIndices adaptive_max_pool1d_with_indices(const Tensor& x, const Shape& output_size);
ValuesIndices adaptive_max_pool2d_with_indices(const Tensor& x, const Shape& output_size);
ValuesIndices adaptive_max_pool3d_with_indices(const Tensor& x, const Shape& output_size);

}  // namespace mica
