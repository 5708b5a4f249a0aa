#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/init.h>
#include <mica/nn/lazy.h>
#include <mica/ops/matmul.h>

namespace mica::nn {

namespace {

// A wrong first input must not decide the size.
void check_first(const char* type, const Tensor& x, std::initializer_list<std::int64_t> dims, DType dtype) {
  for (const std::int64_t dim : dims) {
    if (x.dim() == dim && x.dtype() == dtype) return;
  }
  throw Error(
      type,
      fmt::format("the first input, {} {}, does not fit a layer of {}", name(x.dtype()),
                  mica::to_string(x.sizes()), name(dtype)),
      "the first input decides the size of the layer: it must have the dtype and the number of dimensions "
      "of those to come");
}

// Gives it its shape if it has none yet; whether it had none.
bool materialize(StateTensor& x, const Shape& sizes) {
  if (!x.is_uninitialized()) return false;
  x.materialize(sizes);
  return true;
}

void make_lazy(detail::BatchNorm& norm, DType dtype) {
  if (norm.affine) {
    norm.weight = Parameter::uninitialized({-1}, dtype);
    norm.bias = Parameter::uninitialized({-1}, dtype);
  }
  if (norm.track_running_stats) {
    norm.running_mean = Buffer::uninitialized({-1}, dtype);
    norm.running_var = Buffer::uninitialized({-1}, dtype);
  }
}

// `channel`: which dimension they are.
void initialize(const char* type, detail::BatchNorm& norm, const Tensor& x,
                std::initializer_list<std::int64_t> dims, std::int64_t channel = 1) {
  const std::pair<StateTensor*, double> members[] = {
      {&norm.weight, 1}, {&norm.bias, 0}, {&norm.running_mean, 0}, {&norm.running_var, 1}};
  std::int64_t features = -1;
  for (const auto& [member, value] : members) {
    if (member->defined()) features = member->size(0);  // loaded
    if (const Uninitialized* known = member->pending()) check_first(type, x, dims, known->dtype);
  }
  if (features == -1) {
    check_first(type, x, dims, x.dtype());
    features = x.size(channel);
  }
  for (const auto& [member, value] : members) {
    if (materialize(*member, Shape(features))) init::constant_(*member, value);
  }
  norm.num_features = features;
}

}  // namespace

LazyLinear::LazyLinear(std::int64_t out, const LinearOptions& options) {
  detail::forbid_construction_inside_forward("nn::LazyLinear");
  if (out < 0) throw Error("LazyLinear", fmt::format("out_features {} must not be negative", out));
  out_features = out;
  weight = Parameter::uninitialized({out, -1}, options.dtype);
  if (options.bias) bias = Parameter::uninitialized(Shape(out), options.dtype);
}

Tensor LazyLinear::forward(const Tensor& x) {
  if (in_features == 0) {
    if (const Uninitialized* known = weight.pending()) {
      if (x.dim() == 0 || x.dtype() != known->dtype) check_first("LazyLinear", x, {}, known->dtype);
      weight.materialize({out_features, x.size(-1)});
      reset_weight();
    }
    in_features = weight.size(1);
    if (materialize(bias, Shape(out_features))) reset_bias();
  }
  return linear(x, weight, bias);
}

void detail::ConvLayer::initialize(bool transposed, const Tensor& x) {
  if (in_channels != 0) return;
  const int dims = kernel_size.size();
  if (const Uninitialized* known = weight.pending()) {
    const std::string type(conv_type(true, transposed, dims));
    check_first(type.c_str(), x, {dims + 1, dims + 2}, known->dtype);
    const std::int64_t channels = x.size(-dims - 1);
    if (channels < 1 || channels % groups != 0) {
      throw Error(type,
                  fmt::format("{} channels must be positive and divisible by groups {}", channels, groups));
    }
    Shape sizes = known->sizes;
    sizes[transposed ? 0 : 1] = transposed ? channels : channels / groups;
    weight.materialize(sizes);
    reset_weight();
  }
  in_channels = transposed ? weight.size(0) : weight.size(1) * groups;
  if (materialize(bias, Shape(out_channels))) reset_bias();
}

LazyBatchNorm1d::LazyBatchNorm1d(const BatchNormOptions& options) : BatchNorm1d(0, options) {
  make_lazy(*this, options.dtype);
}

Tensor LazyBatchNorm1d::forward(const Tensor& x) {
  if (num_features == 0) initialize("LazyBatchNorm1d", *this, x, {2, 3});
  return BatchNorm1d::forward(x);
}

LazyBatchNorm2d::LazyBatchNorm2d(const BatchNormOptions& options) : BatchNorm2d(0, options) {
  make_lazy(*this, options.dtype);
}

Tensor LazyBatchNorm2d::forward(const Tensor& x) {
  if (num_features == 0) initialize("LazyBatchNorm2d", *this, x, {4});
  return BatchNorm2d::forward(x);
}

LazyBatchNorm3d::LazyBatchNorm3d(const BatchNormOptions& options) : BatchNorm3d(0, options) {
  make_lazy(*this, options.dtype);
}

Tensor LazyBatchNorm3d::forward(const Tensor& x) {
  if (num_features == 0) initialize("LazyBatchNorm3d", *this, x, {5});
  return BatchNorm3d::forward(x);
}

LazyInstanceNorm1d::LazyInstanceNorm1d(const InstanceNormOptions& options) : InstanceNorm1d(0, options) {
  make_lazy(*this, options.dtype);
}

Tensor LazyInstanceNorm1d::forward(const Tensor& x) {
  if (num_features == 0) initialize("LazyInstanceNorm1d", *this, x, {2, 3}, -2);
  return InstanceNorm1d::forward(x);
}

LazyInstanceNorm2d::LazyInstanceNorm2d(const InstanceNormOptions& options) : InstanceNorm2d(0, options) {
  make_lazy(*this, options.dtype);
}

Tensor LazyInstanceNorm2d::forward(const Tensor& x) {
  if (num_features == 0) initialize("LazyInstanceNorm2d", *this, x, {3, 4}, -3);
  return InstanceNorm2d::forward(x);
}

LazyInstanceNorm3d::LazyInstanceNorm3d(const InstanceNormOptions& options) : InstanceNorm3d(0, options) {
  make_lazy(*this, options.dtype);
}

Tensor LazyInstanceNorm3d::forward(const Tensor& x) {
  if (num_features == 0) initialize("LazyInstanceNorm3d", *this, x, {4, 5}, -4);
  return InstanceNorm3d::forward(x);
}

}  // namespace mica::nn
