// Strided memory whose elements may overlap.
#pragma once

#include <mica/kernels/elementwise.h>

namespace mica::kernels {

// False if no two indices name one place; true if they do, or if it is not plain to see.
bool may_overlap(const Shape& sizes, const Shape& strides);

// out += x, one element after the other in row-major order, so that elements of `out` may share memory. Any
// dtype.
void accumulate(DType dtype, const Shape& sizes, const In& x, const Out& out);

}  // namespace mica::kernels
