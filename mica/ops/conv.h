// 2-d convolution.
#pragma once

#include <cstdint>

#include <mica/tensor/tensor.h>

namespace mica {

// A size for height and width; one number stands for both.
struct IntPair {
  std::int64_t h, w;
  IntPair(std::int64_t both) : h(both), w(both) {}
  IntPair(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  friend bool operator==(const IntPair&, const IntPair&) = default;
  // So that a product of two, or twice one, is a number.
  bool fits_int32() const { return h <= INT32_MAX && w <= INT32_MAX; }
};
// "(3, 3)"
std::string to_string(const IntPair& pair);

struct Conv2dOptions {
  IntPair stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
};
// Cross-correlation (nn.functional.conv2d).
// Shapes: x (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW), bias (O) or undefined -> (N, O, OH,
// OW) with OH = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1. An f32 result lies in memory channels
// last; contiguous() brings it into row-major order. Errors: sizes that do not match, an empty output.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});

}  // namespace mica
