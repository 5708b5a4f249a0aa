// Internal: what operations with index tensors share.
#pragma once

#include <utility>

#include <mica/kernels/lookup.h>
#include <mica/ops/detail.h>
#include <mica/ops/inplace.h>

namespace mica::ops {

enum class Negative : bool { refused, from_the_end };

// The index as kernels take it: i64, row-major, of the shape of `index` but for broadcast dimensions, which
// have size 1; nothing negative. Errors: not i64 or i32; a number outside 0..size-1, or -size..size-1.
Tensor checked_index(const char* operation, const Tensor& index, Negative negative, std::int64_t size,
                     int dim);

// The elements of x that `sizes` positions of an index along `dim` stand for. A tensor without dimensions
// counts as one of shape (1). `index` is a checked one, which must stay alive.
kernels::Lookup lookup_along(const Tensor& x, int dim, const Tensor& index, const Shape& sizes);

// Tensors without dimensions count as ones of shape (1).
inline int rank_of(const Tensor& x) { return x.sizes().empty() ? 1 : x.sizes().size(); }
inline std::int64_t size_of(const Tensor& x, int dim) { return x.sizes().empty() ? 1 : x.sizes()[dim]; }

// How an index with the dimensions of x lies along one of them.
struct Along {
  int dim;
  Tensor index;  // checked
  Shape sizes;   // of the index
  kernels::Lookup operator()(const Tensor& x) const { return lookup_along(x, dim, index, sizes); }
};
// Errors: an index that is larger than x outside `dim`, and those of checked_index.
Along along(const char* operation, const Tensor& x, std::int64_t dim, const Tensor& index);
// The part of the source that such an index reaches. Errors: another dtype than x; smaller than the index.
Tensor fitted(const char* operation, const Tensor& x, const Tensor& source, const Tensor& index);

// x[position's element] op= source[position] in x's memory, where at(x) says which elements. Sums and
// products of bf16 and f16 are computed in f32.
template <class At>
void scatter_into(kernels::Scatter op, const Tensor& x, const Tensor& source, const At& at) {
  const DType type = op == kernels::Scatter::copy ? x.dtype() : compute_type(x.dtype());
  const Tensor target = type == x.dtype() ? x : convert(x, type);
  const Tensor from = type == source.dtype() ? source : convert(source, type);
  const kernels::Lookup lookup = at(target);
  kernels::scatter(op, type, lookup, in(from, lookup.sizes), target.raw_data());
  if (!target.is_same(x)) kernels::convert(x.sizes(), type, in(target), x.dtype(), out(x));
}

// The same as an operation: on a copy of x, and on x itself. `rule` is backward to x and the source.
template <class At, class Rule>
Tensor record_scatter(const char* operation, kernels::Scatter op, const Tensor& x, const Tensor& source,
                      const At& at, Rule rule) {
  Tensor y = convert(x, x.dtype());
  scatter_into(op, y, source, at);
  if (!autograd::recording(x, source)) return y;
  return autograd::record(operation, std::move(y), {&x, &source}, std::move(rule));
}
template <class At, class Rule>
Tensor& record_scatter_in_place(const char* operation, kernels::Scatter op, Tensor& x, const Tensor& source,
                                const At& at, Rule rule) {
  const bool tracked = check_in_place(operation, x, source);
  check_no_overlap(operation, x);
  const Tensor before = tracked ? history_of(x) : Tensor();
  scatter_into(op, x, source.shares_storage(x) ? convert(source, source.dtype()) : source, at);
  mark_changed(operation, x, tracked);
  if (tracked) autograd::record(operation, x, {&before, &source}, std::move(rule));
  return x;
}

}  // namespace mica::ops
