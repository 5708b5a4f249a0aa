#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/compare.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/recurrence.h>
#include <mica/ops/reduce.h>
#include <mica/ops/reduction.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Reduce;

namespace {

Tensor mean_over(const Tensor& x, std::uint32_t mask, bool keepdim) {
  ops::check_floating("mean", x);
  // A sum in bf16 or f16 would lose digits or overflow where the mean does not.
  if (const DType type = ops::compute_type(x.dtype()); type != x.dtype())
    return mean_over(x.to(type), mask, keepdim).to(x.dtype());
  const double scale = 1 / static_cast<double>(ops::reduced_count(x.sizes(), mask));
  return ops::sum_over(x, mask, keepdim) * scale;
}

VarMean var_mean_over(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  const std::uint32_t mask = ops::dim_mask("var", dims, x.sizes().size());
  const double n = static_cast<double>(ops::reduced_count(x.sizes(), mask));
  const double divisor = std::max(0.0, n - correction);
  const Tensor mean = mean_over(x, mask, true);
  const Tensor var = ops::sum_over(square(x - mean), mask, keepdim) / divisor;
  return {var, keepdim ? mean : mean.reshape(ops::reduced_sizes(x.sizes(), mask, false))};
}

Tensor var_over(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  ops::check_floating("var", x);
  const DType type = ops::compute_type(x.dtype());
  return var_mean_over(x.to(type), dims, correction, keepdim).var.to(x.dtype());
}

// The standard deviation of a variance. The square root is infinitely steep at 0; equal elements get the
// gradient 0 all the same.
Tensor root(const Tensor& variance) {
  Tensor y = ops::unary(kernels::Unary::sqrt, variance, variance.dtype());
  if (!recording(variance)) return y;
  return record("std", y, {&variance}, [saved = SavedOutput(y)](const Node& node, const Tensor& grad) {
    const Tensor y = saved.get(node);
    return grad / masked_fill(y * 2, eq(y, 0), std::numeric_limits<double>::infinity());
  });
}

Tensor std_over(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  ops::check_floating("std", x);
  const DType type = ops::compute_type(x.dtype());
  return root(var_mean_over(x.to(type), dims, correction, keepdim).var).to(x.dtype());
}

}  // namespace

Tensor Tensor::sum() const { return sum({}); }
Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return ops::sum_over(*this, ops::dim_mask("sum", dims, sizes().size()), keepdim);
}
Tensor Tensor::mean() const { return mean({}); }
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return mean_over(*this, ops::dim_mask("mean", dims, sizes().size()), keepdim);
}
Tensor Tensor::var(const Shape& dims, double correction, bool keepdim) const {
  return var_over(*this, dims, correction, keepdim);
}
Tensor Tensor::std(const Shape& dims, double correction, bool keepdim) const {
  return std_over(*this, dims, correction, keepdim);
}

VarMean var_mean(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  ops::check_floating("var_mean", x);
  const VarMean both = var_mean_over(x.to(ops::compute_type(x.dtype())), dims, correction, keepdim);
  return {both.var.to(x.dtype()), both.mean.to(x.dtype())};
}

StdMean std_mean(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  ops::check_floating("std_mean", x);
  const VarMean both = var_mean_over(x.to(ops::compute_type(x.dtype())), dims, correction, keepdim);
  return {root(both.var).to(x.dtype()), both.mean.to(x.dtype())};
}

Tensor nansum(const Tensor& x, const Shape& dims, bool keepdim) {
  const std::uint32_t mask = ops::dim_mask("nansum", dims, x.sizes().size());
  return ops::sum_over(x.is_floating_point() ? masked_fill(x, isnan(x), 0) : x, mask, keepdim);
}

Tensor nanmean(const Tensor& x, const Shape& dims, bool keepdim) {
  ops::check_floating("nanmean", x);
  const Tensor wide = x.to(ops::compute_type(x.dtype()));
  const Tensor numbers = logical_not(isnan(x)).sum(dims, keepdim);
  return (nansum(wide, dims, keepdim) / numbers.to(wide.dtype())).to(x.dtype());
}

namespace {

// The derivative in each factor is the product of the others: of those before it and those behind it. Unlike
// a division by the factor, that is right where factors are zero.
Tensor product_of_others(const Tensor& x, int d) {
  return ops::cumprod_before(x, d, ops::Direction::forward) *
         ops::cumprod_before(x, d, ops::Direction::backward);
}

}  // namespace

Tensor Tensor::prod(std::int64_t dim, bool keepdim) const {
  if (autocast_enabled())
    return ops::autocast_to<f32>([=](const Tensor& x) { return x.prod(dim, keepdim); }, *this);
  if (const DType type = ops::compute_type(dtype()); type != dtype())
    return to(type).prod(dim, keepdim).to(dtype());
  const int d = wrap_dim(dim, sizes().size(), "prod");
  const std::uint32_t mask = ops::dim_mask("prod", dim, sizes().size());
  Tensor y = ops::reduce(Reduce::prod, *this, mask, keepdim);
  if (!recording(*this)) return y;
  return record("prod", y, {this}, [d, mask, x = Saved(*this)](const Node& node, const Tensor& grad) {
    const Tensor factors = x.get(node);
    if (factors.sizes().empty()) return grad;
    return ops::with_kept_dims(grad, factors.sizes(), mask) * product_of_others(factors, d);
  });
}
Tensor Tensor::prod() const { return flatten().prod(0); }

namespace {

Tensor reduce_bool(const char* name, Reduce op, const Tensor& x, const Shape& dims, bool keepdim) {
  const Tensor b = x.dtype() == boolean ? x : ops::convert(x, boolean);
  return ops::reduce(op, b, ops::dim_mask(name, dims, b.sizes().size()), keepdim);
}

}  // namespace

Tensor Tensor::any() const { return any({}); }
Tensor Tensor::all() const { return all({}); }
Tensor Tensor::any(const Shape& dims, bool keepdim) const {
  return reduce_bool("any", Reduce::any, *this, dims, keepdim);
}
Tensor Tensor::all(const Shape& dims, bool keepdim) const {
  return reduce_bool("all", Reduce::all, *this, dims, keepdim);
}

Tensor Tensor::sum_to_size(const Shape& target) const {
  if (sizes() == target) return *this;
  const int lead = sizes().size() - target.size();
  bool fits = lead >= 0;
  std::uint32_t mask = 0;
  for (int i = 0; fits && i < sizes().size(); ++i) {
    const std::int64_t want = i < lead ? 1 : target[i - lead];
    if (want == 1 && (i < lead || sizes()[i] != 1))
      mask |= 1U << i;
    else
      fits = i < lead || want == sizes()[i];
  }
  if (!fits) {
    throw Error("sum_to_size",
                fmt::format("shape {} is no broadcast of {}", to_string(sizes()), to_string(target)));
  }
  const Tensor reduced = mask == 0 ? *this : ops::sum_over(*this, mask, true);
  return reduced.reshape(target);
}

}  // namespace mica
