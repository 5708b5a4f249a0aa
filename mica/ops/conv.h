// Convolutions of one, two and three dimensions, and their transposes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

#include <mica/tensor/tensor.h>

namespace mica {

// Padding by what it achieves: none, or an output as large as the input (stride 1 only; where that takes an
// odd number of zeros, there is one more behind than in front).
enum class Padding : std::uint8_t { valid, same };
// Zeros on both sides of each dimension: `1`, `{1, 2}`, a Shape, or Padding::same.
struct ConvPadding {
  ConvPadding(std::int64_t all) : sizes(all) {}
  ConvPadding(std::initializer_list<std::int64_t> each) : sizes(each) {}
  ConvPadding(const Shape& given) : sizes(given) {}
  ConvPadding(Padding by_name) : name(by_name) {}
  Shape sizes = 0;
  std::optional<Padding> name = {};
};

// Sizes are one number for all dimensions, or one for each: `.stride = 2`, `.stride = {2, 1}`.
struct ConvOptions {
  Shape stride = 1;
  ConvPadding padding = 0;
  Shape dilation = 1;
  std::int64_t groups = 1;
};
// Cross-correlation (nn.functional.conv2d).
// Shapes: x (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW), bias (O) or undefined -> (N, O, OH,
// OW) with OH = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1; conv1d without the H, conv3d with a D
// before it. An f32 result lies in memory channels last; contiguous() brings it into row-major order.
// Errors: sizes that do not match, an empty output.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});

struct ConvTransposeOptions {
  Shape stride = 1, padding = 0;
  Shape output_padding = 0;  // rows and columns added at one end of the output
  std::int64_t groups = 1;
  Shape dilation = 1;
};
// The gradient of a convolution in its input (nn.functional.conv_transpose2d): each element of x spreads a
// kernel, `stride` apart.
// Shapes: x (N, C, H, W) or (C, H, W), weight (C, O / groups, KH, KW), bias (O) or undefined -> (N, O, OH,
// OW) with OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1. Memory and errors as
// conv2d; output_padding that is not smaller than stride or dilation.
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});

}  // namespace mica
