#include <algorithm>
#include <cstddef>

#include <fmt/core.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/gemm.h>
#include <mica/kernels/onednn/matmul.h>
#include <mica/kernels/scratch.h>
#include <mica/kernels/vector_gemm.h>

namespace mica::kernels {

namespace {

// A vector is contiguous either way. Dot products suit the kernels best: read b as transposed, a as not.
Gemm normalized(Gemm g) {
  if (g.n == 1 && !g.trans_b && g.ldb == 1) g.trans_b = true, g.ldb = g.k;
  if (g.m == 1 && g.trans_a && g.lda == 1) g.trans_a = false, g.lda = g.k;
  return g;
}

// Up to 64 x 64 x 64 with operands that stay near, and for slivers of any length, the vector kernel beats
// oneDNN, whose set-up and whose threads cost more than they bring.
bool is_for_vector_kernel(const Gemm& g) {
  constexpr std::int64_t tiny = 1 << 18, near = 1 << 14;
  const bool is_sliver = g.trans_b && !g.trans_a && std::min(g.m, g.n) <= sliver;
  return is_sliver ||
         (g.m * g.n * g.k <= tiny && g.m * g.n <= near && g.m * g.k <= near && g.k * g.n <= near);
}

// oneDNN reads the operands of slender products where they are. Where the rows that it walks down are a
// multiple of 512 bytes apart, they fall into a few sets of the first-level cache, and the product takes up
// to twice as long.
struct Crowded {
  bool a, b;
};
Crowded crowded(const Gemm& g) {
  constexpr std::int64_t crowded_stride = 128, worth_a_copy = 128;
  constexpr double slender = 0.0038;  // oneDNN's bound
  const bool matters = !g.trans_b && std::min({g.m, g.n, g.k}) >= worth_a_copy &&
                       1 / static_cast<double>(g.m) + 1 / static_cast<double>(g.n) >= slender;
  return {matters && g.trans_a && g.lda % crowded_stride == 0, matters && g.ldb % crowded_stride == 0};
}

// Rows of a matrix copied to where they are not crowded.
class SpreadRows {
 public:
  SpreadRows(bool needed, std::int64_t rows, std::int64_t length, const float* from, std::int64_t stride)
      : stride_(needed ? length + (length % 32 == 0 ? 16 : 0) : stride),
        copy_(needed ? rows * stride_ : 0),
        data_(needed ? copy_.data() : from) {
    if (!needed) return;
    constexpr std::int64_t grain = 1 << 15;
    parallel_for(0, rows, std::max<std::int64_t>(1, grain / length),
                 [&](std::int64_t first, std::int64_t last) {
                   for (std::int64_t i = first; i < last; ++i)
                     std::copy_n(from + i * stride, length, copy_.data() + i * stride_);
                 });
  }
  const float* data() const { return data_; }
  std::int64_t stride() const { return stride_; }

 private:
  std::int64_t stride_;
  Scratch<float> copy_;
  const float* data_;
};

// The product over blocks of rows of a and b.
void spread_sgemm(const Gemm& g, std::int64_t index) {
  constexpr std::int64_t block_size = 1 << 20, shortest = 512;
  const auto [spread_a, spread_b] = crowded(g);
  const float* a = static_cast<const float*>(g.a) + index * g.batch_stride_a;
  const float* b = static_cast<const float*>(g.b) + index * g.batch_stride_b;
  const std::int64_t depth = std::max(shortest, block_size / std::max(g.m, g.n));
  Gemm block = g;
  block.c = static_cast<float*>(g.c) + index * g.batch_stride_c;
  for (std::int64_t p = 0; p < g.k; p += depth) {
    block.k = std::min(depth, g.k - p);
    const SpreadRows rows_a(spread_a, block.k, g.m, a + p * (g.trans_a ? g.lda : 1), g.lda);
    const SpreadRows rows_b(spread_b, block.k, g.n, b + p * g.ldb, g.ldb);
    block.a = rows_a.data(), block.lda = rows_a.stride();
    block.b = rows_b.data(), block.ldb = rows_b.stride();
    onednn::sgemm(block, 0);
    block.beta = 1;
  }
}

void sgemm_batch(const Gemm& g) {
  sync_openmp_threads();
  const auto [a, b] = crowded(g);
  const auto one = [&](std::int64_t i) { a || b ? spread_sgemm(g, i) : onednn::sgemm(g, i); };
  if (g.batch < num_threads()) {
    for (std::int64_t i = 0; i < g.batch; ++i) one(i);
    return;
  }
  parallel_for(0, g.batch, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) one(i);
  });
}

void gemm_f32(const Gemm& g) {
  if (is_for_vector_kernel(g)) return vector_gemm(g, nullptr);
  // Against a transposed b, oneDNN's matmul primitive is 1.1 to 2.8 times as fast as its sgemm; for the other
  // products sgemm is as fast or faster, and it needs no cache.
  const bool prefers_primitive = g.trans_b && !g.trans_a && g.beta == 0;
  if (prefers_primitive && onednn::matmul(g, nullptr)) return;
  sgemm_batch(g);
}

// The reference loops, a strip of rows for each thread.
void gemm_integer(const Gemm& g) {
  constexpr std::int64_t grain = 1 << 16;
  const std::size_t size = item_size(g.dtype);
  parallel_for(0, g.m, std::max<std::int64_t>(1, grain / (g.n * g.k * g.batch)),
               [&](std::int64_t first, std::int64_t last) {
                 Gemm strip = g;
                 const std::int64_t a_row = g.trans_a ? 1 : g.lda;
                 strip.m = last - first;
                 strip.a =
                     static_cast<const std::byte*>(g.a) + static_cast<std::size_t>(first * a_row) * size;
                 strip.c = static_cast<std::byte*>(g.c) + static_cast<std::size_t>(first * g.ldc) * size;
                 reference::gemm(strip);
               });
}

template <class T> void broadcast_rows(std::int64_t rows, std::int64_t columns, const void* row, void* y) {
  const T* from = static_cast<const T*>(row);
  T* to = static_cast<T*>(y);
  for (std::int64_t i = 0; i < rows; ++i, to += columns) {
    if (from == nullptr) {
      std::fill_n(to, columns, T{0});
    } else {
      std::copy_n(from, columns, to);
    }
  }
}

}  // namespace

void gemm(const Gemm& g) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  const bool sums_nothing = g.k == 0;
  switch (g.dtype) {
    case DType::f32: return sums_nothing ? reference::gemm(g) : gemm_f32(normalized(g));
    case DType::f64: return sums_nothing ? reference::gemm(g) : vector_gemm(normalized(g), nullptr);
    case DType::i64:
    case DType::i32: return sums_nothing ? reference::gemm(g) : gemm_integer(g);
    default:
      throw Error("gemm", fmt::format("no product of {} matrices", name(g.dtype)), "convert them to f32");
  }
}

void linear(DType dtype, std::int64_t rows, std::int64_t in, std::int64_t out, const void* x,
            const void* weight, const void* bias, void* y) {
  if (dtype != DType::f32 && dtype != DType::f64) {
    throw Error("linear", fmt::format("f32 and f64 only, got {}", name(dtype)), "convert to f32");
  }
  if (rows == 0 || out == 0) return;
  if (in == 0) {
    return dtype == DType::f32 ? broadcast_rows<float>(rows, out, bias, y)
                               : broadcast_rows<double>(rows, out, bias, y);
  }
  Gemm g{.dtype = dtype,
         .trans_b = true,
         .m = rows,
         .n = out,
         .k = in,
         .a = x,
         .b = weight,
         .c = y,
         .lda = in,
         .ldb = in,
         .ldc = out};
  if (dtype == DType::f64 || is_for_vector_kernel(g)) return vector_gemm(g, bias);
  if (onednn::matmul(g, static_cast<const float*>(bias))) return;
  if (bias != nullptr) {
    broadcast_rows<float>(rows, out, bias, y);
    g.beta = 1;
  }
  gemm(g);
}

}  // namespace mica::kernels
