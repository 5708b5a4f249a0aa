// Subscripts: x.index({...}) and x[...], reading and writing, as in Python. The indices go with the
// dimensions in turn; dimensions without one are taken whole.
//
// Integers, slices, Ellipsis and None make a view. Index tensors and bools make a copy: they are broadcast to
// each other, and the dimensions of their common shape stand where they stood, or in front if other
// dimensions lie between them. (A mask counts as one index tensor for each of its dimensions:
// nonzero_tuple().) As in PyTorch and unlike NumPy, an integer next to index tensors is taken first and is
// none of them.
//
// Where several positions write one element, the last one wins but each gets the gradient of the element;
// with `accumulate` they add up in their order. Nothing depends on the number of threads.
//
// Errors: too many indices, or two Ellipsis; positions outside -size..size-1; a mask of another shape than
// the dimensions it stands for; index tensors that do not broadcast or are not i64, i32 or bool; a value that
// does not broadcast to what it replaces, or (with index tensors) has another dtype.
#pragma once

#include <mica/tensor/index.h>
#include <mica/tensor/tensor.h>

namespace mica {

// x with what the indices stand for replaced by `value`, or `value` added to it (.accumulate = true).
inline Tensor index_put(const Tensor& x, std::initializer_list<Index> indices, const Tensor& value,
                        IndexPutOptions options = {}) {
  return x.index_put(indices, value, options);
}

}  // namespace mica
