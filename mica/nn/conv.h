// Convolution layers.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/conv.h>

namespace mica::nn {

struct Conv2dOptions {
  IntPair stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  DType dtype = f32;
};

// 2-d cross-correlation (torch.nn.Conv2d). Starts from U(-b, b), b = 1/sqrt(C / groups * KH * KW).
// Shapes: (N, C, H, W) or (C, H, W) -> (N, O, OH, OW) or (O, OH, OW), see mica::conv2d.
class Conv2d : public Module {
 public:
  // Errors: channels not positive or not divisible by groups, sizes out of range.
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, IntPair kernel_size,
         const Conv2dOptions& options = {});

  std::int64_t in_channels = 0, out_channels = 0;
  IntPair kernel_size = 1, stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
  Parameter weight;  // (O, C / groups, KH, KW)
  Parameter bias;    // (O), absent without bias

  // A lazy layer that was not called yet is left alone.
  void reset_parameters();
  // For nn::summary: two for each weight that meets an element, nothing for the bias.
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const;
  NN_MEMBERS(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, weight, bias)

 protected:
  friend Module;
  Conv2d() = default;
  // All but the parameters. Errors: as the public constructor; in_channels 0 is left open.
  Conv2d(const char* type, std::int64_t in_channels, std::int64_t out_channels, IntPair kernel_size,
         const Conv2dOptions& options);
  void reset_weight();
  void reset_bias();
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn
