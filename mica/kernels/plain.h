// Row kernels that are plain loops over a function of one element: what is too rare, or too intricate, to be
// worth vectors.
#pragma once

#include <cstdint>
#include <type_traits>

#include <mica/kernels/elementwise.h>
#include <mica/kernels/loops.h>

namespace mica::kernels {

// Null where the operation is not theirs, or not defined for the dtype.
RowKernel special_kernel(Unary op, DType dtype);
RowKernel special_kernel(Binary op, DType dtype);
RowKernel division_kernel(Binary op, DType dtype);  // and integer powers and bits

template <class T, class Op> void plain_unary(const Row& row) {
  const T* x = static_cast<const T*>(row.in[0]);
  T* out = static_cast<T*>(row.out);
  if constexpr (std::is_empty_v<Op>) {
    for (std::int64_t i = 0; i < row.count; ++i) out[i] = Op{}(x[i]);
  } else {  // its only member is the parameter of the row
    const Op op{row.parameter};
    for (std::int64_t i = 0; i < row.count; ++i) out[i] = op(x[i]);
  }
}

// Either input may be a scalar.
template <class T, class Op> void plain_binary(const Row& row) {
  const T* a = static_cast<const T*>(row.in[0]);
  const T* b = static_cast<const T*>(row.in[1]);
  T* out = static_cast<T*>(row.out);
  const std::int64_t step_a = (row.scalars & 1U) != 0 ? 0 : 1;
  const std::int64_t step_b = (row.scalars & 2U) != 0 ? 0 : 1;
  for (std::int64_t i = 0; i < row.count; ++i) out[i] = Op{}(a[i * step_a], b[i * step_b]);
}

}  // namespace mica::kernels
