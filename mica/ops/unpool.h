// The partial inverse of max pooling.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

struct MaxUnpoolOptions {
  Shape stride = {};  // the kernel size unless given
  Shape padding = 0;
  Shape output_size =
      {};  // where several inputs have x's size when they are pooled: (H, W), or all of the shape
};
// Zeros with the values of x at the places that max_pool2d_with_indices found (nn.functional.max_unpool2d).
// Where several go to one place the last one stays, but each gets that place's gradient.
// Shapes: x and indices (i64) (N, C, H, W) or (C, H, W) -> the same with OH = (H - 1) stride - 2 padding +
// kernel_size, or output_size. Errors: an output_size that differs from that by a stride or more; indices of
// another shape, or outside the output.
Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                    const MaxUnpoolOptions& options = {});
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                    const MaxUnpoolOptions& options = {});
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                    const MaxUnpoolOptions& options = {});

}  // namespace mica
