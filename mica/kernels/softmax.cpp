#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/softmax.cpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/columns-inl.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/math-inl.h>
#include <mica/kernels/softmax.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// y = exp(x - max) / sum, or (x - max) - log(sum). A NaN makes the sum NaN, and with it the whole row.
// `next`, the row to come, is fetched from memory while the exponentials keep the core busy.
template <class T> void softmax_row(bool log, std::int64_t n, const T* x, const T* next, T* y) {
  const Tag<T> d;
  const Vec<T> max = hn::Set(d, max_lanes(n, x));
  if (log) {
    const double sum = sum_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      hwy::Prefetch(next + i);
      return exp(d, hn::Sub(access.load(d, x + i), max));
    });
    const Vec<T> log_sum = hn::Set(d, static_cast<T>(std::log(sum)));
    for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      access.store(hn::Sub(hn::Sub(access.load(d, x + i), max), log_sum), d, y + i);
    });
  } else {
    const double sum = sum_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
      hwy::Prefetch(next + i);
      const Vec<T> e = exp(d, hn::Sub(access.load(d, x + i), max));
      access.store(e, d, y + i);
      return e;
    });
    const Vec<T> scale = hn::Set(d, static_cast<T>(1 / sum));
    for_lanes<T>(n, [&](std::int64_t i, auto access)
                        HWY_ATTR { access.store(hn::Mul(access.load(d, y + i), scale), d, y + i); });
  }
}

// The same for the columns of an (n, width) block whose rows are `pitch` apart; `next` is the distance to the
// block to come.
template <class T>
void softmax_tile(bool log, std::int64_t n, std::int64_t width, std::int64_t pitch, std::int64_t next,
                  const T* x, T* y) {
  const Tag<T> d;
  HWY_ALIGN T max[max_tile];
  HWY_ALIGN T scale[max_tile];  // 1 / sum, or log(sum)
  HWY_ALIGN double sum[max_tile];
  column_max(n, width, pitch, x, max);
  column_sums<T>(n, width, sum, [&](std::int64_t i, std::int64_t j, auto access) HWY_ATTR {
    hwy::Prefetch(x + i * pitch + j + next);
    hwy::Prefetch(y + i * pitch + j + next);
    const Vec<T> e = exp(d, hn::Sub(access.load(d, x + i * pitch + j), access.load(d, max + j)));
    if (!log) access.store(e, d, y + i * pitch + j);
    return e;
  });
  std::transform(sum, sum + width, scale,
                 [&](double s) HWY_ATTR { return static_cast<T>(log ? std::log(s) : 1 / s); });
  for (std::int64_t i = 0; i < n; ++i) {
    const T* from = x + i * pitch;
    T* to = y + i * pitch;
    for_lanes<T>(width, [&](std::int64_t j, auto access) HWY_ATTR {
      const Vec<T> v =
          log ? hn::Sub(hn::Sub(access.load(d, from + j), access.load(d, max + j)), access.load(d, scale + j))
              : hn::Mul(access.load(d, to + j), access.load(d, scale + j));
      access.store(v, d, to + j);
    });
  }
}

// The term under the sum of the backward formula, and what follows from the sum.
template <class V> HWY_INLINE V backward_term(bool log, V y, V grad) { return log ? grad : hn::Mul(grad, y); }
template <class V> HWY_INLINE V backward_value(bool log, V y, V grad, V sum) {
  return log ? hn::NegMulAdd(exp(hn::DFromV<V>(), y), sum, grad) : hn::Mul(y, hn::Sub(grad, sum));
}

template <class T>
void softmax_backward_row(bool log, std::int64_t n, std::int64_t next, const T* y, const T* grad, T* grad_x) {
  const Tag<T> d;
  const double total = sum_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
    return backward_term(log, access.load(d, y + i), access.load(d, grad + i));
  });
  const Vec<T> sum = hn::Set(d, static_cast<T>(total));
  for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
    hwy::Prefetch(y + next + i);
    hwy::Prefetch(grad + next + i);
    access.store(backward_value(log, access.load(d, y + i), access.load(d, grad + i), sum), d, grad_x + i);
  });
}

template <class T>
void softmax_backward_tile(bool log, std::int64_t n, std::int64_t width, std::int64_t pitch, const T* y,
                           const T* grad, T* grad_x) {
  const Tag<T> d;
  HWY_ALIGN T sum[max_tile];
  HWY_ALIGN double total[max_tile];
  column_sums<T>(n, width, total, [&](std::int64_t i, std::int64_t j, auto access) HWY_ATTR {
    return backward_term(log, access.load(d, y + i * pitch + j), access.load(d, grad + i * pitch + j));
  });
  std::transform(total, total + width, sum, [](double s) HWY_ATTR { return static_cast<T>(s); });
  for (std::int64_t i = 0; i < n; ++i) {
    for_lanes<T>(width, [&](std::int64_t j, auto access) HWY_ATTR {
      const std::int64_t at = i * pitch + j;
      access.store(
          backward_value(log, access.load(d, y + at), access.load(d, grad + at), access.load(d, sum + j)), d,
          grad_x + at);
    });
  }
}

// body(offset of the row, distance to the next one: 0 for the last), in parallel.
template <class RowBody> void for_rows(std::int64_t rows, std::int64_t n, const RowBody& body) {
  if (n == 0) return;
  parallel_for(0, rows, std::max<std::int64_t>(1, 8192 / n),
               [&](std::int64_t first, std::int64_t last) HWY_ATTR {
                 for (std::int64_t row = first; row < last; ++row) body(row * n, row + 1 < last ? n : 0);
               });
}

void softmax_target(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner,
                    const void* x_data, void* y_data) {
  dispatch_floating("softmax", dtype, [&]<class T>() HWY_ATTR {
    const T* x = static_cast<const T*>(x_data);
    T* y = static_cast<T*>(y_data);
    if (inner == 1) {
      for_rows(outer, n, [&](std::int64_t at, std::int64_t next) HWY_ATTR {
        softmax_row(log, n, x + at, x + at + next, y + at);
      });
    } else {
      for_column_tiles(outer, n, inner, [&](std::int64_t at, std::int64_t width, std::int64_t next) HWY_ATTR {
        softmax_tile(log, n, width, inner, next, x + at, y + at);
      });
    }
  });
}

void softmax_backward_target(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner,
                             const void* y_data, const void* grad_data, void* grad_x_data) {
  dispatch_floating("softmax_backward", dtype, [&]<class T>() HWY_ATTR {
    const T* y = static_cast<const T*>(y_data);
    const T* grad = static_cast<const T*>(grad_data);
    T* grad_x = static_cast<T*>(grad_x_data);
    if (inner == 1) {
      for_rows(outer, n, [&](std::int64_t at, std::int64_t next) HWY_ATTR {
        softmax_backward_row(log, n, next, y + at, grad + at, grad_x + at);
      });
    } else {
      for_column_tiles(outer, n, inner, [&](std::int64_t at, std::int64_t width, std::int64_t) HWY_ATTR {
        softmax_backward_tile(log, n, width, inner, y + at, grad + at, grad_x + at);
      });
    }
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(softmax_target);
HWY_EXPORT(softmax_backward_target);

void softmax(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner, const void* x,
             void* y) {
  HWY_DYNAMIC_DISPATCH(softmax_target)(log, dtype, outer, n, inner, x, y);
}

void softmax_backward(bool log, DType dtype, std::int64_t outer, std::int64_t n, std::int64_t inner,
                      const void* y, const void* grad, void* grad_x) {
  HWY_DYNAMIC_DISPATCH(softmax_backward_target)(log, dtype, outer, n, inner, y, grad, grad_x);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
