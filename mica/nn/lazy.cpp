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
void check_first(const std::string& type, const Tensor& x, std::initializer_list<std::int64_t> dims,
                 DType dtype) {
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
    check_first(type, x, {dims + 1, dims + 2}, known->dtype);
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

void detail::make_lazy(ChannelNorm& norm, DType dtype) {
  if (norm.affine) {
    norm.weight = Parameter::uninitialized({-1}, dtype);
    norm.bias = Parameter::uninitialized({-1}, dtype);
  }
  if (norm.track_running_stats) {
    norm.running_mean = Buffer::uninitialized({-1}, dtype);
    norm.running_var = Buffer::uninitialized({-1}, dtype);
  }
}

void detail::initialize(std::string_view type, ChannelNorm& norm, const NormInput& input, const Tensor& x) {
  const std::pair<StateTensor*, double> members[] = {
      {&norm.weight, 1}, {&norm.bias, 0}, {&norm.running_mean, 0}, {&norm.running_var, 1}};
  const std::string name(type);
  std::int64_t features = -1;
  for (const auto& [member, value] : members) {
    if (member->defined()) features = member->size(0);  // loaded
    if (const Uninitialized* known = member->pending())
      check_first(name, x, {input.least, input.most}, known->dtype);
  }
  if (features == -1) {
    check_first(name, x, {input.least, input.most}, x.dtype());
    features = x.size(input.channel);
  }
  for (const auto& [member, value] : members) {
    if (materialize(*member, Shape(features))) init::constant_(*member, value);
  }
  norm.num_features = features;
}

}  // namespace mica::nn
