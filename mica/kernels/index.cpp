#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/index.cpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/index.h>
#include <mica/kernels/lanes-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// The rows and columns of the table that one thread owns. It walks all indices in order and adds what is its
// own, so every element sees its terms in the order of the indices, however the table is cut.
struct Part2d {
  std::int64_t first_row, last_row, first_column, last_column;
};

template <class T>
void add_rows(std::int64_t count, std::int64_t n, const T* grad, const std::int64_t* indices,
              std::int64_t padding_idx, T* table, const Part2d& own) {
  const Tag<T> d;
  const std::int64_t width = own.last_column - own.first_column;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = indices[i];
    if (row < own.first_row || row >= own.last_row || row == padding_idx) continue;
    const T* from = grad + i * n + own.first_column;
    T* to = table + row * n + own.first_column;
    for_lanes<T>(width, [&](std::int64_t j, auto access) HWY_ATTR {
      access.store(hn::Add(access.load(d, to + j), access.load(d, from + j)), d, to + j);
    });
  }
}

template <class T>
void scatter_add(std::int64_t count, std::int64_t rows, std::int64_t n, const T* grad,
                 const std::int64_t* indices, std::int64_t padding_idx, T* table) {
  parallel_for(0, rows * n, 65536, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    std::fill(table + first, table + last, T(0));
  });
  constexpr std::int64_t strip = 256 / sizeof(T);  // columns: whole cache lines, long enough to stream
  const std::int64_t strips = (n + strip - 1) / strip;
  const std::int64_t threads = num_threads();
  // Below this there is not enough to add for a thread to be woken.
  constexpr std::int64_t worth = 32768;
  if (strips >= threads || count * n <= worth) {
    // By columns: the load is even however the indices repeat.
    const std::int64_t grain = std::max<std::int64_t>(1, worth / std::max<std::int64_t>(count * strip, 1));
    parallel_for(0, strips, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
      add_rows(count, n, grad, indices, padding_idx, table,
               {0, rows, first * strip, std::min(n, last * strip)});
    });
  } else {
    const std::int64_t grain = std::max<std::int64_t>(1, (rows + threads - 1) / threads);
    parallel_for(0, rows, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
      add_rows(count, n, grad, indices, padding_idx, table, {first, last, 0, n});
    });
  }
}

void scatter_add_rows_target(DType dtype, std::int64_t count, std::int64_t rows, std::int64_t n,
                             const void* grad, const std::int64_t* indices, std::int64_t padding_idx,
                             void* grad_table) {
  dispatch_floating("scatter_add_rows", dtype, [&]<class T>() HWY_ATTR {
    scatter_add(count, rows, n, static_cast<const T*>(grad), indices, padding_idx,
                static_cast<T*>(grad_table));
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(scatter_add_rows_target);

namespace {

// Size known at compile time: each copy is one load and one store, not a call.
template <std::int64_t bytes>
void gather_small(std::int64_t first, std::int64_t last, const char* table, const std::int64_t* indices,
                  char* out) {
  for (std::int64_t i = first; i < last; ++i) {
    std::memcpy(out + i * bytes, table + indices[i] * bytes, static_cast<std::size_t>(bytes));
  }
}

}  // namespace

void gather_rows(std::int64_t count, std::int64_t row_bytes, const void* table_data,
                 const std::int64_t* indices, void* out_data) {
  if (row_bytes == 0) return;
  const char* table = static_cast<const char*>(table_data);
  char* out = static_cast<char*>(out_data);
  const std::int64_t grain = std::max<std::int64_t>(1, 65536 / (row_bytes + 16));
  parallel_for(0, count, grain, [&](std::int64_t first, std::int64_t last) {
    switch (row_bytes) {
      case 1: return gather_small<1>(first, last, table, indices, out);
      case 2: return gather_small<2>(first, last, table, indices, out);
      case 4: return gather_small<4>(first, last, table, indices, out);
      case 8: return gather_small<8>(first, last, table, indices, out);
      case 16: return gather_small<16>(first, last, table, indices, out);
      default:
        for (std::int64_t i = first; i < last; ++i) {
          std::memcpy(out + i * row_bytes, table + indices[i] * row_bytes,
                      static_cast<std::size_t>(row_bytes));
        }
    }
  });
}

void scatter_add_rows(DType dtype, std::int64_t count, std::int64_t rows, std::int64_t n, const void* grad,
                      const std::int64_t* indices, std::int64_t padding_idx, void* grad_table) {
  HWY_DYNAMIC_DISPATCH(scatter_add_rows_target)
  (dtype, count, rows, n, grad, indices, padding_idx, grad_table);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
