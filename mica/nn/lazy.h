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

namespace detail {
void make_lazy(ChannelNorm& norm, DType dtype);
void initialize(std::string_view type, ChannelNorm& norm, const NormInput& input, const Tensor& x);
}  // namespace detail

// A BatchNorm2d or InstanceNorm2d whose num_features are the channels of its first input
// (torch.nn.LazyBatchNorm2d, LazyInstanceNorm2d).
template <class Norm> class LazyNorm : public Norm {
 public:
  explicit LazyNorm(const typename Norm::Options& options = {}) : Norm(0, options) {
    detail::make_lazy(*this, options.dtype);
  }
  std::string_view printed_type() const {
    return num_features == 0 ? reflect::type_name<LazyNorm>() : reflect::type_name<Norm>();
  }
  using Norm::num_features, Norm::eps, Norm::momentum, Norm::affine, Norm::track_running_stats, Norm::weight,
      Norm::bias, Norm::running_mean, Norm::running_var, Norm::num_batches_tracked, Norm::mode;
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x) {
    if (num_features == 0) detail::initialize(reflect::type_name<LazyNorm>(), *this, Norm::input, x);
    return Norm::forward(x);
  }
};
using LazyBatchNorm1d = LazyNorm<BatchNorm1d>;
using LazyBatchNorm2d = LazyNorm<BatchNorm2d>;
using LazyBatchNorm3d = LazyNorm<BatchNorm3d>;
using LazyInstanceNorm1d = LazyNorm<InstanceNorm1d>;
using LazyInstanceNorm2d = LazyNorm<InstanceNorm2d>;
using LazyInstanceNorm3d = LazyNorm<InstanceNorm3d>;

}  // namespace mica::nn

namespace mica::reflect::detail {
template <int dims>
inline constexpr auto type_text<nn::LazyConv<dims>> = nn::detail::numbered_type("LazyConv", dims);
template <int dims>
inline constexpr auto type_text<nn::LazyConvTranspose<dims>> =
    nn::detail::numbered_type("LazyConvTranspose", dims);
template <int dims>
inline constexpr auto type_text<nn::LazyNorm<nn::BatchNorm<dims>>> =
    nn::detail::numbered_type("LazyBatchNorm", dims);
template <int dims>
inline constexpr auto type_text<nn::LazyNorm<nn::InstanceNorm<dims>>> =
    nn::detail::numbered_type("LazyInstanceNorm", dims);
}  // namespace mica::reflect::detail
