// Elements by position: reading and writing along one dimension. Indices are i64 or i32 and must lie in
// 0..size-1, which is checked before anything is touched. Free functions of the members of Tensor with the
// same names.
//
// Where several positions write one element, sums take them in the order of the index and copies keep the
// last. Nothing depends on the number of threads.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// y[i, j, k] = x[i, index[i, j, k], k] for dim = 1. Shapes: an index with as many dimensions as x, no larger
// than x outside `dim`; the result has the shape of the index.
inline Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index) { return x.gather(dim, index); }

// A copy of x with y[i, index[i, j, k], k] = source[i, j, k] for dim = 1. Shapes: an index no larger than x
// outside `dim`, and nowhere larger than the source. Errors: source of another dtype than x. Where positions
// repeat, each of them gets the gradient of the element, as in PyTorch.
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

}  // namespace mica
