#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/scan.h>

namespace mica::kernels {
namespace {

// Calls step(total, offset, i) for the elements of each line in turn, with a total of the line's own. Lines
// side by side advance together, so that memory is read as it lies.
template <class Total, class Step> void walk(const Lines& lines, const Total& start, const Step& step) {
  constexpr std::int64_t width = 64;
  const std::int64_t strips = (lines.inner + width - 1) / width;
  const std::int64_t work = std::max<std::int64_t>(1, lines.n * std::min(width, lines.inner));
  parallel_for(0, lines.outer * strips, std::max<std::int64_t>(1, 16384 / work),
               [&](std::int64_t first, std::int64_t last) {
                 std::array<Total, width> totals;
                 for (std::int64_t strip = first; strip < last; ++strip) {
                   const std::int64_t column = strip % strips * width;
                   const std::int64_t count = std::min(width, lines.inner - column);
                   std::fill_n(totals.begin(), count, start);
                   for (std::int64_t k = 0; k < lines.n; ++k) {
                     const std::int64_t i = lines.backward ? lines.n - 1 - k : k;
                     const std::int64_t offset = (strip / strips * lines.n + i) * lines.inner + column;
                     for (std::int64_t c = 0; c < count; ++c)
                       step(totals[static_cast<std::size_t>(c)], offset + c, i);
                   }
                 }
               });
}

// log(exp(a) + exp(b)) without overflow.
double log_add_exp(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return a + b;
  const double high = std::max(a, b);
  return std::isinf(high) ? high : high + std::log1p(std::exp(std::min(a, b) - high));
}

template <class T> void scan_as(Scan op, const Lines& lines, const T* x, T* y) {
  // Sums of integers wrap around.
  using Total = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  const auto run = [&](Total start, auto add) {
    walk(lines, start, [&](Total& total, std::int64_t at, std::int64_t) {
      total = add(total, static_cast<Total>(x[at]));
      y[at] = static_cast<T>(total);
    });
  };
  switch (op) {
    case Scan::sum: return run(0, [](Total a, Total b) { return a + b; });
    case Scan::prod: return run(1, [](Total a, Total b) { return a * b; });
    case Scan::logsumexp:
      if constexpr (std::is_floating_point_v<T>) run(-std::numeric_limits<double>::infinity(), log_add_exp);
      return;
  }
}

template <class T>
void extremum_as(bool largest, const Lines& lines, const T* x, T* values, std::int64_t* indices) {
  struct Best {
    T value;
    std::int64_t index;
  };
  const auto is_nan = [](T v) { return v != v; };
  walk(lines, Best{T(), -1}, [&](Best& best, std::int64_t at, std::int64_t i) {
    const T v = x[at];
    const bool ahead = largest ? v >= best.value : v <= best.value;
    if (best.index < 0 || is_nan(v) || (ahead && !is_nan(best.value))) best = {v, i};
    values[at] = best.value;
    indices[at] = best.index;
  });
}

}  // namespace

void scan(Scan op, DType dtype, const Lines& lines, const void* x, void* y) {
  if (dtype == i64 && op != Scan::logsumexp)
    return scan_as(op, lines, static_cast<const std::int64_t*>(x), static_cast<std::int64_t*>(y));
  dispatch_floating("scan", dtype,
                    [&]<class T>() { scan_as(op, lines, static_cast<const T*>(x), static_cast<T*>(y)); });
}

void recurrence(DType dtype, const Lines& lines, const void* a, const void* b, void* y) {
  dispatch_floating("recurrence", dtype, [&]<class T>() {
    walk(lines, 0.0, [&](double& total, std::int64_t at, std::int64_t) {
      total = static_cast<const T*>(b)[at] + static_cast<const T*>(a)[at] * total;
      static_cast<T*>(y)[at] = static_cast<T>(total);
    });
  });
}

void scan_extremum(bool largest, DType dtype, const Lines& lines, const void* x, void* values,
                   std::int64_t* indices) {
  dispatch(dtype, [&]<class T>() {
    if constexpr (std::is_arithmetic_v<T>) {
      extremum_as(largest, lines, static_cast<const T*>(x), static_cast<T*>(values), indices);
    } else {
      throw Error("scan_extremum", "not defined for " + std::string(name(dtype)), "convert to f32 first");
    }
  });
}

}  // namespace mica::kernels
