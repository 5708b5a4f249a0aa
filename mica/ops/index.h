// Elements by position along one dimension: reading and writing. Indices are i64 or i32 and must lie in
// 0..size-1 (where it says so, negative ones count from the end), which is checked before anything is
// touched. Free functions of the members of Tensor with the same names; those in place are members only.
//
// Where several positions write one element, sums take them in the order of the index, and copies keep the
// last but give each of them the gradient of the element, as in PyTorch. Nothing depends on the number of
// threads.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// --- an index as large as the result: the other coordinates are the position's own ---

// y[i, j, k] = x[i, index[i, j, k], k] for dim = 1. Shapes: an index with as many dimensions as x, no larger
// than x outside `dim`; the result has the shape of the index.
inline Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index) { return x.gather(dim, index); }
// The same with x and the index broadcast to each other outside `dim`; without `dim` of the flattened two.
Tensor take_along_dim(const Tensor& x, const Tensor& index, std::optional<std::int64_t> dim = {});
// The elements at these positions of the flattened tensor; negative ones count from the end.
Tensor take(const Tensor& x, const Tensor& index);

// A copy of x with y[i, index[i, j, k], k] = source[i, j, k] for dim = 1. Shapes: an index no larger than x
// outside `dim`, and nowhere larger than the source. Errors: source of another dtype than x.
inline Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return x.scatter(dim, index, source);
}
inline Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, Scalar value) {
  return x.scatter(dim, index, value);
}
// The same, adding to what is there.
inline Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return x.scatter_add(dim, index, source);
}
// The same, where each element becomes the sum, product... of its old self (unless include_self is false) and
// all that is written there. The mean of integers is rounded down. Equal extrema share the gradient.
enum class ScatterReduce : std::uint8_t { sum, prod, mean, amax, amin };
Tensor scatter_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                      ScatterReduce reduce, bool include_self = true);

// --- an index of one dimension: whole slices ---

// y[i, j, k] = x[i, index[j], k] for dim = 1.
inline Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index) {
  return x.index_select(dim, index);
}
// A copy of x with alpha * source[i, j, k] added to y[i, index[j], k] for dim = 1. Shapes: a source like x,
// but for as many slices as the index has numbers. Errors: source of another dtype than x.
inline Tensor index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                        Scalar alpha = 1) {
  return x.index_add(dim, index, source, alpha);
}
// The same, replacing what is there.
inline Tensor index_copy(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return x.index_copy(dim, index, source);
}
// A copy of x with these slices all `value`; negative indices count from the end.
inline Tensor index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, Scalar value) {
  return x.index_fill(dim, index, value);
}

}  // namespace mica
