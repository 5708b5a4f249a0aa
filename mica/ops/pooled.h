// Internal: what the poolings share.
#pragma once

#include <mica/core/function_ref.h>
#include <mica/tensor/tensor.h>

namespace mica::ops {

// Runs a pooling over the last `dims` dimensions on a batch (N, C, ...) of f32 or f64. One image is a batch
// of one; narrow floats are computed in f32. Indices may be undefined.
// Errors: not floating point; other than dims + 1 or dims + 2 dimensions.
ValuesIndices pooled(const char* operation, int dims, const Tensor& x,
                     FunctionRef<ValuesIndices(const Tensor&)> run);

}  // namespace mica::ops
