// Internal: what reductions share.
#pragma once

#include <cstdint>

#include <mica/kernels/reduce.h>
#include <mica/ops/detail.h>

namespace mica::ops {

// A row-major tensor as (outer, n, inner), where n is its dimension d.
struct Extent {
  std::int64_t outer = 1, n = 1, inner = 1;
};
Extent extent(const Shape& sizes, int d);

// Which dimensions are reduced: bit i stands for dimension i. No dimensions at all means every one, as in
// PyTorch. Errors: out of range; the same one twice.
std::uint32_t dim_mask(const char* operation, const Shape& dims, int rank);

Shape reduced_sizes(const Shape& sizes, std::uint32_t mask, bool keepdim);
// How many elements each result is made of.
std::int64_t reduced_count(const Shape& sizes, std::uint32_t mask);

// The reduction without history. bf16 and f16 go through f32.
Tensor reduce(kernels::Reduce op, const Tensor& x, std::uint32_t mask, bool keepdim);
Tensor sum_over(const Tensor& x, std::uint32_t mask, bool keepdim);

// A result or gradient of reduced shape with the reduced dimensions back, of size 1.
inline Tensor with_kept_dims(const Tensor& y, const Shape& sizes, std::uint32_t mask) {
  return y.reshape(reduced_sizes(sizes, mask, true));
}

// The gradient of results y that are one of the elements each: equal ones share it. NaN equals nothing, but
// where the result is NaN, the NaNs made it so.
Tensor shared_evenly(const Tensor& grad, const Tensor& x, const Tensor& y, std::uint32_t mask);

// Records values that are the elements of x at `indices` along dimension d. `squeezed` ones have lost that
// dimension.
Tensor record_selection(const char* operation, const Tensor& values, const Tensor& x, int d,
                        const Tensor& indices, bool squeezed);

// Errors: there is a result of nothing.
void check_not_empty(const char* operation, const Shape& sizes, std::uint32_t mask);

}  // namespace mica::ops
