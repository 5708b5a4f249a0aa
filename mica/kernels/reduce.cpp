#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <mica/kernels/reduce.h>

namespace mica::kernels {

namespace {

// out[kept position] = f(out, x) over all elements, in row-major order.
template <class T, class A, class F>
void fold(const Shape& sizes, const In& x, std::uint32_t dims, void* out, A identity, F f) {
  auto* result = static_cast<A*>(out);
  std::int64_t kept = 1;
  for (int i = 0; i < sizes.size(); ++i) kept *= (dims >> i & 1U) != 0 ? 1 : sizes[i];
  std::fill_n(result, kept, identity);
  std::array<std::int64_t, max_dims> index{};
  for (std::int64_t n = sizes.numel(); n > 0; --n) {
    std::int64_t to = 0;
    std::int64_t from = 0;
    for (int i = 0; i < sizes.size(); ++i) {
      const auto k = index[static_cast<unsigned>(i)];
      from += k * x.strides[i];
      if ((dims >> i & 1U) == 0) to = to * sizes[i] + k;
    }
    result[to] = f(result[to], static_cast<const T*>(x.data)[from]);
    for (int i = sizes.size() - 1; i >= 0 && ++index[static_cast<unsigned>(i)] == sizes[i]; --i) {
      index[static_cast<unsigned>(i)] = 0;
    }
  }
}

template <class T> bool better(bool largest, T candidate, T best) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(best)) return false;
    if (std::isnan(candidate)) return true;
  }
  return largest ? candidate > best : candidate < best;
}

template <class T>
void extremum(bool largest, const Shape& sizes, const In& x, std::uint32_t dims, void* out) {
  using Limits = std::numeric_limits<T>;
  const T start = Limits::has_infinity ? (largest ? -Limits::infinity() : Limits::infinity())
                                       : (largest ? Limits::lowest() : Limits::max());
  fold<T, T>(sizes, x, dims, out, start,
             [largest](T best, T v) { return better(largest, v, best) ? v : best; });
}

template <class Fn> void with_type(DType dtype, Fn fn) {
  dispatch(dtype, [&]<class T>() {
    if constexpr (!std::is_same_v<T, BFloat16> && !std::is_same_v<T, Half>) fn.template operator()<T>();
  });
}

}  // namespace

void reduce(Reduce op, DType dtype, const Shape& sizes, const In& x, std::uint32_t dims, void* out) {
  with_type(dtype, [&]<class T>() {
    using A = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
    switch (op) {
      case Reduce::sum:
        return fold<T, A>(sizes, x, dims, out, A(0),
                          [](A a, T v) { return static_cast<A>(a + static_cast<A>(v)); });
      case Reduce::prod:
        return fold<T, A>(sizes, x, dims, out, A(1),
                          [](A a, T v) { return static_cast<A>(a * static_cast<A>(v)); });
      case Reduce::max: return extremum<T>(true, sizes, x, dims, out);
      case Reduce::min: return extremum<T>(false, sizes, x, dims, out);
      case Reduce::any:
        return fold<T, bool>(sizes, x, dims, out, false, [](bool a, T v) { return a || v != T(0); });
      case Reduce::all:
        return fold<T, bool>(sizes, x, dims, out, true, [](bool a, T v) { return a && v != T(0); });
    }
  });
}

void arg_reduce(bool largest, DType dtype, const Shape& sizes, const In& x, int dim, void* values,
                std::int64_t* indices) {
  with_type(dtype, [&]<class T>() {
    const auto* from = static_cast<const T*>(x.data);
    auto* best_values = static_cast<T*>(values);
    Shape kept = sizes;
    kept.erase(dim);
    for (std::int64_t k = 0; k < kept.numel(); ++k) {
      std::int64_t rest = k;
      std::int64_t offset = 0;
      for (int i = sizes.size() - 1; i >= 0; --i) {
        if (i == dim) continue;
        offset += rest % sizes[i] * x.strides[i];
        rest /= sizes[i];
      }
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < sizes[dim]; ++i) {
        if (better(largest, from[offset + i * x.strides[dim]], from[offset + best * x.strides[dim]]))
          best = i;
      }
      indices[k] = best;
      if (best_values != nullptr) best_values[k] = from[offset + best * x.strides[dim]];
    }
  });
}

}  // namespace mica::kernels
