// Pooling over windows of one, two and three dimensions. Sizes are one number for all dimensions, or one for
// each: max_pool2d(x, {3, 2}, {.stride = 2}).
#pragma once

#include <cstdint>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

struct MaxPoolOptions {
  Shape stride = {};  // the kernel size unless given
  Shape padding = 0, dilation = 1;
  bool ceil_mode = false;
};
// The largest value of each window (nn.functional.max_pool2d). Padding counts as -infinity; NaN wins.
// Shapes: (N, C, H, W) or (C, H, W) -> the same with OH = (H + 2 padding - dilation (k - 1) - 1) / stride
// + 1, rounded up with ceil_mode; max_pool1d without the H, max_pool3d with a D before it.
// Errors: padding of more than half the kernel, a window that is larger than the padded input.
Tensor max_pool1d(const Tensor& x, const Shape& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool2d(const Tensor& x, const Shape& kernel_size, const MaxPoolOptions& options = {});
Tensor max_pool3d(const Tensor& x, const Shape& kernel_size, const MaxPoolOptions& options = {});
// The same, and where each value was (return_indices=True): its position in the flattened plane or volume of
// its channel, i64, as max_unpool2d takes it.
ValuesIndices max_pool1d_with_indices(const Tensor& x, const Shape& kernel_size,
                                      const MaxPoolOptions& options = {});
ValuesIndices max_pool2d_with_indices(const Tensor& x, const Shape& kernel_size,
                                      const MaxPoolOptions& options = {});
ValuesIndices max_pool3d_with_indices(const Tensor& x, const Shape& kernel_size,
                                      const MaxPoolOptions& options = {});

struct AvgPoolOptions {
  Shape stride = {};
  Shape padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;                   // zeros of the padding count in the mean
  std::optional<std::int64_t> divisor_override{};  // divides by this instead of the window's size
};
// The mean of each window (nn.functional.avg_pool2d). Shapes and errors as max_pool2d.
Tensor avg_pool1d(const Tensor& x, const Shape& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool2d(const Tensor& x, const Shape& kernel_size, const AvgPoolOptions& options = {});
Tensor avg_pool3d(const Tensor& x, const Shape& kernel_size, const AvgPoolOptions& options = {});

struct LPPoolOptions {
  Shape stride = {};
  bool ceil_mode = false;
};
// (sum x^p)^(1/p) over each window, p = norm_type (nn.functional.lp_pool2d); 0 where the sum is not positive.
// Shapes and errors as max_pool2d.
Tensor lp_pool1d(const Tensor& x, double norm_type, const Shape& kernel_size,
                 const LPPoolOptions& options = {});
Tensor lp_pool2d(const Tensor& x, double norm_type, const Shape& kernel_size,
                 const LPPoolOptions& options = {});
Tensor lp_pool3d(const Tensor& x, double norm_type, const Shape& kernel_size,
                 const LPPoolOptions& options = {});

}  // namespace mica
