// 2-d pooling.
#pragma once

#include <optional>

#include <mica/ops/conv.h>

namespace mica {

struct MaxPool2dOptions {
  std::optional<IntPair> stride{};  // the kernel size unless given
  IntPair padding = 0, dilation = 1;
  bool ceil_mode = false;
};
// The largest value of each window (nn.functional.max_pool2d). Padding counts as -infinity; NaN wins.
// Shapes: (N, C, H, W) or (C, H, W) -> the same with OH = (H + 2 padding - dilation (k - 1) - 1) / stride
// + 1.
Tensor max_pool2d(const Tensor& x, IntPair kernel_size, const MaxPool2dOptions& options = {});

struct AvgPool2dOptions {
  std::optional<IntPair> stride{};
  IntPair padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;                   // zeros of the padding count in the mean
  std::optional<std::int64_t> divisor_override{};  // divides by this instead of the window's size
};
// The mean of each window (nn.functional.avg_pool2d). Shapes as max_pool2d.
Tensor avg_pool2d(const Tensor& x, IntPair kernel_size, const AvgPool2dOptions& options = {});

}  // namespace mica
