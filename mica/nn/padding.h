// Padding layers: mica::pad of the last one, two or three dimensions.
//
//   nn::ReflectionPad2d{1}             one element on each side
//   nn::ZeroPad2d{{1, 2, 0, -1}}       left, right, top, bottom; negative numbers cut off
#pragma once

#include <string_view>

#include <mica/nn/dims.h>
#include <mica/nn/module.h>
#include <mica/nn/tuple.h>
#include <mica/ops/rearrange.h>

namespace mica::nn {

namespace detail {

// What the padding layers share: all but what they fill with.
class PaddingLayer : public Module {
 public:
  Shape padding;  // left and right of the last dimension, then of the one before...

 protected:
  PaddingLayer() = default;
  // Errors: neither one number nor two for each dimension.
  PaddingLayer(std::string_view type, int dims, const Shape& padding);
  // Errors: fewer than `dims` dimensions; but for constant, others than those and one or two before them.
  Tensor apply(std::string_view type, const Tensor& x, const PadOptions& options) const;
};
// "ReflectionPad1d"
constexpr std::string_view padding_type(PadMode mode, int dims) {
  constexpr std::string_view names[4][3] = {{"ZeroPad1d", "ZeroPad2d", "ZeroPad3d"},
                                            {"ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d"},
                                            {"ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d"},
                                            {"CircularPad1d", "CircularPad2d", "CircularPad3d"}};
  return names[static_cast<int>(mode)][dims - 1];
}

}  // namespace detail

// Fills the border as the mode says, with zeros in mode constant.
// Shapes: (N, C, ...) or (C, ...) with `dims` more dimensions, which grow by the padding; zeros also for any
// tensor of at least `dims` dimensions.
template <PadMode mode, int dims> class Pad : public detail::PaddingLayer {
 public:
  explicit Pad(const Shape& padding) : PaddingLayer(detail::padding_type(mode, dims), dims, padding) {}
  std::string extra_repr() const { return detail::show_tuple(padding); }
  NN_MEMBERS(padding)

 private:
  friend Module;
  Pad() = default;
  Tensor forward(const Tensor& x) { return apply(detail::padding_type(mode, dims), x, {.mode = mode}); }
};

using ZeroPad1d = Pad<PadMode::constant, 1>;  // torch.nn.ZeroPad1d...
using ZeroPad2d = Pad<PadMode::constant, 2>;
using ZeroPad3d = Pad<PadMode::constant, 3>;
using ReflectionPad1d = Pad<PadMode::reflect, 1>;
using ReflectionPad2d = Pad<PadMode::reflect, 2>;
using ReflectionPad3d = Pad<PadMode::reflect, 3>;
using ReplicationPad1d = Pad<PadMode::replicate, 1>;
using ReplicationPad2d = Pad<PadMode::replicate, 2>;
using ReplicationPad3d = Pad<PadMode::replicate, 3>;
using CircularPad1d = Pad<PadMode::circular, 1>;
using CircularPad2d = Pad<PadMode::circular, 2>;
using CircularPad3d = Pad<PadMode::circular, 3>;

// Fills the border with a number (torch.nn.ConstantPad1d...). Shapes as ZeroPad.
template <int dims> class ConstantPad : public detail::PaddingLayer {
 public:
  ConstantPad(const Shape& padding, double value) : PaddingLayer(type, dims, padding), value(value) {}
  double value = 0;
  std::string extra_repr() const {
    return "padding=" + detail::show_tuple(padding) + ", value=" + detail::show(value);
  }
  NN_MEMBERS(padding, value)

 private:
  friend Module;
  static constexpr std::string_view type = dims == 1   ? "ConstantPad1d"
                                           : dims == 2 ? "ConstantPad2d"
                                                       : "ConstantPad3d";
  ConstantPad() = default;
  Tensor forward(const Tensor& x) { return apply(type, x, {.value = value}); }
};

using ConstantPad1d = ConstantPad<1>;
using ConstantPad2d = ConstantPad<2>;
using ConstantPad3d = ConstantPad<3>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::Pad<PadMode::constant, dims>> =
    nn::detail::numbered_type("ZeroPad", dims);
template <int dims>
inline constexpr auto type_text<nn::Pad<PadMode::reflect, dims>> =
    nn::detail::numbered_type("ReflectionPad", dims);
template <int dims>
inline constexpr auto type_text<nn::Pad<PadMode::replicate, dims>> =
    nn::detail::numbered_type("ReplicationPad", dims);
template <int dims>
inline constexpr auto type_text<nn::Pad<PadMode::circular, dims>> =
    nn::detail::numbered_type("CircularPad", dims);
template <int dims>
inline constexpr auto type_text<nn::ConstantPad<dims>> = nn::detail::numbered_type("ConstantPad", dims);
}  // namespace mica::reflect::detail
