#include <algorithm>
#include <cstddef>

#include <mica/core/parallel.h>
#include <mica/kernels/vector_gemm.h>

// SSSE3 and AVX3_DL gain nothing over their neighbours here; the kernels need vectors of a known size.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/vector_gemm.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

#include <mica/kernels/vector_gemm-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels {
namespace HWY_NAMESPACE {

void multiply_f32(const Product<float>& g) { multiply(g); }
void multiply_f64(const Product<double>& g) { multiply(g); }

}  // namespace HWY_NAMESPACE
}  // namespace mica::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(multiply_f32);
HWY_EXPORT(multiply_f64);

namespace {

void multiply(const Product<float>& g) { HWY_DYNAMIC_DISPATCH(multiply_f32)(g); }
void multiply(const Product<double>& g) { HWY_DYNAMIC_DISPATCH(multiply_f64)(g); }

// Multiplications that are worth a thread.
constexpr std::int64_t grain_size = 1 << 18;

template <class T> Product<T> matrix(const Gemm& g, std::int64_t index, const void* bias) {
  return {.m = g.m,
          .n = g.n,
          .k = g.k,
          .a = static_cast<const T*>(g.a) + index * g.batch_stride_a,
          .a_row = g.trans_a ? 1 : g.lda,
          .a_column = g.trans_a ? g.lda : 1,
          .b = static_cast<const T*>(g.b) + index * g.batch_stride_b,
          .ldb = g.ldb,
          .trans_b = g.trans_b,
          .c = static_cast<T*>(g.c) + index * g.batch_stride_c,
          .ldc = g.ldc,
          .beta = static_cast<T>(g.beta),
          .bias = static_cast<const T*>(bias)};
}

// One matrix, cut along its longer side into strips that do not share a vector.
template <class T> void multiply_in_strips(const Product<T>& g) {
  constexpr std::int64_t strip_rows = 64;
  const bool by_rows = g.m >= g.n;
  const std::int64_t length = by_rows ? g.m : g.n;
  const std::int64_t work = std::max<std::int64_t>(1, g.k * (by_rows ? g.n : g.m) * strip_rows);
  parallel_for(0, (length + strip_rows - 1) / strip_rows, std::max<std::int64_t>(1, grain_size / work),
               [&](std::int64_t first, std::int64_t last) {
                 const std::int64_t from = first * strip_rows, to = std::min(last * strip_rows, length);
                 multiply(by_rows ? g.rows(from, to) : g.columns(from, to));
               });
}

template <class T> void run(const Gemm& g, const void* bias) {
  const std::int64_t work = g.m * g.n * g.k;
  if (g.batch == 1 && work < grain_size) return multiply(matrix<T>(g, 0, bias));
  if (g.batch < num_threads()) {
    for (std::int64_t i = 0; i < g.batch; ++i) multiply_in_strips(matrix<T>(g, i, bias));
    return;
  }
  parallel_for(0, g.batch, std::max<std::int64_t>(1, grain_size / std::max<std::int64_t>(1, work)),
               [&](std::int64_t first, std::int64_t last) {
                 for (std::int64_t i = first; i < last; ++i) multiply(matrix<T>(g, i, bias));
               });
}

}  // namespace

void vector_gemm(const Gemm& g, const void* bias) {
  if (g.dtype == DType::f32) return run<float>(g, bias);
  run<double>(g, bias);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
