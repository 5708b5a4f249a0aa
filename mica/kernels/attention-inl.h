// What the two ways of attention share: tiles of scores and of what goes with them. Included once per Highway
// target, from a .cpp that uses foreach_target.h.
#if defined(MICA_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_ATTENTION_INL_H_
#undef MICA_KERNELS_ATTENTION_INL_H_
#else
#define MICA_KERNELS_ATTENTION_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/attention.h>
#include <mica/kernels/math-inl.h>
#include <mica/kernels/vector_gemm-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// Scores are made a tile at a time: 64 x 128 floats, and the operands beside them, stay in the second-level
// cache.
constexpr std::int64_t query_tile = 64, key_tile = 128;
// Elements between the rows of a tile: no power of two, whose columns would share a set of the cache.
constexpr std::int64_t tile_pitch = key_tile + 16;

template <class T> T* row_of(const HeadRows& x, std::int64_t batch, std::int64_t head, std::int64_t row = 0) {
  return static_cast<T*>(x.data) + batch * x.batch_stride + head * x.head_stride + row * x.row_stride;
}

// e^x for x <= 0 (or a little above): 0 for -inf and where the result would not be a normal number; NaN stays
// NaN.
template <class D, class V> HWY_INLINE V exp_below(D d, V x) {
  using T = hn::TFromD<D>;
  const auto vanishes = hn::Lt(x, hn::Set(d, sizeof(T) == 4 ? T(-87) : T(-708)));
  const auto [n, p, shifted] = exp_parts(d, x);
  const V power = power_of_two(d, shifted);
  return hn::IfThenZeroElse(vanishes, hn::MulAdd(power, p, power));
}

// One row of what is elementwise with the scores of a head, as numbers of type T: the mask, to be added, or
// the bytes of dropout, to be multiplied by.
template <class T> class ScoreRows {
 public:
  static ScoreRows mask(const Attention& a, std::int64_t batch, std::int64_t head) {
    const std::int64_t* s = a.mask_strides;
    return {a.mask,
            a.mask_is_bytes,
            batch * s[0] + head * s[1],
            s[2],
            s[3],
            T(0),
            -std::numeric_limits<T>::infinity()};
  }
  static ScoreRows dropout(const Attention& a, std::int64_t batch, std::int64_t head) {
    const std::int64_t size = a.queries * a.keys;
    return {a.kept, true, (batch * a.heads + head) * size, a.keys, 1, static_cast<T>(a.kept_scale), T(0)};
  }

  explicit operator bool() const { return data_ != nullptr; }

  // Columns j to j + count of row i; valid until the next call.
  HWY_INLINE const T* get(std::int64_t i, std::int64_t j, std::int64_t count) {
    const std::int64_t at = offset_ + i * row_stride_ + j * column_stride_;
    if (!is_bytes_ && column_stride_ == 1) return static_cast<const T*>(data_) + at;
    if (row_stride_ == 0 && j == buffered_) return buffer_;  // the same for all rows
    buffered_ = j;
    if (is_bytes_) {
      const std::uint8_t* from = static_cast<const std::uint8_t*>(data_) + at;
      for (std::int64_t c = 0; c < count; ++c) buffer_[c] = from[c * column_stride_] != 0 ? set_ : unset_;
    } else {
      const T* from = static_cast<const T*>(data_) + at;
      for (std::int64_t c = 0; c < count; ++c) buffer_[c] = from[c * column_stride_];
    }
    return buffer_;
  }

 private:
  ScoreRows(const void* data, bool is_bytes, std::int64_t offset, std::int64_t row_stride,
            std::int64_t column_stride, T set, T unset)
      : data_(data),
        is_bytes_(is_bytes),
        offset_(offset),
        row_stride_(row_stride),
        column_stride_(column_stride),
        set_(set),
        unset_(unset) {}

  const void* data_;
  bool is_bytes_;
  std::int64_t offset_, row_stride_, column_stride_;
  T set_, unset_;  // what bytes mean
  std::int64_t buffered_ = -1;
  T buffer_[key_tile];
};

// to (rows, n) contiguous = scale * from.
template <class T>
HWY_INLINE void copy_rows(std::int64_t rows, std::int64_t n, const T* from, std::int64_t from_stride, T scale,
                          T* to, std::int64_t to_stride) {
  const Tag<T> d;
  const Vec<T> factor = hn::Set(d, scale);
  for (std::int64_t i = 0; i < rows; ++i) {
    const T* x = from + i * from_stride;
    T* y = to + i * to_stride;
    for_lanes<T>(n, [&](std::int64_t c, auto access)
                        HWY_ATTR { access.store(hn::Mul(access.load(d, x + c), factor), d, y + c); });
  }
}

// b (k, n), given in rows or (`transposed`) in columns, packed for multiply_tile.
template <class T>
HWY_INLINE void pack(bool transposed, std::int64_t k, std::int64_t n, const T* b, std::int64_t stride,
                     T* packed) {
  const Product<T> g{.n = n, .k = k, .b = b, .ldb = stride, .trans_b = transposed};
  for (std::int64_t j = 0; j < n; j += panel_width<T>) pack_one(g, j, packed + j * k);
}

// c (m, n) = a (m, k) times packed b, or added to c.
template <class T>
HWY_INLINE void multiply_tile(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, std::int64_t a_row,
                              std::int64_t a_column, const T* packed, T* c, std::int64_t ldc, bool add) {
  const Product<T> g{.m = m,
                     .n = n,
                     .k = k,
                     .a = a,
                     .a_row = a_row,
                     .a_column = a_column,
                     .c = c,
                     .ldc = ldc,
                     .beta = add ? T(1) : T(0)};
  for (std::int64_t j = 0; j < n; j += panel_width<T>) multiply_one(g, j, packed + j * k);
}

// How many of the keys j to j + columns query i sees.
HWY_INLINE std::int64_t visible(const Attention& a, std::int64_t i, std::int64_t j, std::int64_t columns) {
  return a.causal ? std::clamp<std::int64_t>(i + 1 - j, 0, columns) : columns;
}

template <class T> HWY_INLINE void multiply_row(std::int64_t n, T* x, const T* by) {
  const Tag<T> d;
  for_lanes<T>(n, [&](std::int64_t c, auto access) HWY_ATTR {
    access.store(hn::Mul(access.load(d, x + c), access.load(d, by + c)), d, x + c);
  });
}

// Tiles of queries that make a thread's start worth while.
inline std::int64_t tiles_for_a_thread(const Attention& a) {
  constexpr std::int64_t grain = 1 << 17;
  const std::int64_t work = query_tile * a.keys * std::max<std::int64_t>(1, a.features + a.value_features);
  return std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, work));
}

// Nothing to look at: all results are 0.
template <class T>
void fill_zero(const Attention& a, std::int64_t heads, std::int64_t rows, std::int64_t n,
               const HeadRows& out) {
  if (out.data == nullptr) return;
  for (std::int64_t b = 0; b < a.batch; ++b) {
    for (std::int64_t h = 0; h < heads; ++h) {
      for (std::int64_t i = 0; i < rows; ++i) std::fill_n(row_of<T>(out, b, h, i), n, T(0));
    }
  }
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
