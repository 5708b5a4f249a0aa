// Layers that take the size of their input from the first one.
//
//   nn::LazyLinear fc{10};       // instead of counting what comes out of the layers before
//   net(example);                // one call on an input of the right size, or load_state_dict()
//   optim::SGD sgd{net.parameters()};
//
// Until then they have no parameters: asking for them is an error that says so. train(), to(),
// requires_grad_(), clone(), hooks and printing work. The first call draws the numbers that the layer of
// known size draws when it is made, and from then on the layer prints as that one, as PyTorch's do.
#pragma once

#include <cstdint>
#include <string_view>

#include <mica/nn/conv.h>
#include <mica/nn/instance_norm.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>

namespace mica::nn {

// A Linear whose in_features is the last size of its first input (torch.nn.LazyLinear).
class LazyLinear : public Linear {
 public:
  // Errors: negative size.
  explicit LazyLinear(std::int64_t out_features, const LinearOptions& options = {});
  std::string_view printed_type() const { return in_features == 0 ? "LazyLinear" : "Linear"; }
  NN_MEMBERS(in_features, out_features, weight, bias)

 private:
  friend Module;
  LazyLinear() = default;
  Tensor forward(const Tensor& x);
};

// A Conv2d whose in_channels are those of its first input (torch.nn.LazyConv2d).
template <int dims> class LazyConv : public Conv<dims> {
 public:
  // Errors: as Conv2d.
  LazyConv(std::int64_t out_channels, const Shape& kernel_size, const ConvOptions& options = {})
      : Conv<dims>(true, 0, out_channels, kernel_size, options) {}
  std::string_view printed_type() const { return detail::conv_type(in_channels == 0, false, dims); }
  using Base = Conv<dims>;
  using Base::in_channels, Base::out_channels, Base::kernel_size, Base::stride, Base::padding,
      Base::padding_name, Base::dilation, Base::groups, Base::padding_mode, Base::weight, Base::bias;
  NN_MEMBERS(in_channels, out_channels, kernel_size, stride, padding, padding_name, dilation, groups,
             padding_mode, weight, bias)

 private:
  friend Module;
  LazyConv() = default;
  Tensor forward(const Tensor& x) {
    this->initialize(false, x);
    return Base::forward(x);
  }
};
using LazyConv1d = LazyConv<1>;
using LazyConv2d = LazyConv<2>;
using LazyConv3d = LazyConv<3>;

// A ConvTranspose2d whose in_channels are those of its first input (torch.nn.LazyConvTranspose2d).
template <int dims> class LazyConvTranspose : public ConvTranspose<dims> {
 public:
  // Errors: as ConvTranspose2d.
  LazyConvTranspose(std::int64_t out_channels, const Shape& kernel_size,
                    const ConvTransposeOptions& options = {})
      : ConvTranspose<dims>(true, 0, out_channels, kernel_size, options) {}
  std::string_view printed_type() const { return detail::conv_type(in_channels == 0, true, dims); }
  using Base = ConvTranspose<dims>;
  using Base::in_channels, Base::out_channels, Base::kernel_size, Base::stride, Base::padding, Base::dilation,
      Base::groups, Base::output_padding, Base::weight, Base::bias;
  NN_MEMBERS(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, output_padding,
             weight, bias)

 private:
  friend Module;
  LazyConvTranspose() = default;
  Tensor forward(const Tensor& x, const Shape& output_size = {}) {
    this->initialize(true, x);
    return Base::forward(x, output_size);
  }
};
using LazyConvTranspose1d = LazyConvTranspose<1>;
using LazyConvTranspose2d = LazyConvTranspose<2>;
using LazyConvTranspose3d = LazyConvTranspose<3>;

// A BatchNorm1d whose num_features is dimension 1 of its first input (torch.nn.LazyBatchNorm1d).
class LazyBatchNorm1d : public BatchNorm1d {
 public:
  explicit LazyBatchNorm1d(const BatchNormOptions& options = {});
  std::string_view printed_type() const { return num_features == 0 ? "LazyBatchNorm1d" : "BatchNorm1d"; }
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

// A BatchNorm2d whose num_features is dimension 1 of its first input (torch.nn.LazyBatchNorm2d).
class LazyBatchNorm2d : public BatchNorm2d {
 public:
  explicit LazyBatchNorm2d(const BatchNormOptions& options = {});
  std::string_view printed_type() const { return num_features == 0 ? "LazyBatchNorm2d" : "BatchNorm2d"; }
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

// A BatchNorm3d whose num_features is dimension 1 of its first input (torch.nn.LazyBatchNorm3d).
class LazyBatchNorm3d : public BatchNorm3d {
 public:
  explicit LazyBatchNorm3d(const BatchNormOptions& options = {});
  std::string_view printed_type() const { return num_features == 0 ? "LazyBatchNorm3d" : "BatchNorm3d"; }
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

// An InstanceNorm1d whose num_features are the channels of its first input, (N, C, L) or (C, L)
// (torch.nn.LazyInstanceNorm1d).
class LazyInstanceNorm1d : public InstanceNorm1d {
 public:
  explicit LazyInstanceNorm1d(const InstanceNormOptions& options = {});
  std::string_view printed_type() const {
    return num_features == 0 ? "LazyInstanceNorm1d" : "InstanceNorm1d";
  }
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

// An InstanceNorm2d whose num_features are the channels of its first input, (N, C, H, W) or (C, H, W)
// (torch.nn.LazyInstanceNorm2d).
class LazyInstanceNorm2d : public InstanceNorm2d {
 public:
  explicit LazyInstanceNorm2d(const InstanceNormOptions& options = {});
  std::string_view printed_type() const {
    return num_features == 0 ? "LazyInstanceNorm2d" : "InstanceNorm2d";
  }
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

// An InstanceNorm3d whose num_features are the channels of its first input, (N, C, D, H, W) or (C, D, H, W)
// (torch.nn.LazyInstanceNorm3d).
class LazyInstanceNorm3d : public InstanceNorm3d {
 public:
  explicit LazyInstanceNorm3d(const InstanceNormOptions& options = {});
  std::string_view printed_type() const {
    return num_features == 0 ? "LazyInstanceNorm3d" : "InstanceNorm3d";
  }
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::LazyConv<dims>> = nn::detail::numbered_type("LazyConv", dims);
template <int dims>
inline constexpr auto type_text<nn::LazyConvTranspose<dims>> =
    nn::detail::numbered_type("LazyConvTranspose", dims);
}  // namespace mica::reflect::detail
