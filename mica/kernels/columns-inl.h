// Reductions down the columns of a narrow block, for operations over a dimension that is not the last.
// Compiled once for each Highway target.
#if defined(MICA_KERNELS_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_COLUMNS_INL_H_
#undef MICA_KERNELS_COLUMNS_INL_H_
#else
#define MICA_KERNELS_COLUMNS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <mica/core/parallel.h>
#include <mica/kernels/lanes-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {

inline constexpr std::int64_t max_tile = 256;

// (outer, n, inner) cut into blocks of (n, width) with width <= max_tile, in parallel: body(offset of the
// block, width, distance to a block as wide on its right, or 0). A block and its result stay in the L2 cache,
// and its rows are two cache lines or more; too short for the hardware to see what comes next, so bodies
// prefetch.
template <class Body>
void for_column_tiles(std::int64_t outer, std::int64_t n, std::int64_t inner, const Body& body) {
  if (outer == 0 || n == 0 || inner == 0) return;
  const std::int64_t fits = std::clamp<std::int64_t>(16384 / n, 32, max_tile) / 16 * 16;
  const std::int64_t tile = std::min(inner, fits);
  const std::int64_t tiles = (inner + tile - 1) / tile;
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / (n * tile));
  parallel_for(0, outer * tiles, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t item = first; item < last; ++item) {
      const std::int64_t column = item % tiles * tile;
      const std::int64_t next = column + 2 * tile <= inner ? tile : 0;
      body(item / tiles * n * inner + column, std::min(tile, inner - column), next);
    }
  });
}

// max[j] = the largest of x[i * pitch + j], i < n.
template <class T>
void column_max(std::int64_t n, std::int64_t width, std::int64_t pitch, const T* x, T* max) {
  const Tag<T> d;
  std::fill_n(max, width, -std::numeric_limits<T>::infinity());
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = x + i * pitch;
    for_lanes<T>(width, [&](std::int64_t j, auto access) HWY_ATTR {
      access.store(hn::Max(access.load(d, max + j), access.load(d, row + j)), d, max + j);
    });
  }
}

// total[j] = the sum over i < n of the vectors term(i, j, access). Sums of 64 rows in T, the rest in double.
template <class T, class Term>
HWY_INLINE void column_sums(std::int64_t n, std::int64_t width, double* total, Term&& term) {
  const Tag<T> d;
  HWY_ALIGN T part[max_tile];
  std::fill_n(total, width, 0.0);
  for (std::int64_t begin = 0; begin < n; begin += 64) {
    std::fill_n(part, width, T(0));
    for (std::int64_t i = begin; i < std::min(n, begin + 64); ++i) {
      for_lanes<T>(width, [&](std::int64_t j, auto access) HWY_ATTR {
        access.store(hn::Add(access.load(d, part + j), term(i, j, access)), d, part + j);
      });
    }
    for (std::int64_t j = 0; j < width; ++j) total[j] += static_cast<double>(part[j]);
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // MICA_KERNELS_COLUMNS_INL_H_
