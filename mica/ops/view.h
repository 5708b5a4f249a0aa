// Views: the same memory seen with other sizes and strides, and copies that change only the memory order.
// Each is differentiable. Free functions of the members of Tensor with the same names. Negative dimensions
// count from the end; a tensor has at most eight.
#pragma once

#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// One size may be -1. Errors: another number of elements; for view, strides that cannot express the shape,
// where reshape copies.
inline Tensor view(const Tensor& x, const Shape& sizes) { return x.view(sizes); }
inline Tensor reshape(const Tensor& x, const Shape& sizes) { return x.reshape(sizes); }
inline Tensor view_as(const Tensor& x, const Tensor& other) { return x.view_as(other); }
inline Tensor reshape_as(const Tensor& x, const Tensor& other) { return x.reshape_as(other); }
inline Tensor flatten(const Tensor& x, std::int64_t start_dim = 0, std::int64_t end_dim = -1) {
  return x.flatten(start_dim, end_dim);
}
// The reverse of flatten: splits a dimension into `sizes`, one of which may be -1.
inline Tensor unflatten(const Tensor& x, std::int64_t dim, const Shape& sizes) {
  return x.unflatten(dim, sizes);
}
inline Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  return x.transpose(dim0, dim1);
}
// Matrix transpose of up to two dimensions.
inline Tensor t(const Tensor& x) { return x.t(); }
inline Tensor permute(const Tensor& x, const Shape& dims) { return x.permute(dims); }
// Puts the dimensions `source` at the places `destination`; the others keep their order.
inline Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination) {
  return x.movedim(source, destination);
}
inline Tensor unsqueeze(const Tensor& x, std::int64_t dim) { return x.unsqueeze(dim); }
inline Tensor squeeze(const Tensor& x) { return x.squeeze(); }
inline Tensor squeeze(const Tensor& x, std::int64_t dim) { return x.squeeze(dim); }
// Sizes of 1 grow without a copy; -1 keeps a size; new dimensions come first.
inline Tensor expand(const Tensor& x, const Shape& sizes) { return x.expand(sizes); }
inline Tensor expand_as(const Tensor& x, const Tensor& other) { return x.expand_as(other); }
inline Tensor broadcast_to(const Tensor& x, const Shape& sizes) { return x.expand(sizes); }
// All of one shape, that of their sum. Errors: sizes that differ and are not 1.
std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors);
// The reverse of expand: sums over broadcast dimensions.
inline Tensor sum_to_size(const Tensor& x, const Shape& sizes) { return x.sum_to_size(sizes); }

// x[:, ..., index] without that dimension; x[:, ..., start : start + length]; x[:, ..., first : last : step].
inline Tensor select(const Tensor& x, std::int64_t dim, std::int64_t index) { return x.select(dim, index); }
inline Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  return x.narrow(dim, start, length);
}
inline Tensor slice(const Tensor& x, std::int64_t dim, const Slice& range) { return x.slice(dim, range); }
// Windows of `size` elements along `dim`, `step` apart, in a new last dimension (Tensor.unfold).
// Shapes: (..., n, ...) -> (..., (n - size) / step + 1, ..., size). Errors: size > n, step < 1.
inline Tensor unfold(const Tensor& x, std::int64_t dim, std::int64_t size, std::int64_t step) {
  return x.unfold(dim, size, step);
}
// The diagonals of the matrices over two dimensions, in a new last one; offset > 0 lies above the main one.
inline Tensor diagonal(const Tensor& x, std::int64_t offset = 0, std::int64_t dim0 = 0,
                       std::int64_t dim1 = 1) {
  return x.diagonal(offset, dim0, dim1);
}
// The tensor's memory with these sizes and strides (in elements). Errors: negative ones; elements outside the
// memory.
inline Tensor as_strided(const Tensor& x, const Shape& sizes, const Shape& strides,
                         std::optional<std::int64_t> storage_offset = {}) {
  return x.as_strided(sizes, strides, storage_offset);
}
// Parts of `split_size` along a dimension, the last one perhaps smaller; or of the given sizes, which must
// add up.
inline std::vector<Tensor> split(const Tensor& x, std::int64_t split_size, std::int64_t dim = 0) {
  return x.split(split_size, dim);
}
inline std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& split_sizes,
                                 std::int64_t dim = 0) {
  return x.split(split_sizes, dim);
}
// At most `chunks` parts of equal size, the last one perhaps smaller.
inline std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim = 0) {
  return x.chunk(chunks, dim);
}
// All selections along a dimension.
inline std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim = 0) { return x.unbind(dim); }

inline Tensor contiguous(const Tensor& x) { return x.contiguous(); }
inline Tensor clone(const Tensor& x) { return x.clone(); }

// The gradient of slicing: zeros of `sizes` with x at first, first + step, ... of `dim`. Differentiable.
Tensor slice_backward(const Tensor& x, const Shape& sizes, int dim, std::int64_t first, std::int64_t step);

}  // namespace mica
