// Views: the same memory seen with other sizes and strides, and copies that change only the memory order.
// Each is differentiable. Free functions of the members of Tensor with the same names.
#pragma once

#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// view: one size may be -1. Errors: another number of elements; strides that cannot express the shape
// (reshape copies then, view never does).
inline Tensor reshape(const Tensor& x, const Shape& sizes) { return x.reshape(sizes); }
inline Tensor flatten(const Tensor& x, std::int64_t start_dim = 0, std::int64_t end_dim = -1) {
  return x.flatten(start_dim, end_dim);
}
inline Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  return x.transpose(dim0, dim1);
}
inline Tensor permute(const Tensor& x, const Shape& dims) { return x.permute(dims); }
inline Tensor unsqueeze(const Tensor& x, std::int64_t dim) { return x.unsqueeze(dim); }

// The gradient of slicing: zeros of `sizes` with x at first, first + step, ... of `dim`. Differentiable.
Tensor slice_backward(const Tensor& x, const Shape& sizes, int dim, std::int64_t first, std::int64_t step);

}  // namespace mica
