// The loops of vector_gemm.h, for one thread, so that fused kernels can multiply tiles. Compiled once for
// each Highway target, all of which must have vectors of a known size: disable SVE and RVV.

// What all targets share: the problem, typed.
#ifndef MICA_KERNELS_VECTOR_GEMM_PRODUCT
#define MICA_KERNELS_VECTOR_GEMM_PRODUCT

#include <cstdint>

namespace mica::kernels {

// c (m, n) = a (m, k) b (k, n) + beta * c + bias. An element of a is at a[i * a_row + p * a_column].
template <class T> struct Product {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t a_row, a_column;
  const T* b;
  std::int64_t ldb;
  bool trans_b;
  T* c;
  std::int64_t ldc;
  T beta;
  const T* bias;  // null: none

  // A part of it. One operand is null while b is packed, or when it is packed already.
  Product rows(std::int64_t first, std::int64_t last) const {
    Product part = *this;
    part.m = last - first;
    advance(part.a, first * a_row);
    advance(part.c, first * ldc);
    return part;
  }
  Product columns(std::int64_t first, std::int64_t last) const {
    Product part = *this;
    part.n = last - first;
    advance(part.b, trans_b ? first * ldb : first);
    advance(part.c, first);
    advance(part.bias, first);
    return part;
  }
  Product depth(std::int64_t first, std::int64_t last) const {
    Product part = *this;
    part.k = last - first;
    advance(part.a, first * a_column);
    advance(part.b, trans_b ? first : first * ldb);
    if (first > 0) {  // later blocks add to what the first one left
      part.beta = 1;
      part.bias = nullptr;
    }
    return part;
  }

  template <class P> static void advance(P*& pointer, std::int64_t by) {
    if (pointer != nullptr) pointer += by;
  }
};

}  // namespace mica::kernels
#endif

#if defined(MICA_KERNELS_VECTOR_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_VECTOR_GEMM_INL_H_
#undef MICA_KERNELS_VECTOR_GEMM_INL_H_
#else
#define MICA_KERNELS_VECTOR_GEMM_INL_H_
#endif

#include <algorithm>

#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/scratch.h>
#include <mica/kernels/vector_gemm.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

template <class T> constexpr std::int64_t lanes_of = static_cast<std::int64_t>(HWY_LANES(T));

// The first `count` lanes of a vector.
HWY_INLINE Part first_lanes(std::int64_t count) { return {static_cast<std::size_t>(count)}; }

// ---- b in rows: a tile of c in registers, one row of b after the other
// --------------------------------------

// A panel of b: two vectors wide where b has the columns for it.
template <class T> constexpr std::int64_t panel_width = 2 * lanes_of<T>;
// Rows of a tile: as many as the registers hold.
constexpr int tile_rows = HWY_TARGET <= HWY_AVX3 ? 8 : HWY_TARGET <= HWY_AVX2 ? 6 : 4;

// c[0 .. row_count)[0 .. columns) for up to vector_count vectors of columns, of which the last is partial
// when partial_vectors. `packed`: b is padded with zeros to whole vectors.
template <int row_count, int vector_count, bool partial_vectors, class T>
HWY_INLINE void tile(const Product<T>& g, std::int64_t columns, bool packed) {
  const Tag<T> d;
  constexpr int last_vector = vector_count - 1;
  const std::int64_t rest = columns - last_vector * lanes_of<T>;
  const auto load = [&](const T* from, int v, bool whole) HWY_ATTR {
    const T* at = from + v * lanes_of<T>;
    return partial_vectors && v == last_vector && !whole ? first_lanes(rest).load(d, at) : hn::LoadU(d, at);
  };
  Vec<T> sum[row_count][vector_count];
  HWY_UNROLL(vector_count)
  for (int v = 0; v < vector_count; ++v) {
    const Vec<T> start = g.bias != nullptr ? load(g.bias, v, false) : hn::Zero(d);
    HWY_UNROLL(row_count)
    for (int r = 0; r < row_count; ++r) sum[r][v] = start;
  }
  const auto accumulate = [&](bool whole) HWY_ATTR {
    const T* a = g.a;
    const T* b = g.b;
    for (std::int64_t p = 0; p < g.k; ++p, a += g.a_column, b += g.ldb) {
      Vec<T> row[vector_count];
      HWY_UNROLL(vector_count)
      for (int v = 0; v < vector_count; ++v) row[v] = load(b, v, whole);
      HWY_UNROLL(row_count)
      for (int r = 0; r < row_count; ++r) {
        const Vec<T> factor = hn::Set(d, a[r * g.a_row]);
        HWY_UNROLL(vector_count)
        for (int v = 0; v < vector_count; ++v) sum[r][v] = hn::MulAdd(factor, row[v], sum[r][v]);
      }
    }
  };
  if (partial_vectors && !packed) {
    accumulate(false);
  } else {
    accumulate(true);
  }
  HWY_UNROLL(row_count)
  for (int r = 0; r < row_count; ++r) {
    T* c = g.c + r * g.ldc;
    HWY_UNROLL(vector_count)
    for (int v = 0; v < vector_count; ++v) {
      Vec<T> result = sum[r][v];
      if (g.beta != 0) result = hn::MulAdd(hn::Set(d, g.beta), load(c, v, false), result);
      if (partial_vectors && v == last_vector) {
        first_lanes(rest).store(result, d, c + v * lanes_of<T>);
      } else {
        hn::StoreU(result, d, c + v * lanes_of<T>);
      }
    }
  }
}

// body<rows>(first row) for tiles of all rows below m.
template <class Body> HWY_INLINE void for_row_tiles(std::int64_t m, const Body& body) {
  std::int64_t i = 0;
  if constexpr (tile_rows > 4) {
    for (; i + tile_rows <= m; i += tile_rows) {
      if (tile_rows == 6 && m - i == 8) break;  // 4 + 4 is faster than 6 + 2
      body.template operator()<tile_rows>(i);
    }
  }
  for (; i + 4 <= m; i += 4) body.template operator()<4>(i);
  for (; i + 2 <= m; i += 2) body.template operator()<2>(i);
  if (i < m) body.template operator()<1>(i);
}

// All rows of one panel: `columns` of at most panel_width.
template <int vector_count, bool partial_vectors, class T>
HWY_NOINLINE void panel(const Product<T>& g, std::int64_t columns, bool packed) {
  for_row_tiles(g.m, [&]<int row_count>(std::int64_t i) HWY_ATTR {
    tile<row_count, vector_count, partial_vectors>(g.rows(i, i + row_count), columns, packed);
  });
}

// body<vectors, whether the last one is partial>() for a panel of so many columns.
template <class T, class Body> HWY_INLINE void for_width(std::int64_t columns, const Body& body) {
  if (columns == 2 * lanes_of<T>) return body.template operator()<2, false>();
  if (columns > lanes_of<T>) return body.template operator()<2, true>();
  if (columns == lanes_of<T>) return body.template operator()<1, false>();
  body.template operator()<1, true>();
}

template <class T> HWY_INLINE void any_panel(const Product<T>& g, std::int64_t columns, bool packed) {
  for_width<T>(columns, [&]<int vector_count, bool partial_vectors>()
                            HWY_ATTR { panel<vector_count, partial_vectors>(g, columns, packed); });
}

// b in rows and small enough to be read where it is.
template <class T> HWY_INLINE void multiply_in_place(const Product<T>& g) {
  for (std::int64_t j = 0; j < g.n; j += panel_width<T>) {
    const std::int64_t columns = std::min(panel_width<T>, g.n - j);
    any_panel(g.columns(j, j + columns), columns, false);
  }
}

// ---- b transposed and few rows of a: dot products along k
// ---------------------------------------------------

// Columns whose sums share a vector of 16 bytes.
template <class T> constexpr int group_size = 16 / sizeof(T);
template <class T> using GroupTag = hn::FixedTag<T, group_size<T>>;
template <class T> using Group = hn::Vec<GroupTag<T>>;
constexpr int dot_rows = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

// Adds up the blocks of 16 bytes.
template <class D> HWY_INLINE Group<hn::TFromD<D>> sum_of_blocks([[maybe_unused]] D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) == group_size<hn::TFromD<D>>) {
    return v;
  } else {
    const hn::Half<D> half;
    return sum_of_blocks(half, hn::Add(hn::UpperHalf(half, v), hn::LowerHalf(half, v)));
  }
}

// Lane i of the result is the sum of the lanes of v[i].
HWY_INLINE Group<float> sums(const Vec<float> (&v)[4]) {
  const Tag<float> d;
  const hn::Repartition<double, Tag<float>> pairs;
  const auto ab = hn::Add(hn::InterleaveLower(d, v[0], v[1]), hn::InterleaveUpper(d, v[0], v[1]));
  const auto cd = hn::Add(hn::InterleaveLower(d, v[2], v[3]), hn::InterleaveUpper(d, v[2], v[3]));
  const auto low = hn::InterleaveLower(pairs, hn::BitCast(pairs, ab), hn::BitCast(pairs, cd));
  const auto high = hn::InterleaveUpper(pairs, hn::BitCast(pairs, ab), hn::BitCast(pairs, cd));
  return sum_of_blocks(d, hn::Add(hn::BitCast(d, low), hn::BitCast(d, high)));
}
HWY_INLINE Group<double> sums(const Vec<double> (&v)[2]) {
  const Tag<double> d;
  return sum_of_blocks(d, hn::Add(hn::InterleaveLower(d, v[0], v[1]), hn::InterleaveUpper(d, v[0], v[1])));
}

// c[0 .. row_count)[0 .. columns), columns <= group_size.
template <int row_count, class T> HWY_INLINE void dots(const Product<T>& g, std::int64_t columns) {
  const Tag<T> d;
  const GroupTag<T> group;
  constexpr int column_count = group_size<T>;
  const T* b[column_count];  // past the last column: that column again, its sum is not stored
  for (int j = 0; j < column_count; ++j) b[j] = g.b + std::min<std::int64_t>(j, columns - 1) * g.ldb;
  Vec<T> sum[row_count][column_count];
  HWY_UNROLL(row_count)
  for (int r = 0; r < row_count; ++r) {
    HWY_UNROLL(group_size<T>)
    for (int j = 0; j < column_count; ++j) sum[r][j] = hn::Zero(d);
  }
  const auto step = [&](auto&& load) HWY_ATTR {
    Vec<T> column[column_count];
    HWY_UNROLL(group_size<T>)
    for (int j = 0; j < column_count; ++j) column[j] = load(b[j]);
    HWY_UNROLL(row_count)
    for (int r = 0; r < row_count; ++r) {
      const Vec<T> row = load(g.a + r * g.a_row);
      HWY_UNROLL(group_size<T>)
      for (int j = 0; j < column_count; ++j) sum[r][j] = hn::MulAdd(row, column[j], sum[r][j]);
    }
  };
  std::int64_t p = 0;
  for (; p + lanes_of<T> <= g.k; p += lanes_of<T>) {
    step([&](const T* from) HWY_ATTR { return hn::LoadU(d, from + p); });
  }
  if (p < g.k) {
    step([&](const T* from) HWY_ATTR { return first_lanes(g.k - p).load(d, from + p); });
  }
  HWY_UNROLL(row_count)
  for (int r = 0; r < row_count; ++r) {
    T* c = g.c + r * g.ldc;
    Group<T> result = sums(sum[r]);
    if (columns == column_count) {
      if (g.bias != nullptr) result = hn::Add(result, hn::LoadU(group, g.bias));
      if (g.beta != 0) result = hn::MulAdd(hn::Set(group, g.beta), hn::LoadU(group, c), result);
      hn::StoreU(result, group, c);
    } else {
      if (g.bias != nullptr) result = hn::Add(result, first_lanes(columns).load(group, g.bias));
      if (g.beta != 0) {
        result = hn::MulAdd(hn::Set(group, g.beta),
                            first_lanes(columns).load(group, static_cast<const T*>(c)), result);
      }
      first_lanes(columns).store(result, group, c);
    }
  }
}

template <class T> HWY_INLINE void multiply_by_dots(const Product<T>& g) {
  std::int64_t i = 0;
  const auto rows = [&]<int row_count>() HWY_ATTR {
    for (; i + row_count <= g.m; i += row_count) {
      const Product<T> strip = g.rows(i, i + row_count);
      for (std::int64_t j = 0; j < g.n; j += group_size<T>) {
        const std::int64_t columns = std::min<std::int64_t>(group_size<T>, g.n - j);
        dots<row_count>(strip.columns(j, j + columns), columns);
      }
    }
  };
  if constexpr (dot_rows == 4) rows.template operator()<4>();
  rows.template operator()<2>();
  rows.template operator()<1>();
}

// ---- everything else: b packed into panels
// ------------------------------------------------------------------

// A block of b of block_depth rows stays in the second-level cache while all rows of a pass over it.
constexpr std::int64_t block_depth = 256;
template <class T> constexpr std::int64_t block_width = 2048 / static_cast<std::int64_t>(sizeof(T));

// Transposes group_size x group_size elements.
HWY_INLINE void transpose_group(const float* from, std::int64_t stride, float* to, std::int64_t to_stride) {
  const GroupTag<float> d;
  const hn::Repartition<double, GroupTag<float>> pairs;
  const auto v0 = hn::LoadU(d, from), v1 = hn::LoadU(d, from + stride);
  const auto v2 = hn::LoadU(d, from + 2 * stride), v3 = hn::LoadU(d, from + 3 * stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  hn::Store(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
  hn::Store(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_stride);
  hn::Store(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_stride);
  hn::Store(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_stride);
}
HWY_INLINE void transpose_group(const double* from, std::int64_t stride, double* to, std::int64_t to_stride) {
  const GroupTag<double> d;
  const auto v0 = hn::LoadU(d, from), v1 = hn::LoadU(d, from + stride);
  hn::Store(hn::InterleaveLower(d, v0, v1), d, to);
  hn::Store(hn::InterleaveUpper(d, v0, v1), d, to + to_stride);
}

// The first `columns` columns of b, at most panel_width, as rows of `stride` elements; missing columns are
// zero.
template <class T>
HWY_INLINE void pack_panel(const Product<T>& g, std::int64_t columns, T* to, std::int64_t stride) {
  if (!g.trans_b && columns == panel_width<T>) {
    for (std::int64_t p = 0; p < g.k; ++p) std::copy_n(g.b + p * g.ldb, panel_width<T>, to + p * stride);
    return;
  }
  constexpr std::int64_t block_side = group_size<T>;
  const std::int64_t whole = g.trans_b ? columns / block_side * block_side : 0;
  for (std::int64_t j = 0; j < whole; j += block_side) {
    const T* from = g.b + j * g.ldb;
    std::int64_t p = 0;
    for (; p + block_side <= g.k; p += block_side)
      transpose_group(from + p, g.ldb, to + p * stride + j, stride);
    for (; p < g.k; ++p) {
      for (std::int64_t q = 0; q < block_side; ++q) to[p * stride + j + q] = from[q * g.ldb + p];
    }
  }
  const std::int64_t row = g.trans_b ? 1 : g.ldb, column = g.trans_b ? g.ldb : 1;
  if (whole == stride) return;
  for (std::int64_t p = 0; p < g.k; ++p, to += stride) {
    for (std::int64_t j = whole; j < columns; ++j) to[j] = g.b[p * row + j * column];
    std::fill(to + columns, to + stride, T{0});
  }
}

// Elements between the rows of a packed panel.
template <class T> constexpr std::int64_t panel_stride(std::int64_t columns) {
  return columns <= lanes_of<T> ? lanes_of<T> : panel_width<T>;
}
// Room for n packed columns of depth k.
template <class T> constexpr std::int64_t packed_size(std::int64_t k, std::int64_t n) {
  return k * ((n + panel_width<T> - 1) / panel_width<T> * panel_width<T>);
}

// The columns of b from j on, a panel of them, to where packed b has them.
template <class T> HWY_INLINE void pack_one(const Product<T>& g, std::int64_t j, T* packed) {
  const std::int64_t columns = std::min(panel_width<T>, g.n - j);
  pack_panel(g.columns(j, j + columns), columns, packed, panel_stride<T>(columns));
}
// The columns of c from j on, a panel of them, with a packed panel of b.
template <class T> HWY_INLINE void multiply_one(const Product<T>& g, std::int64_t j, const T* packed) {
  const std::int64_t columns = std::min(panel_width<T>, g.n - j);
  Product<T> part = g.columns(j, j + columns);
  part.b = packed;
  part.ldb = panel_stride<T>(columns);
  part.trans_b = false;
  any_panel(part, columns, true);
}

template <class T> HWY_INLINE void multiply_packed(const Product<T>& whole) {
  const std::int64_t depth = std::min(whole.k, block_depth);
  const Scratch<T> packed(packed_size<T>(depth, std::min(whole.n, block_width<T>)));
  for (std::int64_t p = 0; p < whole.k; p += block_depth) {
    const Product<T> slice = whole.depth(p, std::min(p + block_depth, whole.k));
    for (std::int64_t first = 0; first < whole.n; first += block_width<T>) {
      const Product<T> block = slice.columns(first, std::min(first + block_width<T>, whole.n));
      for (std::int64_t j = 0; j < block.n; j += panel_width<T>) {
        pack_one(block, j, packed.data() + j * depth);
        multiply_one(block, j, packed.data() + j * depth);
      }
    }
  }
}

template <class T> HWY_INLINE void multiply(const Product<T>& g) {
  constexpr std::int64_t near_bytes = 1 << 15;  // fits the first-level cache
  const bool near = g.k * g.n * static_cast<std::int64_t>(sizeof(T)) <= near_bytes;
  if (g.trans_b && g.a_column == 1 && std::min(g.m, g.n) <= sliver) return multiply_by_dots(g);
  if (!g.trans_b && (near || g.m <= sliver)) return multiply_in_place(g);
  multiply_packed(g);
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
