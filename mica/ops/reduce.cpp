#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/reduce.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Reduce;

namespace {

// Which dimensions are reduced. No dimensions at all means every one, as in PyTorch.
std::uint32_t dim_mask(const char* operation, const Shape& dims, int rank) {
  if (dims.empty()) return (1U << rank) - 1;
  std::uint32_t mask = 0;
  for (const std::int64_t dim : dims) {
    const std::uint32_t bit = rank == 0 ? 0 : 1U << wrap_dim(dim, rank, operation);
    if (rank == 0) wrap_dim(dim, rank, operation);
    if ((mask & bit) != 0) {
      throw Error(operation, fmt::format("dimension {} appears twice in {}", dim, to_string(dims)));
    }
    mask |= bit;
  }
  return mask;
}

Shape reduced_sizes(const Shape& sizes, std::uint32_t mask, bool keepdim) {
  Shape out;
  for (int i = 0; i < sizes.size(); ++i) {
    if ((mask >> i & 1U) == 0)
      out.push_back(sizes[i]);
    else if (keepdim)
      out.push_back(1);
  }
  return out;
}

std::int64_t reduced_count(const Shape& sizes, std::uint32_t mask) {
  std::int64_t n = 1;
  for (int i = 0; i < sizes.size(); ++i) {
    if ((mask >> i & 1U) != 0) n *= sizes[i];
  }
  return n;
}

// The reduction without history. bf16 and f16 go through f32.
Tensor reduce(Reduce op, const Tensor& given, std::uint32_t mask, bool keepdim) {
  const DType type = ops::compute_type(given.dtype());
  const Tensor x = given.dtype() == type ? given : ops::convert(given, type);
  const bool counts = op == Reduce::sum || op == Reduce::prod;
  const DType result = counts && !is_floating_point(type) ? i64 : type;
  Tensor y = empty(reduced_sizes(x.sizes(), mask, keepdim), result);
  kernels::reduce(op, type, x.sizes(), ops::in(x), mask, y.raw_data());
  return given.dtype() == type ? y : ops::convert(y, given.dtype());
}

// A gradient of reduced shape, seen with the input's shape.
Tensor spread(const Tensor& grad, const Shape& sizes, std::uint32_t mask) {
  return grad.reshape(reduced_sizes(sizes, mask, true)).expand(sizes);
}

Tensor sum_over(const Tensor& x, std::uint32_t mask, bool keepdim) {
  Tensor y = reduce(Reduce::sum, x, mask, keepdim);
  if (!recording(x)) return y;
  return record("sum", y, {&x}, [sizes = x.sizes(), mask](const Node&, const Tensor& grad) {
    return spread(grad, sizes, mask);
  });
}

Tensor mean_over(const Tensor& x, std::uint32_t mask, bool keepdim) {
  ops::check_floating("mean", x);
  // A sum in bf16 or f16 would lose digits or overflow where the mean does not.
  if (const DType type = ops::compute_type(x.dtype()); type != x.dtype())
    return mean_over(x.to(type), mask, keepdim).to(x.dtype());
  const double scale = 1 / static_cast<double>(reduced_count(x.sizes(), mask));
  return sum_over(x, mask, keepdim) * scale;
}

Tensor var_over(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  ops::check_floating("var", x);
  if (const DType type = ops::compute_type(x.dtype()); type != x.dtype())
    return var_over(x.to(type), dims, correction, keepdim).to(x.dtype());
  const std::uint32_t mask = dim_mask("var", dims, x.sizes().size());
  const double n = static_cast<double>(reduced_count(x.sizes(), mask));
  const double divisor = std::max(0.0, n - correction);
  return sum_over(square(x - mean_over(x, mask, true)), mask, keepdim) / divisor;
}

Tensor std_over(const Tensor& x, const Shape& dims, double correction, bool keepdim) {
  const Tensor variance = var_over(x, dims, correction, keepdim);
  Tensor y = ops::unary(kernels::Unary::sqrt, variance, variance.dtype());
  if (!recording(variance)) return y;
  return record("std", y, {&variance}, [saved = SavedOutput(y)](const Node& node, const Tensor& grad) {
    // The square root is infinitely steep at 0; equal elements get the gradient 0 all the same.
    const Tensor y = saved.get(node);
    return grad / masked_fill(y * 2, eq(y, 0), std::numeric_limits<double>::infinity());
  });
}

Tensor extremum(const char* name, Reduce op, const Tensor& x) {
  if (x.numel() == 0) throw Error(name, fmt::format("nothing to reduce in shape {}", to_string(x.sizes())));
  Tensor y = reduce(op, x, dim_mask(name, {}, x.sizes().size()), false);
  if (!recording(x)) return y;
  return record(name, y, {&x}, [x = Saved(x), y = SavedOutput(y)](const Node& node, const Tensor& grad) {
    // NaN equals nothing, but where there is one it is the extremum.
    const Tensor input = x.get(node);
    const Tensor mask = logical_or(eq(input, y.get(node)), isnan(input)).to(grad.dtype());
    return mask * (grad / mask.sum());
  });
}

struct ArgReduced {
  Tensor values, indices;
  int dim;
};

ArgReduced arg_reduce(const char* name, bool largest, const Tensor& given, std::int64_t dim, bool keepdim) {
  const DType type = ops::compute_type(given.dtype());
  const Tensor x = given.dtype() == type ? given.detach() : ops::convert(given, type);
  const int d = wrap_dim(dim, x.sizes().size(), name);
  if (x.sizes().empty()) return {ops::convert(given, given.dtype()), zeros({}, i64), 0};
  if (x.sizes()[d] == 0) {
    throw Error(name, fmt::format("nothing to reduce in dimension {} of shape {}", d, to_string(x.sizes())));
  }
  const Shape sizes = reduced_sizes(x.sizes(), 1U << d, keepdim);
  Tensor values = empty(sizes, type);
  Tensor indices = empty(sizes, i64);
  kernels::arg_reduce(largest, type, x.sizes(), ops::in(x), d, values.raw_data(),
                      indices.data<std::int64_t>().data());
  return {given.dtype() == type ? values : ops::convert(values, given.dtype()), indices, d};
}

ValuesIndices extremum(const char* name, bool largest, const Tensor& x, std::int64_t dim, bool keepdim) {
  ArgReduced r = arg_reduce(name, largest, x, dim, keepdim);
  if (!recording(x)) return {r.values, r.indices};
  Tensor values = record(name, r.values, {&x},
                         [sizes = x.sizes(), d = r.dim, keepdim, saved = Saved(r.indices)](
                             const Node& node, const Tensor& grad) {
                           if (sizes.empty()) return grad;
                           const Tensor indices = saved.get(node);
                           const Tensor g = keepdim ? grad : grad.unsqueeze(d);
                           const Tensor at = keepdim ? indices : indices.unsqueeze(d);
                           Shape along = Shape::filled(sizes.size(), 1);
                           along[d] = sizes[d];
                           return g * eq(at, arange(sizes[d]).reshape(along));
                         });
  return {values, r.indices};
}

Tensor arg_extremum(const char* name, bool largest, const Tensor& x, std::optional<std::int64_t> dim,
                    bool keepdim) {
  if (dim) return arg_reduce(name, largest, x, *dim, keepdim).indices;
  if (x.numel() == 0) throw Error(name, fmt::format("nothing to reduce in shape {}", to_string(x.sizes())));
  const Tensor index = arg_reduce(name, largest, x.detach().reshape({-1}), 0, false).indices;
  return keepdim ? index.reshape(Shape::filled(x.sizes().size(), 1)) : index;
}

}  // namespace

Tensor Tensor::sum() const { return sum({}); }
Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return sum_over(*this, dim_mask("sum", dims, sizes().size()), keepdim);
}
Tensor Tensor::mean() const { return mean({}); }
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return mean_over(*this, dim_mask("mean", dims, sizes().size()), keepdim);
}
Tensor Tensor::var(const Shape& dims, double correction, bool keepdim) const {
  return var_over(*this, dims, correction, keepdim);
}
Tensor Tensor::std(const Shape& dims, double correction, bool keepdim) const {
  return std_over(*this, dims, correction, keepdim);
}

Tensor Tensor::max() const { return extremum("max", Reduce::max, *this); }
Tensor Tensor::min() const { return extremum("min", Reduce::min, *this); }
ValuesIndices Tensor::max(std::int64_t dim, bool keepdim) const {
  return extremum("max", true, *this, dim, keepdim);
}
ValuesIndices Tensor::min(std::int64_t dim, bool keepdim) const {
  return extremum("min", false, *this, dim, keepdim);
}
Tensor Tensor::argmax(std::optional<std::int64_t> dim, bool keepdim) const {
  return arg_extremum("argmax", true, *this, dim, keepdim);
}
Tensor Tensor::argmin(std::optional<std::int64_t> dim, bool keepdim) const {
  return arg_extremum("argmin", false, *this, dim, keepdim);
}

namespace {
Tensor reduce_bool(Reduce op, const Tensor& x) {
  const Tensor b = x.dtype() == boolean ? x : ops::convert(x, boolean);
  return reduce(op, b, dim_mask("any", {}, b.sizes().size()), false);
}
}  // namespace
Tensor Tensor::any() const { return reduce_bool(Reduce::any, *this); }
Tensor Tensor::all() const { return reduce_bool(Reduce::all, *this); }

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
  const Tensor reduced = mask == 0 ? *this : sum_over(*this, mask, true);
  return reduced.reshape(target);
}

}  // namespace mica
