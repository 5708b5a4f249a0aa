// Tensors that have sizes and a dtype and no memory: those of models made by nn::meta().
#pragma once

#include <mica/tensor/tensor.h>

namespace mica {

// A tensor without memory (PyTorch's device "meta"). Its sizes can be read and views of it taken; whatever
// needs a number of it is an error.
Tensor empty_meta(const Shape& sizes, DType dtype = f32);
// Whether x has elements and no memory for them.
bool is_meta(const Tensor& x);

}  // namespace mica
