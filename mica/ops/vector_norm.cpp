#include <cmath>
#include <limits>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>
#include <mica/ops/reduction.h>

namespace mica {

using autograd::record;
using autograd::recording;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor zero_norm(const Tensor& x, std::uint32_t mask, bool keepdim) {
  Tensor y = ops::sum_over(ne(x, 0), mask, keepdim).to(x.dtype());
  if (!recording(x)) return y;
  return record("norm", y, {&x}, [](const Node&, const Tensor&) { return Tensor(); });  // steps: no gradient
}

Tensor sum_of_powers(const Tensor& x, double p, std::uint32_t mask, bool keepdim) {
  return ops::sum_over(p == 2 ? square(x) : pow(abs(x), p), mask, keepdim);
}

// The derivative of the norm y: sign(x) * (|x| / y)^(p - 1), and 0 for x = 0 and y = 0.
Tensor p_norm_derivative(const Tensor& x, const Tensor& y, double p) {
  if (p == 2) return x / masked_fill(y, eq(y, 0), infinity);
  const Tensor zero = logical_or(eq(x, 0), eq(y, 0));
  const Tensor ratio = masked_fill(abs(x), zero, 1) / masked_fill(y, eq(y, 0), 1);
  return sign(x) * masked_fill(pow(ratio, p - 1), zero, 0);
}

Tensor p_norm(const Tensor& x, double p, std::uint32_t mask, bool keepdim) {
  const Tensor sum = sum_of_powers(x.detach(), p, mask, keepdim);
  Tensor y = p == 2 ? sqrt(sum) : pow(sum, 1 / p);
  if (!recording(x)) return y;
  return record("norm", y, {&x},
                [p, mask, x = Saved(x), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                  const Tensor input = x.get(node);
                  const Tensor norm = ops::with_kept_dims(y.get(node), input.sizes(), mask);
                  return ops::with_kept_dims(grad, input.sizes(), mask) * p_norm_derivative(input, norm, p);
                });
}

}  // namespace

Tensor Tensor::norm(double p) const { return norm(p, {}); }

Tensor Tensor::norm(double p, const Shape& dims, bool keepdim) const {
  ops::check_floating("norm", *this);
  if (const DType type = ops::compute_type(dtype()); type != dtype())
    return to(type).norm(p, dims, keepdim).to(dtype());
  const std::uint32_t mask = ops::dim_mask("norm", dims, sizes().size());
  if (std::isinf(p)) {
    ops::check_not_empty("norm", sizes(), mask);
    const Tensor magnitude = mica::abs(*this);
    return p > 0 ? magnitude.amax(dims, keepdim) : magnitude.amin(dims, keepdim);
  }
  if (p == 0) return zero_norm(*this, mask, keepdim);
  if (p == 1) return ops::sum_over(mica::abs(*this), mask, keepdim);
  return p_norm(*this, p, mask, keepdim);
}

namespace {

Tensor log_sum_exp(const Tensor& x, std::uint32_t mask, bool keepdim) {
  if (ops::reduced_count(x.sizes(), mask) == 0)
    return full(ops::reduced_sizes(x.sizes(), mask, keepdim), -infinity, x.dtype());
  const Tensor largest = ops::reduce(kernels::Reduce::max, x, mask, true);
  // Infinite rows are what they are without being moved.
  const Tensor shift = masked_fill(largest, eq(mica::abs(largest), infinity), 0);
  const Tensor y = log(ops::sum_over(exp(x - shift), mask, true)) + shift;
  return keepdim ? y : y.reshape(ops::reduced_sizes(x.sizes(), mask, false));
}

Tensor log_sum_exp_derivative(const Tensor& x, const Tensor& y) {
  return exp(x - masked_fill(y, eq(y, -infinity), 0));
}

}  // namespace

Tensor Tensor::logsumexp(const Shape& dims, bool keepdim) const {
  const DType floating = ops::floating_type(dtype());
  if (const DType type = ops::compute_type(floating); type != dtype())
    return to(type).logsumexp(dims, keepdim).to(floating);
  const std::uint32_t mask = ops::dim_mask("logsumexp", dims, sizes().size());
  Tensor y = log_sum_exp(detach(), mask, keepdim);
  if (!recording(*this)) return y;
  return record("logsumexp", y, {this},
                [mask, x = Saved(*this), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
                  const Tensor input = x.get(node);
                  const Tensor result = ops::with_kept_dims(y.get(node), input.sizes(), mask);
                  return ops::with_kept_dims(grad, input.sizes(), mask) *
                         log_sum_exp_derivative(input, result);
                });
}

}  // namespace mica
