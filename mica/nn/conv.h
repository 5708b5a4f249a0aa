// Convolution layers of one, two and three dimensions, and their transposes. Sizes are one number for all
// dimensions, or one for each: nn::Conv2d{3, 8, {5, 3}, {.stride = 2, .padding = {2, 1}}}.
#pragma once

#include <optional>
#include <string_view>

#include <mica/nn/dims.h>
#include <mica/nn/module.h>
#include <mica/ops/conv.h>
#include <mica/ops/rearrange.h>

namespace mica::nn {

struct ConvOptions {
  Shape stride = 1;
  ConvPadding padding = 0;
  Shape dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::constant;  // what the padding is filled with; constant: zeros
  DType dtype = f32;
};
struct ConvTransposeOptions {
  Shape stride = 1, padding = 0, output_padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  Shape dilation = 1;
  DType dtype = f32;
};

namespace detail {

// "LazyConvTranspose2d"
std::string_view conv_type(bool lazy, bool transposed, int dims);

// What all convolution layers have. Sizes have one number for each dimension.
class ConvLayer : public Module {
 public:
  std::int64_t in_channels = 0, out_channels = 0;
  Shape kernel_size, stride, padding, dilation;
  std::int64_t groups = 1;
  Parameter weight;  // (O, C / groups, KH, KW), transposed (C, O / groups, KH, KW)
  Parameter bias;    // (O), absent without bias

  // A lazy layer that was not called yet is left alone.
  void reset_parameters();

 protected:
  ConvLayer() = default;
  // Errors: channels not positive or not divisible by groups, sizes out of range; a lazy layer leaves
  // in_channels open.
  ConvLayer(bool lazy, bool transposed, int dims, std::int64_t in_channels, std::int64_t out_channels,
            const Shape& kernel_size, const Shape& stride, const Shape& padding, const Shape& dilation,
            std::int64_t groups);
  void make_parameters(bool lazy, bool transposed, bool has_bias, DType dtype);
  // The first call of a lazy layer: the sizes come from x, or from a weight that was loaded.
  void initialize(bool transposed, const Tensor& x);
  std::int64_t window() const { return kernel_size.numel(); }
  std::string describe(const std::string& padding, const Shape& output_padding,
                       PadMode mode = PadMode::constant) const;

 private:
  void reset_weight();
  void reset_bias();
};

// The layers that are no transposes.
class ForwardConv : public ConvLayer {
 public:
  std::optional<Padding> padding_name;  // instead of `padding`
  PadMode padding_mode = PadMode::constant;
  // For nn::summary: two for each weight that meets an element, nothing for the bias.
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const;

 protected:
  ForwardConv() = default;
  ForwardConv(bool lazy, int dims, std::int64_t in_channels, std::int64_t out_channels,
              const Shape& kernel_size, const ConvOptions& options);
  Tensor convolve(const Tensor& x) const;
};

class TransposedConv : public ConvLayer {
 public:
  Shape output_padding;
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const;

 protected:
  TransposedConv() = default;
  TransposedConv(bool lazy, int dims, std::int64_t in_channels, std::int64_t out_channels,
                 const Shape& kernel_size, const ConvTransposeOptions& options);
  Tensor convolve(const Tensor& x, const Shape& output_size) const;
};

}  // namespace detail

// Cross-correlation (torch.nn.Conv2d). Starts from U(-b, b), b = 1/sqrt(C / groups * KH * KW).
// Shapes: (N, C, H, W) or (C, H, W) -> (N, O, OH, OW) or (O, OH, OW), see mica::conv2d.
template <int dims> class Conv : public detail::ForwardConv {
 public:
  // Errors: channels not positive or not divisible by groups, sizes out of range, Padding::same with strides.
  Conv(std::int64_t in_channels, std::int64_t out_channels, const Shape& kernel_size,
       const ConvOptions& options = {})
      : Conv(false, in_channels, out_channels, kernel_size, options) {}
  NN_MEMBERS(in_channels, out_channels, kernel_size, stride, padding, padding_name, dilation, groups,
             padding_mode, weight, bias)

 protected:
  friend Module;
  Conv() = default;
  Conv(bool lazy, std::int64_t in_channels, std::int64_t out_channels, const Shape& kernel_size,
       const ConvOptions& options)
      : ForwardConv(lazy, dims, in_channels, out_channels, kernel_size, options) {}
  Tensor forward(const Tensor& x) { return convolve(x); }
};
using Conv1d = Conv<1>;
using Conv2d = Conv<2>;
using Conv3d = Conv<3>;

// The transpose (torch.nn.ConvTranspose2d): turns the output's shape of a Conv2d with the same options into
// its input's. Where several inputs have that output, output_padding chooses, or the call does:
// up(x, Shape{9, 9}). Starts from U(-b, b), b = 1/sqrt(O / groups * KH * KW).
// Shapes: (N, C, H, W) or (C, H, W) -> (N, O, OH, OW) or (O, OH, OW), see mica::conv_transpose2d.
template <int dims> class ConvTranspose : public detail::TransposedConv {
 public:
  // Errors: channels not positive or not divisible by groups, sizes out of range. Of a call: a size that no
  // output can have.
  ConvTranspose(std::int64_t in_channels, std::int64_t out_channels, const Shape& kernel_size,
                const ConvTransposeOptions& options = {})
      : ConvTranspose(false, in_channels, out_channels, kernel_size, options) {}
  NN_MEMBERS(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, output_padding,
             weight, bias)

 protected:
  friend Module;
  ConvTranspose() = default;
  ConvTranspose(bool lazy, std::int64_t in_channels, std::int64_t out_channels, const Shape& kernel_size,
                const ConvTransposeOptions& options)
      : TransposedConv(lazy, dims, in_channels, out_channels, kernel_size, options) {}
  Tensor forward(const Tensor& x, const Shape& output_size = {}) { return convolve(x, output_size); }
};
using ConvTranspose1d = ConvTranspose<1>;
using ConvTranspose2d = ConvTranspose<2>;
using ConvTranspose3d = ConvTranspose<3>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims> inline constexpr auto type_text<nn::Conv<dims>> = nn::detail::numbered_type("Conv", dims);
template <int dims>
inline constexpr auto type_text<nn::ConvTranspose<dims>> = nn::detail::numbered_type("ConvTranspose", dims);
}  // namespace mica::reflect::detail
