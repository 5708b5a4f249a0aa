// Images of other sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// nearest takes the element where the output's starts (as older OpenCV), nearest_exact where its middle is;
// linear, bilinear and trilinear are the same in one, two and three dimensions; bicubic is for two; area is
// adaptive_avg_pool.
enum class InterpolationMode : std::uint8_t {
  nearest,
  nearest_exact,
  linear,
  bilinear,
  bicubic,
  trilinear,
  area
};
struct InterpolateOptions {
  Shape size = {};                        // this, or
  std::vector<double> scale_factor = {};  // so many times the input's size, rounded down
  InterpolationMode mode = InterpolationMode::nearest;
  // Whether the corners of input and output are the middles of their first and last elements, not their outer
  // edges. For linear to trilinear; false unless given.
  std::optional<bool> align_corners = {};
  // Whether distances follow from the sizes, not from scale_factor.
  bool recompute_scale_factor = false;
  bool antialias = false;  // bilinear and bicubic: wider filters where the output is smaller, as Pillow's
};
// nn.functional.interpolate. Sizes and factors are one number for all dimensions, or one for each.
// Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W) -> the same with the output's size.
// Errors: both or neither of size and scale_factor; a mode for another number of dimensions, align_corners or
// antialias for a mode that has none; an empty input or output; integers, but for nearest.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

}  // namespace mica
