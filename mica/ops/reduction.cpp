#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduction.h>

namespace mica::ops {

using autograd::record;
using autograd::recording;
using kernels::Reduce;

Extent extent(const Shape& sizes, int d) {
  Extent e;
  for (int i = 0; i < sizes.size(); ++i) (i < d ? e.outer : i == d ? e.n : e.inner) *= sizes[i];
  return e;
}

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

Tensor reduce(Reduce op, const Tensor& given, std::uint32_t mask, bool keepdim) {
  const DType type = compute_type(given.dtype());
  const Tensor x = given.dtype() == type ? given : convert(given, type);
  const bool counts = op == Reduce::sum || op == Reduce::prod;
  const DType result = counts && !is_floating_point(type) ? i64 : type;
  Tensor y = empty(reduced_sizes(x.sizes(), mask, keepdim), result);
  kernels::reduce(op, type, x.sizes(), in(x), mask, y.raw_data());
  return given.dtype() == type ? y : convert(y, given.dtype());
}

Tensor sum_over(const Tensor& x, std::uint32_t mask, bool keepdim) {
  Tensor y = reduce(Reduce::sum, x, mask, keepdim);
  if (!recording(x)) return y;
  return record("sum", y, {&x}, [sizes = x.sizes(), mask](const Node&, const Tensor& grad) {
    return with_kept_dims(grad, sizes, mask).expand(sizes);
  });
}

Tensor shared_evenly(const Tensor& grad, const Tensor& x, const Tensor& y, std::uint32_t mask) {
  const Tensor result = with_kept_dims(y, x.sizes(), mask);
  const Tensor same =
      logical_or(eq(x, result), logical_and(isnan(x), isnan(result))).to(compute_type(grad.dtype()));
  return same * (with_kept_dims(grad, x.sizes(), mask) / sum_over(same, mask, true));
}

Tensor record_selection(const char* operation, const Tensor& values, const Tensor& x, int d,
                        const Tensor& indices, bool squeezed) {
  if (!recording(x)) return values;
  const bool restore = squeezed && !x.sizes().empty();
  return record(
      operation, values, {&x},
      [sizes = x.sizes(), d, restore, saved = Saved(indices)](const Node& node, const Tensor& grad) {
        const Tensor at = saved.get(node);
        return zeros(sizes, grad.dtype())
            .scatter_add(d, restore ? at.unsqueeze(d) : at, restore ? grad.unsqueeze(d) : grad);
      });
}

void check_not_empty(const char* operation, const Shape& sizes, std::uint32_t mask) {
  if (reduced_count(sizes, mask) != 0 || reduced_sizes(sizes, mask, false).numel() == 0) return;
  throw Error(operation, fmt::format("nothing to reduce in shape {}", to_string(sizes)));
}

}  // namespace mica::ops
