// Matrix products with the CPU's vector instructions: tiny f32 ones, for which oneDNN's set-up costs more
// than the product, and f64, which oneDNN does not have.
#pragma once

#include <cstddef>

#include <mica/kernels/gemm.h>
#include <mica/kernels/scratch.h>

namespace mica::kernels {

// Up to so many rows, dot products with a transposed b beat packing it.
inline constexpr std::int64_t sliver = 16;

// c = op(a) op(b) + beta * c, plus bias (n) on each row when it is not null. f32 and f64, any shape: in
// registers where it is tiny, else in blocks that fit the caches, in parallel.
void vector_gemm(const Gemm& g, const void* bias);

// A matrix (k, n) laid out for the kernel once, for products with one a after the other: with few rows each,
// laying it out would take as long as multiplying. f32 and f64.
class PackedMatrix {
 public:
  // From (k, n) with its leading dimension, or (n, k) if transposed.
  PackedMatrix(DType dtype, std::int64_t k, std::int64_t n, const void* b, std::int64_t ldb, bool transposed);
  // c (m, n) = a (m, k) b + beta c, contiguous, plus bias (n) on each row when it is not null. With beta 0
  // the old c is never read.
  void multiply(std::int64_t m, const void* a, void* c, double beta, const void* bias = nullptr) const;

 private:
  DType dtype_;
  std::int64_t k_, n_;
  Scratch<std::byte> data_;
};

}  // namespace mica::kernels
