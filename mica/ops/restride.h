// Internal to the operations: sums of elements that views see several times.
#pragma once

#include <mica/tensor/tensor.h>

namespace mica::ops {

// How a view lies in a block of memory, in elements.
struct Geometry {
  Shape sizes, strides;
  std::int64_t offset = 0;
};
Geometry geometry_of(const Tensor& x);
Geometry contiguous_geometry(const Shape& sizes);

// Adds the elements of x to zeros, each where a view of geometry `from` has it (elements that share a place
// add up), and reads that memory as a view of geometry `to`. Differentiable: its derivative is the same with
// both exchanged. That makes it the backward rule of every view.
Tensor restride(const Tensor& x, const Geometry& from, const Geometry& to);

}  // namespace mica::ops
