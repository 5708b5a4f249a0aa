// Layers that resize images.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/interpolate.h>

namespace mica::nn {

// Where an Upsample leads to: one of the two. One number for all dimensions, or one for each.
struct UpsampleTarget {
  Shape size = {};
  std::vector<double> scale_factor = {};
};
struct UpsampleOptions {
  Shape size = {};
  std::vector<double> scale_factor = {};
  InterpolationMode mode = InterpolationMode::nearest;
  std::optional<bool> align_corners = {};
  bool recompute_scale_factor = false;
};

// torch.nn.Upsample; shapes, options and errors as mica::interpolate.
class Upsample : public Module {
 public:
  // Errors: both or neither of size and scale_factor.
  explicit Upsample(const UpsampleOptions& options);
  Shape size;
  std::vector<double> scale_factor;
  InterpolationMode mode = InterpolationMode::nearest;
  std::optional<bool> align_corners;
  bool recompute_scale_factor = false;
  std::string extra_repr() const;
  NN_MEMBERS(size, scale_factor, mode, align_corners, recompute_scale_factor)

 protected:
  friend Module;
  Upsample() = default;
  Upsample(const char* type, const UpsampleOptions& options);
  Tensor forward(const Tensor& x);
};

// torch.nn.UpsamplingNearest2d: Upsample in mode nearest, for planes.
class UpsamplingNearest2d : public Upsample {
 public:
  explicit UpsamplingNearest2d(const UpsampleTarget& to)
      : Upsample("UpsamplingNearest2d", {.size = to.size, .scale_factor = to.scale_factor}) {}
  NN_MEMBERS(size, scale_factor, mode, align_corners, recompute_scale_factor)

 private:
  friend Module;
  UpsamplingNearest2d() = default;
};

// torch.nn.UpsamplingBilinear2d: Upsample in mode bilinear with align_corners.
class UpsamplingBilinear2d : public Upsample {
 public:
  explicit UpsamplingBilinear2d(const UpsampleTarget& to)
      : Upsample("UpsamplingBilinear2d", {.size = to.size,
                                          .scale_factor = to.scale_factor,
                                          .mode = InterpolationMode::bilinear,
                                          .align_corners = true}) {}
  NN_MEMBERS(size, scale_factor, mode, align_corners, recompute_scale_factor)

 private:
  friend Module;
  UpsamplingBilinear2d() = default;
};

}  // namespace mica::nn
