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
namespace {

// ---- b packed once for many products: blocks of block_depth rows, in each one panel after the other

// body(the block of g, column of a panel, where that is in `packed`) for the panels first..last.
template <class T, class Data, class Body>
HWY_INLINE void for_panels(const Product<T>& g, std::int64_t first, std::int64_t last, Data* packed,
                           const Body& body) {
  std::int64_t p = 0;
  do {  // at least once: of no depth, c is still the bias and the old c
    const Product<T> block = g.depth(p, std::min(p + block_depth, g.k));
    Data* here = packed + packed_size<T>(p, g.n);
    for (std::int64_t j = first * panel_width<T>; j < std::min(last * panel_width<T>, g.n);
         j += panel_width<T>)
      body(block, j, here + j * block.k);
    p += block_depth;
  } while (p < g.k);
}

template <class T> std::int64_t panel_count(std::int64_t n) { return packed_size<T>(1, n) / panel_width<T>; }

template <class T> void pack_matrix(const Product<T>& g, T* packed) {
  constexpr std::int64_t worth_a_thread = 1 << 14;  // elements
  const std::int64_t work = std::max<std::int64_t>(1, g.k * panel_width<T>);
  parallel_for(0, panel_count<T>(g.n), std::max<std::int64_t>(1, worth_a_thread / work),
               [&](std::int64_t first, std::int64_t last) HWY_ATTR {
                 for_panels(g, first, last, packed,
                            [](const Product<T>& block, std::int64_t j, T* to)
                                HWY_ATTR { pack_one(block, j, to); });
               });
}

template <class T> void multiply_by_packed(const Product<T>& g, const T* packed) {
  constexpr std::int64_t worth_a_thread = 1 << 18;  // multiplications
  const std::int64_t work = std::max<std::int64_t>(1, g.m * g.k * panel_width<T>);
  parallel_for(0, panel_count<T>(g.n), std::max<std::int64_t>(1, worth_a_thread / work),
               [&](std::int64_t first, std::int64_t last) HWY_ATTR {
                 for_panels(g, first, last, packed,
                            [](const Product<T>& block, std::int64_t j, const T* from)
                                HWY_ATTR { multiply_one(block, j, from); });
               });
}

}  // namespace

void multiply_f32(const Product<float>& g) { multiply(g); }
void multiply_f64(const Product<double>& g) { multiply(g); }
std::int64_t padded_width_f32(std::int64_t n) { return packed_size<float>(1, n); }
std::int64_t padded_width_f64(std::int64_t n) { return packed_size<double>(1, n); }
void pack_matrix_f32(const Product<float>& g, float* packed) { pack_matrix(g, packed); }
void pack_matrix_f64(const Product<double>& g, double* packed) { pack_matrix(g, packed); }
void multiply_by_packed_f32(const Product<float>& g, const float* packed) { multiply_by_packed(g, packed); }
void multiply_by_packed_f64(const Product<double>& g, const double* packed) { multiply_by_packed(g, packed); }

}  // namespace HWY_NAMESPACE
}  // namespace mica::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(multiply_f32);
HWY_EXPORT(multiply_f64);
HWY_EXPORT(padded_width_f32);
HWY_EXPORT(padded_width_f64);
HWY_EXPORT(pack_matrix_f32);
HWY_EXPORT(pack_matrix_f64);
HWY_EXPORT(multiply_by_packed_f32);
HWY_EXPORT(multiply_by_packed_f64);

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

namespace {

std::int64_t packed_bytes(DType dtype, std::int64_t k, std::int64_t n) {
  return dtype == DType::f32 ? k * HWY_DYNAMIC_DISPATCH(padded_width_f32)(n) * std::int64_t{sizeof(float)}
                             : k * HWY_DYNAMIC_DISPATCH(padded_width_f64)(n) * std::int64_t{sizeof(double)};
}

}  // namespace

PackedMatrix::PackedMatrix(DType dtype, std::int64_t k, std::int64_t n, const void* b, std::int64_t ldb,
                           bool transposed)
    : dtype_(dtype), k_(k), n_(n), data_(packed_bytes(dtype, k, n)) {
  const Gemm g{.trans_b = transposed, .n = n, .k = k, .b = b, .ldb = ldb};
  if (dtype == DType::f32) {
    HWY_DYNAMIC_DISPATCH(pack_matrix_f32)(matrix<float>(g, 0, nullptr),
                                          reinterpret_cast<float*>(data_.data()));
  } else {
    HWY_DYNAMIC_DISPATCH(pack_matrix_f64)(matrix<double>(g, 0, nullptr),
                                          reinterpret_cast<double*>(data_.data()));
  }
}

void PackedMatrix::multiply(std::int64_t m, const void* a, void* c, double beta, const void* bias) const {
  const Gemm g{.dtype = dtype_,
               .m = m,
               .n = n_,
               .k = k_,
               .a = a,
               .b = data_.data(),
               .c = c,
               .lda = k_,
               .ldc = n_,
               .beta = beta};
  if (m == 0 || n_ == 0) return;
  if (dtype_ == DType::f32) {
    HWY_DYNAMIC_DISPATCH(multiply_by_packed_f32)
    (matrix<float>(g, 0, bias), reinterpret_cast<const float*>(data_.data()));
  } else {
    HWY_DYNAMIC_DISPATCH(multiply_by_packed_f64)
    (matrix<double>(g, 0, bias), reinterpret_cast<const double*>(data_.data()));
  }
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
