// Batch normalisation folded into the layer before it, for evaluation (torch.nn.utils.fusion).
#pragma once

#include <mica/nn/module.h>
#include <mica/nn/parameter.h>

namespace mica::nn {

// Running statistics and affine parameters of a batch normalisation; weight and bias may be undefined.
struct FusedNorm {
  Tensor running_mean, running_var, weight, bias;
  double eps = 1e-5;
};
struct FusedParameters {
  Parameter weight, bias;
};
// A weight (out, in / groups, kernel...), or (in, out / groups, kernel...) if transposed, and a bias (or an
// undefined one) that compute what they did followed by the normalisation. Errors: undefined statistics, or
// of another number of channels.
FusedParameters fuse_conv_bn_weights(const Tensor& weight, const Tensor& bias, const FusedNorm& norm,
                                     bool transpose = false);
// The same for a weight (out, in), where the normalisation may also have a single feature.
FusedParameters fuse_linear_bn_weights(const Tensor& weight, const Tensor& bias, const FusedNorm& norm);

namespace detail {
// Errors: the normalisation is training.
template <class BatchNorm> FusedNorm fused_norm(const char* operation, const BatchNorm& norm) {
  if (norm.mode.training) throw Error(operation, "the normalisation is training", "call eval() first");
  return {norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps};
}
}  // namespace detail

// A copy of a convolution that does the work of a BatchNorm after it. `transpose`: it is a ConvTranspose.
// Errors: the normalisation is training or has no running statistics.
template <class Conv, class BatchNorm>
Conv fuse_conv_bn_eval(const Conv& conv, const BatchNorm& norm, bool transpose = false) {
  const FusedNorm statistics = detail::fused_norm("fuse_conv_bn_eval", norm);
  FusedParameters fused = fuse_conv_bn_weights(conv.weight, conv.bias, statistics, transpose);
  Conv out = conv.clone();
  out.weight = std::move(fused.weight);
  out.bias = std::move(fused.bias);
  return out;
}

// A copy of a Linear that does the work of a BatchNorm1d after it.
template <class Linear, class BatchNorm>
Linear fuse_linear_bn_eval(const Linear& linear, const BatchNorm& norm) {
  const FusedNorm statistics = detail::fused_norm("fuse_linear_bn_eval", norm);
  FusedParameters fused = fuse_linear_bn_weights(linear.weight, linear.bias, statistics);
  Linear out = linear.clone();
  out.weight = std::move(fused.weight);
  out.bias = std::move(fused.bias);
  return out;
}

}  // namespace mica::nn
