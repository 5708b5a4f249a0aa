// Matrix products with the CPU's vector instructions: tiny f32 ones, for which oneDNN's set-up costs more
// than the product, and f64, which oneDNN does not have.
#pragma once

#include <mica/kernels/gemm.h>

namespace mica::kernels {

// Up to so many rows, dot products with a transposed b beat packing it.
inline constexpr std::int64_t sliver = 16;

// c = op(a) op(b) + beta * c, plus bias (n) on each row when it is not null. f32 and f64, any shape: in
// registers where it is tiny, else in blocks that fit the caches, in parallel.
void vector_gemm(const Gemm& g, const void* bias);

}  // namespace mica::kernels
