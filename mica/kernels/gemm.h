// Matrix products.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

// c = op(a) op(b) + beta * c, batched: op(a) is (m, k), op(b) (k, n), c (m, n), row-major with the given
// leading dimensions; op transposes when `trans_*`. Matrix i of the batch starts at a + i * batch_stride_a
// (elements; 0: the same for all). f32 goes to oneDNN (or to a small in-register kernel when the matrices are
// tiny), the other dtypes to plain blocked loops: f64, i64, i32. With beta 0 the old c is never read. k == 0
// gives beta * c.
struct Gemm {
  DType dtype = DType::f32;
  bool trans_a = false, trans_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;
  const void* b = nullptr;
  void* c = nullptr;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  std::int64_t batch = 1, batch_stride_a = 0, batch_stride_b = 0, batch_stride_c = 0;
  double beta = 0;
};
void gemm(const Gemm& g);

// y (rows, out) = x (rows, in) * weight^T (out, in) + bias (out, or null), all contiguous. f32 and f64.
void linear(DType dtype, std::int64_t rows, std::int64_t in, std::int64_t out, const void* x,
            const void* weight, const void* bias, void* y);

namespace reference {
void gemm(const Gemm& g);
}

}  // namespace mica::kernels
