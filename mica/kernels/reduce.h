// Sums, extrema and positions of extrema over some dimensions of strided memory.
#pragma once

#include <mica/kernels/elementwise.h>

namespace mica::kernels {

enum class Reduce : std::uint8_t {
  sum,
  prod,  // f32, f64 (f32 sums in blocks, like PyTorch's cascade: error grows with log n); i64, i32, u8, bool
         // -> i64
  max,
  min,  // any arithmetic dtype, same dtype out; NaN wins. Never called on nothing to reduce
  any,
  all,  // bool -> bool
};
// Reduces the dimensions whose bit is set in `dims` (bit i: dimension i). `out` is contiguous over the
// remaining dimensions, in their order. Reducing zero elements gives the identity (sum 0, prod 1, any false,
// all true).
void reduce(Reduce op, DType dtype, const Shape& sizes, const In& x, std::uint32_t dims, void* out);

// Position (i64) and value of the largest or smallest element along `dim`; the first of equal ones; NaN wins.
// `values` (same dtype) and `indices` are contiguous over the remaining dimensions; `values` may be null.
void arg_reduce(bool largest, DType dtype, const Shape& sizes, const In& x, int dim, void* values,
                std::int64_t* indices);

namespace reference {
void reduce(Reduce op, DType dtype, const Shape& sizes, const In& x, std::uint32_t dims, void* out);
}

}  // namespace mica::kernels
