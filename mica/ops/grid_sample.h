// Images at places of your choice.
#pragma once

#include <cstdint>

#include <mica/ops/interpolate.h>

namespace mica {

// What lies outside the image: zeros, its outermost elements, or the image mirrored again and again.
enum class GridPadding : std::uint8_t { zeros, border, reflection };
struct GridSampleOptions {
  InterpolationMode mode =
      InterpolationMode::bilinear;  // or nearest, or bicubic for planes; also for volumes bilinear
  GridPadding padding_mode = GridPadding::zeros;
  bool align_corners = false;  // -1 and 1 are the middles of the outermost elements, not their outer edges
};
// The values of x at the places that the grid names, from -1 at one end of the image to 1 at the other
// (nn.functional.grid_sample).
// Shapes: x (N, C, H, W), grid (N, OH, OW, 2) of (x, y) -> (N, C, OH, OW); x (N, C, D, H, W), grid (N, OD,
// OH, OW, 3) of (x, y, z) -> (N, C, OD, OH, OW). Errors: other shapes, dtypes that differ, an empty image.
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});

// The grid of an affine map, which grid_sample takes (nn.functional.affine_grid): theta (N, 2, 3) for `size`
// (N, C, H, W) -> (N, H, W, 2); theta (N, 3, 4) for (N, C, D, H, W) -> (N, D, H, W, 3).
// Errors: other shapes, sizes less than 1.
Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners = false);

}  // namespace mica
