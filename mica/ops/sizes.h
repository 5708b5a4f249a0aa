// Internal: sizes of several dimensions, given as one number for all of them or as one for each.
#pragma once

#include <mica/core/shape.h>

namespace mica::ops {

// One number for each of `dims` dimensions. Errors: neither one number nor `dims` of them.
Shape for_each_dim(const char* operation, const char* what, const Shape& sizes, int dims);

}  // namespace mica::ops
