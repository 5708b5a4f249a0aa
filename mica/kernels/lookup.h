// Elements by position along one dimension of strided memory: gather, scatter, index_select, index_add and
// the rest of that family are all one walk. Results do not depend on the number of threads.
#pragma once

#include <mica/kernels/elementwise.h>

namespace mica::kernels {

// The elements of x that `sizes` positions stand for: at position (i, j, k) with dim = 1 it is element
// (i, index[i, j, k], k). Strides count elements; those of the index are broadcast (0 where it does not
// vary). `strides[dim]` is x's for one step of the index: 1 if the index holds offsets. The caller has
// checked the index.
struct Lookup {
  Shape sizes;
  int dim;
  const std::int64_t* index;
  Shape index_strides;
  Shape strides;
};

// out[position] = x[position's element]; items of 1, 2, 4 or 8 bytes.
void gather(std::int64_t item_size, const Lookup& lookup, const void* x, const Out& out);

enum class Scatter : std::uint8_t {
  copy,  // any dtype
  add,
  mul,
  max,
  min,  // not bf16 and f16; bool is a set of two numbers, where 1 + 1 = 1; NaN wins
};
// x[position's element] op= source[position]. Positions of one element are taken in the order of the index,
// so that the last copy wins.
void scatter(Scatter op, DType dtype, const Lookup& lookup, const In& source, void* x);

// The first of `count` numbers outside [low, high), or -1.
std::int64_t find_outside(std::int64_t count, const std::int64_t* index, std::int64_t low, std::int64_t high);
// out = index, from the end where it is negative: -1 becomes size - 1. May be the same memory.
void wrap_negative(std::int64_t count, std::int64_t size, const std::int64_t* index, std::int64_t* out);

}  // namespace mica::kernels
