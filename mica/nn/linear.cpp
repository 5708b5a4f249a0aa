#include <cmath>

#include <fmt/format.h>

#include <mica/nn/init.h>
#include <mica/nn/linear.h>
#include <mica/ops/matmul.h>

namespace mica::nn {

Linear::Linear(std::int64_t in, std::int64_t out, const LinearOptions& options)
    : in_features(in), out_features(out) {
  detail::forbid_construction_inside_forward("nn::Linear");
  if (in < 0 || out < 0)
    throw Error("Linear", fmt::format("in_features {} and out_features {} must not be negative", in, out));
  weight = Parameter(empty({out, in}, options.dtype));
  if (options.bias) bias = Parameter(empty(Shape(out), options.dtype));
  reset_parameters();
}

void Linear::reset_parameters() {
  if (!weight.defined()) return;
  reset_weight();
  reset_bias();
}

void Linear::reset_weight() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));  // with this slope the bound is 1 / sqrt(fan_in)
}

void Linear::reset_bias() {
  if (!bias.defined()) return;
  const double bound = in_features > 0 ? 1 / std::sqrt(static_cast<double>(in_features)) : 0;
  init::uniform_(bias, -bound, bound);
}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias); }

std::int64_t Linear::flops(const Arguments&, const Value& result) const {
  return 2 * result.tensor().numel() * in_features;
}

std::string Linear::extra_repr() const {
  return fmt::format("in_features={}, out_features={}, bias={}", in_features, out_features,
                     detail::show(!bias.is_absent()));
}

Bilinear::Bilinear(std::int64_t in1, std::int64_t in2, std::int64_t out, const LinearOptions& options)
    : in1_features(in1), in2_features(in2), out_features(out) {
  detail::forbid_construction_inside_forward("nn::Bilinear");
  if (in1 <= 0 || in2 < 0 || out < 0) {
    throw Error("Bilinear",
                fmt::format("in1_features {}, in2_features {} and out_features {}", in1, in2, out),
                "the first must be positive, the others not negative");
  }
  weight = Parameter(empty({out, in1, in2}, options.dtype));
  if (options.bias) bias = Parameter(empty(Shape(out), options.dtype));
  reset_parameters();
}

void Bilinear::reset_parameters() {
  const double bound = 1 / std::sqrt(static_cast<double>(in1_features));
  init::uniform_(weight, -bound, bound);
  if (bias.defined()) init::uniform_(bias, -bound, bound);
}

Tensor Bilinear::forward(const Tensor& x1, const Tensor& x2) { return bilinear(x1, x2, weight, bias); }

std::string Bilinear::extra_repr() const {
  return fmt::format("in1_features={}, in2_features={}, out_features={}, bias={}", in1_features, in2_features,
                     out_features, detail::show(!bias.is_absent()));
}

}  // namespace mica::nn
