// Max pooling over windows at random places.
#pragma once

#include <vector>

#include <mica/core/random.h>
#include <mica/tensor/tensor.h>

namespace mica {

struct FractionalMaxPoolOptions {
  Shape output_size = {};                 // this, or
  std::vector<double> output_ratio = {};  // so many times the input's size, rounded down, between 0 and 1
  // Where the windows are, on [0, 1): (N, C, 2), for fractional_max_pool3d (N, C, 3). Drawn unless given.
  Tensor random_samples = {};
};
// The largest value of windows of `kernel_size` that lie in order but at uneven distances, others for each
// channel (nn.functional.fractional_max_pool2d; Graham 2014). Draws PyTorch's numbers; NaN wins.
// Shapes: (N, C, H, W) or (C, H, W) -> the same with the output's size. Sizes and ratios are one number for
// all dimensions, or one for each. Errors: both or neither of output_size and output_ratio; windows that do
// not fit.
Tensor fractional_max_pool2d(const Tensor& x, const Shape& kernel_size,
                             const FractionalMaxPoolOptions& options,
                             Generator& generator = default_generator());
Tensor fractional_max_pool3d(const Tensor& x, const Shape& kernel_size,
                             const FractionalMaxPoolOptions& options,
                             Generator& generator = default_generator());
// The same, and where each value was, as max_pool2d_with_indices.
ValuesIndices fractional_max_pool2d_with_indices(const Tensor& x, const Shape& kernel_size,
                                                 const FractionalMaxPoolOptions& options,
                                                 Generator& generator = default_generator());
ValuesIndices fractional_max_pool3d_with_indices(const Tensor& x, const Shape& kernel_size,
                                                 const FractionalMaxPoolOptions& options,
                                                 Generator& generator = default_generator());

}  // namespace mica
