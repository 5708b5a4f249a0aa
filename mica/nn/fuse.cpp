#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/fuse.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {

namespace {

// What each channel is multiplied by.
Tensor scale_of(const char* operation, const FusedNorm& norm, std::int64_t channels, bool one_will_do) {
  if (!norm.running_mean.defined() || !norm.running_var.defined()) {
    throw Error(operation, "the normalisation has no running statistics",
                "it was made with track_running_stats false");
  }
  const std::int64_t features = norm.running_var.numel();
  if (features != channels && !(one_will_do && features == 1)) {
    throw Error(operation,
                fmt::format("{} channels are followed by a normalisation of {}", channels, features));
  }
  const Tensor scale = rsqrt(norm.running_var.detach() + norm.eps);
  return norm.weight.defined() ? scale * norm.weight.detach() : scale;
}

Parameter fused_bias(const Tensor& bias, const FusedNorm& norm, const Tensor& scale, const Tensor& weight) {
  const Tensor before = bias.defined() ? bias.detach() : zeros_like(scale);
  Tensor after = (before - norm.running_mean.detach()) * scale;
  if (norm.bias.defined()) after = after + norm.bias.detach();
  return Parameter(after.to(weight.dtype()), bias.defined() ? bias.requires_grad() : weight.requires_grad());
}

Parameter scaled(const Tensor& weight, const Tensor& factors) {
  return Parameter((weight.detach() * factors).to(weight.dtype()), weight.requires_grad());
}

}  // namespace

FusedParameters fuse_conv_bn_weights(const Tensor& weight, const Tensor& bias, const FusedNorm& norm,
                                     bool transpose) {
  const NoGrad no_grad;
  if (weight.dim() < 3) {
    throw Error("fuse_conv_bn_weights",
                fmt::format("weight of shape {} is no kernel", mica::to_string(weight.sizes())));
  }
  Shape sizes = Shape::filled(static_cast<int>(weight.dim()), 1);
  if (!transpose) {
    const Tensor scale = scale_of("fuse_conv_bn_weights", norm, weight.size(0), false);
    sizes[0] = -1;
    return {scaled(weight, scale.view(sizes)), fused_bias(bias, norm, scale, weight)};
  }
  // (in, out / groups, kernel...): each group of inputs has outputs of its own.
  const std::int64_t per_group = weight.size(1);
  const std::int64_t features = norm.running_var.defined() ? norm.running_var.numel() : per_group;
  const std::int64_t groups = per_group > 0 && features % per_group == 0 ? features / per_group : 1;
  const Tensor scale = scale_of("fuse_conv_bn_weights", norm, per_group * groups, false);
  const std::int64_t inputs = weight.size(0);
  if (groups == 0 || inputs % groups != 0) {
    throw Error("fuse_conv_bn_weights", fmt::format("{} input channels in {} groups", inputs, groups));
  }
  sizes[0] = inputs;
  sizes[1] = per_group;
  const Tensor factors =
      scale.view({groups, 1, per_group}).expand({groups, inputs / groups, per_group}).reshape(sizes);
  return {scaled(weight, factors), fused_bias(bias, norm, scale, weight)};
}

FusedParameters fuse_linear_bn_weights(const Tensor& weight, const Tensor& bias, const FusedNorm& norm) {
  const NoGrad no_grad;
  if (weight.dim() != 2) {
    throw Error("fuse_linear_bn_weights", fmt::format("weight of shape {}", mica::to_string(weight.sizes())),
                "expected (out, in)");
  }
  const Tensor scale =
      scale_of("fuse_linear_bn_weights", norm, weight.size(0), true).expand({weight.size(0)});
  return {scaled(weight, scale.unsqueeze(-1)), fused_bias(bias, norm, scale, weight)};
}

}  // namespace mica::nn
