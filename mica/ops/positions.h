// Internal: what operations with index tensors share.
#pragma once

#include <mica/kernels/lookup.h>
#include <mica/ops/detail.h>

namespace mica::ops {

enum class Negative : bool { refused, from_the_end };

// The index as kernels take it: i64, row-major, of the shape of `index` but for broadcast dimensions, which
// have size 1; nothing negative. Errors: not i64 or i32; a number outside 0..size-1, or -size..size-1.
Tensor checked_index(const char* operation, const Tensor& index, Negative negative, std::int64_t size,
                     int dim);

// The elements of x that `sizes` positions of an index along `dim` stand for. A tensor without dimensions
// counts as one of shape (1). `index` is a checked one, which must stay alive.
kernels::Lookup lookup_along(const Tensor& x, int dim, const Tensor& index, const Shape& sizes);

// x[position's element] op= source[position] in x's memory, where `lookup(x)` says which elements. Sums and
// products of bf16 and f16 are computed in f32.
template <class MakeLookup>
void scatter_into(kernels::Scatter op, const Tensor& x, const Tensor& source, const MakeLookup& make) {
  const bool moves = op == kernels::Scatter::copy;
  const DType type = moves ? x.dtype() : compute_type(x.dtype());
  const Tensor target = type == x.dtype() ? x : convert(x, type);
  const Tensor from = type == source.dtype() ? source : convert(source, type);
  const kernels::Lookup lookup = make(target);
  kernels::scatter(op, type, lookup, in(from, lookup.sizes), target.raw_data());
  if (!target.is_same(x)) kernels::convert(x.sizes(), type, in(target), x.dtype(), out(x));
}

}  // namespace mica::ops
