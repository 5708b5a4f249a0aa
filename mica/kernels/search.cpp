#include <algorithm>
#include <string>
#include <type_traits>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/search.h>

namespace mica::kernels {
namespace {

// The first position whose element is not before `value`. NaN is behind everything, as in PyTorch.
template <class T> std::int64_t place(const T* sorted, std::int64_t n, T value, bool right) {
  std::int64_t first = 0;
  std::int64_t last = n;
  while (first < last) {
    const std::int64_t middle = first + (last - first) / 2;
    const bool stop = right ? sorted[middle] > value : sorted[middle] >= value;
    if (stop)
      last = middle;
    else
      first = middle + 1;
  }
  return first;
}

template <class T> void search_as(const Search& s, const T* sorted, const T* values, std::int64_t* out) {
  parallel_for(0, s.rows * s.m, 2048, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i)
      out[i] = place(sorted + (s.shared ? 0 : i / s.m * s.n), s.n, values[i], s.right);
  });
}

}  // namespace

void search_sorted(const Search& search, const void* sorted, const void* values, std::int64_t* out) {
  dispatch(search.dtype, [&]<class T>() {
    if constexpr (std::is_arithmetic_v<T>) {
      search_as(search, static_cast<const T*>(sorted), static_cast<const T*>(values), out);
    } else {
      throw Error("search_sorted", "not defined for " + std::string(name(search.dtype)),
                  "convert to f32 first");
    }
  });
}

void histogram(DType dtype, std::int64_t count, const void* data, std::int64_t bins, double low, double high,
               void* result) {
  dispatch_floating("histogram", dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(data);
    T* counts = static_cast<T*>(result);
    const T from = static_cast<T>(low);
    const T to = static_cast<T>(high);
    for (std::int64_t i = 0; i < count; ++i) {
      if (!(x[i] >= from && x[i] <= to)) continue;
      const auto bin = static_cast<std::int64_t>((x[i] - from) * static_cast<T>(bins) / (to - from));
      counts[std::min(bin, bins - 1)] += 1;
    }
  });
}

}  // namespace mica::kernels
