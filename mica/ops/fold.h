// Images as columns of windows, and back.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// Sizes are one number for both dimensions, or one for each.
struct FoldOptions {
  Shape dilation = 1, padding = 0, stride = 1;
};
// The windows that a convolution looks at, each a column (nn.functional.unfold; im2col).
// Shapes: (N, C, H, W) or (C, H, W) -> (N, C KH KW, L) or (C KH KW, L), L = OH OW as in conv2d.
// Errors: windows that are larger than the padded image.
Tensor unfold(const Tensor& x, const Shape& kernel_size, const FoldOptions& options = {});
// Puts such columns back and adds up where they overlap (nn.functional.fold; col2im): the gradient of unfold.
// Shapes: (N, C KH KW, L) or (C KH KW, L) -> (N, C, H, W) or (C, H, W) with H, W = output_size.
// Errors: columns of another size, or another number of them.
Tensor fold(const Tensor& columns, const Shape& output_size, const Shape& kernel_size,
            const FoldOptions& options = {});

}  // namespace mica
