// Elements chosen by a mask, positions of those that are not zero, and classes as vectors.
#pragma once

#include <vector>

#include <mica/tensor/tensor.h>

namespace mica {

// The elements of x where the mask is true, in row-major order. Shapes: x and the mask broadcast to each
// other; the result has one dimension. Errors: the mask is not bool.
inline Tensor masked_select(const Tensor& x, const Tensor& mask) { return x.masked_select(mask); }
// A copy of x where those elements, in turn, are the first of `source`. Shapes: as above; a source of any
// shape. Errors: fewer elements in the source than the mask chooses; source of another dtype than x.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);

// The positions of elements that are not zero, in row-major order: i64 (count, dimensions of x). No gradient.
inline Tensor nonzero(const Tensor& x) { return x.nonzero(); }
inline Tensor argwhere(const Tensor& x) { return x.nonzero(); }
// The same as one index tensor for each dimension (torch.nonzero(as_tuple=True)), ready for x.index(...): a
// 0-d tensor counts as one of shape (1).
std::vector<Tensor> nonzero_tuple(const Tensor& x);

// i64 vectors with a 1 at the class and 0 elsewhere. Shapes: (...) -> (..., num_classes); without num_classes
// as many as the largest class needs. Errors: classes outside 0..num_classes-1; not i64 or i32.
Tensor one_hot(const Tensor& classes, std::int64_t num_classes = -1);

}  // namespace mica
