#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <mica/core/parallel.h>
#include <mica/kernels/attention.h>
#include <mica/kernels/floating.h>

// As vector_gemm.cpp, whose tiles it multiplies.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/attention.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

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

// The queries of a tile on their way through the keys: maximum and sum of the exponentials so far, and the
// weighted values, all relative to that maximum.
template <class T> struct Running {
  explicit Running(std::int64_t value_features) : values(query_tile * value_features) {}
  T max[query_tile];
  double sum[query_tile];
  Scratch<T> values;
};

// Turns a row of scores into exponentials relative to the running maximum, which it raises. Returns the
// factor for what was gathered so far.
template <class T> HWY_INLINE T exponentiate(std::int64_t n, T* scores, const T* bias, T& max, double& sum) {
  const Tag<T> d;
  if (bias != nullptr) {
    for_lanes<T>(n, [&](std::int64_t c, auto access) HWY_ATTR {
      access.store(hn::Add(access.load(d, scores + c), access.load(d, bias + c)), d, scores + c);
    });
  }
  const T before = max;
  const T largest = max_lanes(n, scores);
  if (largest > max) max = largest;
  // While all keys are hidden: 0 for each of them, not NaN.
  const T base = max == -std::numeric_limits<T>::infinity() ? T(0) : max;
  const Vec<T> center = hn::Set(d, base);
  const double added = sum_lanes<T>(n, [&](std::int64_t c, auto access) HWY_ATTR {
    const Vec<T> e = exp_below(d, hn::Sub(access.load(d, scores + c), center));
    access.store(e, d, scores + c);
    return e;
  });
  if (before == max) {
    sum += added;
    return T(1);
  }
  const T factor = sum == 0 ? T(0) : std::exp(before - base);
  sum = sum * static_cast<double>(factor) + added;
  return factor;
}

template <class T> HWY_INLINE void multiply_row(std::int64_t n, T* x, const T* by) {
  const Tag<T> d;
  for_lanes<T>(n, [&](std::int64_t c, auto access) HWY_ATTR {
    access.store(hn::Mul(access.load(d, x + c), access.load(d, by + c)), d, x + c);
  });
}

// The keys and values of one head, packed once for all its queries; read where they are if those are few.
template <class T> class Keys {
 public:
  Keys(const Attention& a, std::int64_t batch, std::int64_t head)
      : a_(a),
        direct_(a.queries <= few),
        key_(row_of<T>(a.key, batch, head)),
        value_(row_of<T>(a.value, batch, head)),
        packed_keys_(direct_ ? 0 : packed_size<T>(a.features, key_tile) * tiles(a)),
        packed_values_(direct_ ? 0 : packed_size<T>(key_tile, a.value_features) * tiles(a)) {
    for (std::int64_t j = 0; j < a.keys && !direct_; j += key_tile) {
      const std::int64_t columns = std::min(key_tile, a.keys - j);
      pack(true, a.features, columns, key_ + j * a.key.row_stride, a.key.row_stride, packed_key(j));
      pack(false, columns, a.value_features, value_ + j * a.value.row_stride, a.value.row_stride,
           packed_value(j));
    }
  }
  // scores = query (rows, features) times the keys j to j + columns.
  HWY_INLINE void score(std::int64_t rows, std::int64_t j, std::int64_t columns, const T* query,
                        T* scores) const {
    if (direct_) {
      return multiply_by_dots(Product<T>{.m = rows,
                                         .n = columns,
                                         .k = a_.features,
                                         .a = query,
                                         .a_row = a_.features,
                                         .a_column = 1,
                                         .b = key_ + j * a_.key.row_stride,
                                         .ldb = a_.key.row_stride,
                                         .trans_b = true,
                                         .c = scores,
                                         .ldc = tile_pitch});
    }
    multiply_tile(rows, columns, a_.features, query, a_.features, 1, packed_key(j), scores, tile_pitch,
                  false);
  }
  // sums (rows, value_features) = weights times the values j to j + columns, added after the first tile.
  HWY_INLINE void weigh(std::int64_t rows, std::int64_t j, std::int64_t columns, const T* weights,
                        T* sums) const {
    const std::int64_t n = a_.value_features;
    if (direct_) {
      return multiply_in_place(Product<T>{.m = rows,
                                          .n = n,
                                          .k = columns,
                                          .a = weights,
                                          .a_row = tile_pitch,
                                          .a_column = 1,
                                          .b = value_ + j * a_.value.row_stride,
                                          .ldb = a_.value.row_stride,
                                          .c = sums,
                                          .ldc = n,
                                          .beta = j > 0 ? T(1) : T(0)});
    }
    multiply_tile(rows, n, columns, weights, tile_pitch, 1, packed_value(j), sums, n, j > 0);
  }

 private:
  static constexpr std::int64_t few = 4;
  static std::int64_t tiles(const Attention& a) { return (a.keys + key_tile - 1) / key_tile; }
  T* packed_key(std::int64_t j) const {
    return packed_keys_.data() + j / key_tile * packed_size<T>(a_.features, key_tile);
  }
  T* packed_value(std::int64_t j) const {
    return packed_values_.data() + j / key_tile * packed_size<T>(key_tile, a_.value_features);
  }
  const Attention& a_;
  bool direct_;
  const T *key_, *value_;
  Scratch<T> packed_keys_, packed_values_;
};

// Queries `first` to `last` of a head.
template <class T>
void forward_queries(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t first,
                     std::int64_t last, const Keys<T>& keys, const HeadRows& out, T* log_sum) {
  const std::int64_t n = a.value_features;
  const Scratch<T> query(query_tile * a.features), scores(query_tile * tile_pitch);
  Running<T> run(n);
  auto mask = ScoreRows<T>::mask(a, batch, head);
  auto kept = ScoreRows<T>::dropout(a, batch, head);
  for (std::int64_t i = first; i < last; i += query_tile) {
    const std::int64_t rows = std::min(query_tile, last - i);
    copy_rows(rows, a.features, row_of<T>(a.query, batch, head, i), a.query.row_stride,
              static_cast<T>(a.scale), query.data(), a.features);
    std::fill_n(run.max, rows, -std::numeric_limits<T>::infinity());
    std::fill_n(run.sum, rows, 0.0);
    const std::int64_t end = a.causal ? std::min(a.keys, i + rows) : a.keys;
    for (std::int64_t j = 0; j < end; j += key_tile) {
      const std::int64_t columns = std::min(key_tile, a.keys - j);
      keys.score(rows, j, columns, query.data(), scores.data());
      for (std::int64_t r = 0; r < rows; ++r) {
        T* row = scores.data() + r * tile_pitch;
        const std::int64_t seen = visible(a, i + r, j, columns);
        const T factor =
            exponentiate(seen, row, mask ? mask.get(i + r, j, columns) : nullptr, run.max[r], run.sum[r]);
        std::fill(row + seen, row + columns, T(0));
        if (kept) multiply_row(seen, row, kept.get(i + r, j, columns));
        if (j > 0 && factor != 1) {
          T* values = run.values.data() + r * n;
          copy_rows(1, n, values, n, factor, values, n);
        }
      }
      keys.weigh(rows, j, columns, scores.data(), run.values.data());
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const bool sees_none = run.sum[r] == 0;
      copy_rows(1, n, run.values.data() + r * n, n, sees_none ? T(0) : static_cast<T>(1 / run.sum[r]),
                row_of<T>(out, batch, head, i + r), n);
      log_sum[i + r] =
          sees_none ? T(0) : static_cast<T>(static_cast<double>(run.max[r]) + std::log(run.sum[r]));
    }
  }
}

// Tiles of queries that make a thread's start worth while.
std::int64_t tiles_for_a_thread(const Attention& a) {
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

template <class T> void forward(const Attention& a, const HeadRows& out, T* log_sum) {
  if (a.keys == 0) {
    fill_zero<T>(a, a.heads, a.queries, a.value_features, out);
    std::fill_n(log_sum, a.batch * a.heads * a.queries, T(0));
    return;
  }
  const std::int64_t group = a.heads / std::max<std::int64_t>(1, a.kv_heads);
  const std::int64_t pairs = a.batch * a.kv_heads;
  // Packing the keys is shared by all queries of a head, unless that leaves threads without work.
  const std::int64_t tiles = (a.queries + query_tile - 1) / query_tile;
  const std::int64_t parts = pairs == 0 ? 1
                                        : std::clamp<std::int64_t>((num_threads() + pairs - 1) / pairs, 1,
                                                                   std::max<std::int64_t>(1, tiles * group));
  const std::int64_t grain = tiles_for_a_thread(a) / std::max<std::int64_t>(1, tiles * group / parts);
  parallel_for(0, pairs * parts, grain, [&](std::int64_t from, std::int64_t to) HWY_ATTR {
    for (std::int64_t item = from; item < to; ++item) {
      const std::int64_t batch = item / parts / a.kv_heads, kv_head = item / parts % a.kv_heads;
      const Keys<T> keys(a, batch, kv_head);
      // Part p of the tiles of all queries that share these keys.
      const std::int64_t part = item % parts;
      for (std::int64_t t = tiles * group * part / parts; t < tiles * group * (part + 1) / parts; ++t) {
        const std::int64_t head = kv_head * group + t / tiles, i = t % tiles * query_tile;
        forward_queries(a, batch, head, i, std::min(i + query_tile, a.queries), keys, out,
                        log_sum + (batch * a.heads + head) * a.queries);
      }
    }
  });
}

}  // namespace

void attention_target(const Attention& a, const HeadRows& out, void* log_sum) {
  dispatch_floating("attention", a.dtype,
                    [&]<class T>() HWY_ATTR { forward(a, out, static_cast<T*>(log_sum)); });
}

// ---- backward: with P the weights and D = rowsum(grad_out * out),
//      dV = P^T grad_out, dS = P * (grad_out V^T - D), dQ = scale dS K, dK = scale dS^T Q

namespace {

template <class T> struct Backward {
  const Attention& a;
  const HeadRows &out, &grad_out;
  const T* log_sum;
  HeadRows grad_query, grad_key, grad_value;
  bool needs_scores() const { return grad_query.data != nullptr || grad_key.data != nullptr; }
};

// What a tile of keys needs: itself in each of the forms that products ask for.
template <class T> struct KeyTile {
  explicit KeyTile(const Attention& a)
      : rows(packed_size<T>(key_tile, a.features)),
        columns(packed_size<T>(a.features, key_tile)),
        value_columns(packed_size<T>(a.value_features, key_tile)) {}
  void load(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t j,
            std::int64_t count) const {
    const T* key = row_of<T>(a.key, batch, head, j);
    pack(false, count, a.features, key, a.key.row_stride, rows.data());
    pack(true, a.features, count, key, a.key.row_stride, columns.data());
    pack(true, a.value_features, count, row_of<T>(a.value, batch, head, j), a.value.row_stride,
         value_columns.data());
  }
  Scratch<T> rows, columns, value_columns;
};

// The queries of a head, scaled, with the gradients of their results: in rows, and packed tile by tile.
template <class T> struct QueryTiles {
  explicit QueryTiles(const Attention& a)
      : query(a.queries * a.features),
        grad(a.queries * a.value_features),
        packed_query(tiles(a) * packed_size<T>(query_tile, a.features)),
        packed_grad(tiles(a) * packed_size<T>(query_tile, a.value_features)),
        dot(a.queries) {}
  static std::int64_t tiles(const Attention& a) { return (a.queries + query_tile - 1) / query_tile; }
  T* packed_query_tile(const Attention& a, std::int64_t i) const {
    return packed_query.data() + i / query_tile * packed_size<T>(query_tile, a.features);
  }
  T* packed_grad_tile(const Attention& a, std::int64_t i) const {
    return packed_grad.data() + i / query_tile * packed_size<T>(query_tile, a.value_features);
  }
  void load(const Backward<T>& b, std::int64_t batch, std::int64_t head) const {
    const Attention& a = b.a;
    const Tag<T> d;
    const std::int64_t n = a.value_features;
    copy_rows(a.queries, a.features, row_of<T>(a.query, batch, head), a.query.row_stride,
              static_cast<T>(a.scale), query.data(), a.features);
    copy_rows(a.queries, n, row_of<T>(b.grad_out, batch, head), b.grad_out.row_stride, T(1), grad.data(), n);
    for (std::int64_t i = 0; i < a.queries; ++i) {
      const T* g = grad.data() + i * n;
      const T* y = row_of<T>(b.out, batch, head, i);
      dot.data()[i] = static_cast<T>(sum_lanes<T>(n, [&](std::int64_t c, auto access) HWY_ATTR {
        return hn::Mul(access.load(d, g + c), access.load(d, y + c));
      }));
    }
    for (std::int64_t i = 0; i < a.queries; i += query_tile) {
      const std::int64_t rows = std::min(query_tile, a.queries - i);
      pack(false, rows, a.features, query.data() + i * a.features, a.features, packed_query_tile(a, i));
      pack(false, rows, n, grad.data() + i * n, n, packed_grad_tile(a, i));
    }
  }
  Scratch<T> query, grad, packed_query, packed_grad, dot;
};

// weights = exp(scores + bias - log_sum), 0 from `seen` on.
template <class T>
HWY_INLINE void weights_again(std::int64_t seen, std::int64_t columns, T log_sum, const T* bias, T* row) {
  const Tag<T> d;
  const Vec<T> center = hn::Set(d, log_sum);
  for_lanes<T>(seen, [&](std::int64_t c, auto access) HWY_ATTR {
    Vec<T> s = access.load(d, row + c);
    if (bias != nullptr) s = hn::Add(s, access.load(d, bias + c));
    access.store(exp_below(d, hn::Sub(s, center)), d, row + c);
  });
  std::fill(row + seen, row + columns, T(0));
}

// The keys `first` to `last` of a head against all queries that see them. grad_query: (group, queries,
// features), added to.
template <class T>
void backward_keys(const Backward<T>& b, std::int64_t batch, std::int64_t kv_head, std::int64_t first,
                   std::int64_t last, T* grad_query) {
  const Attention& a = b.a;
  const Tag<T> d;
  const std::int64_t group = a.heads / a.kv_heads, n = a.value_features;
  const Scratch<T> grad_key((last - first) * a.features), grad_value((last - first) * n);
  std::fill_n(grad_key.data(), (last - first) * a.features, T(0));
  std::fill_n(grad_value.data(), (last - first) * n, T(0));
  const Scratch<T> weights(query_tile * tile_pitch), slopes(query_tile * tile_pitch);
  const KeyTile<T> key(a);
  const QueryTiles<T> queries(a);
  for (std::int64_t member = 0; member < group; ++member) {
    const std::int64_t head = kv_head * group + member;
    queries.load(b, batch, head);
    const T* log_sum = b.log_sum + (batch * a.heads + head) * a.queries;
    T* own_grad = grad_query + member * a.queries * a.features;
    auto mask = ScoreRows<T>::mask(a, batch, head);
    auto kept = ScoreRows<T>::dropout(a, batch, head);
    for (std::int64_t j = first; j < last; j += key_tile) {
      const std::int64_t columns = std::min(key_tile, last - j);
      key.load(a, batch, kv_head, j, columns);
      for (std::int64_t i = a.causal ? j / query_tile * query_tile : 0; i < a.queries; i += query_tile) {
        const std::int64_t rows = std::min(query_tile, a.queries - i);
        const T* grad = queries.grad.data() + i * n;
        multiply_tile(rows, columns, a.features, queries.query.data() + i * a.features, a.features, 1,
                      key.columns.data(), weights.data(), tile_pitch, false);
        if (b.needs_scores()) {
          multiply_tile(rows, columns, n, grad, n, 1, key.value_columns.data(), slopes.data(), tile_pitch,
                        false);
        }
        for (std::int64_t r = 0; r < rows; ++r) {
          T* p = weights.data() + r * tile_pitch;
          T* s = slopes.data() + r * tile_pitch;
          weights_again(visible(a, i + r, j, columns), columns, log_sum[i + r],
                        mask ? mask.get(i + r, j, columns) : nullptr, p);
          const T* factors = kept ? kept.get(i + r, j, columns) : nullptr;
          if (b.needs_scores()) {
            if (factors) multiply_row(columns, s, factors);
            const Vec<T> dot = hn::Set(d, queries.dot.data()[i + r]);
            for_lanes<T>(columns, [&](std::int64_t c, auto access) HWY_ATTR {
              access.store(hn::Mul(access.load(d, p + c), hn::Sub(access.load(d, s + c), dot)), d, s + c);
            });
          }
          if (factors) multiply_row(columns, p, factors);
        }
        if (b.grad_value.data) {
          multiply_tile(columns, n, rows, weights.data(), 1, tile_pitch, queries.packed_grad_tile(a, i),
                        grad_value.data() + (j - first) * n, n, true);
        }
        if (b.grad_query.data) {
          multiply_tile(rows, a.features, columns, slopes.data(), tile_pitch, 1, key.rows.data(),
                        own_grad + i * a.features, a.features, true);
        }
        if (b.grad_key.data) {
          multiply_tile(columns, a.features, rows, slopes.data(), 1, tile_pitch,
                        queries.packed_query_tile(a, i), grad_key.data() + (j - first) * a.features,
                        a.features, true);
        }
      }
    }
  }
  if (b.grad_key.data) {
    copy_rows(last - first, a.features, grad_key.data(), a.features, T(1),
              row_of<T>(b.grad_key, batch, kv_head, first), b.grad_key.row_stride);
  }
  if (b.grad_value.data) {
    copy_rows(last - first, n, grad_value.data(), n, T(1), row_of<T>(b.grad_value, batch, kv_head, first),
              b.grad_value.row_stride);
  }
}

template <class T> void backward(const Backward<T>& b) {
  const Attention& a = b.a;
  if (a.keys == 0 || a.queries == 0 || a.heads == 0) {
    fill_zero<T>(a, a.heads, a.queries, a.features, b.grad_query);
    fill_zero<T>(a, a.kv_heads, a.keys, a.features, b.grad_key);
    fill_zero<T>(a, a.kv_heads, a.keys, a.value_features, b.grad_value);
    return;
  }
  const std::int64_t group = a.heads / a.kv_heads, pairs = a.batch * a.kv_heads;
  if (pairs == 0) return;
  // Each part of the keys of a head has its own sum for the queries; they are added at the end. One part per
  // head unless that leaves threads without work.
  const std::int64_t tiles = (a.keys + key_tile - 1) / key_tile;
  const std::int64_t parts = std::clamp<std::int64_t>((num_threads() + pairs - 1) / pairs, 1, tiles);
  const std::int64_t size = a.queries * a.features;
  const Scratch<T> sums(parts > 1 ? pairs * parts * group * size : 0);
  const auto store_queries = [&](std::int64_t batch, std::int64_t kv_head, const T* from) HWY_ATTR {
    if (b.grad_query.data == nullptr) return;
    for (std::int64_t member = 0; member < group; ++member) {
      copy_rows(a.queries, a.features, from + member * size, a.features, static_cast<T>(a.scale),
                row_of<T>(b.grad_query, batch, kv_head * group + member), b.grad_query.row_stride);
    }
  };
  const std::int64_t queries = (a.queries + query_tile - 1) / query_tile;
  const std::int64_t grain = tiles_for_a_thread(a) / std::max<std::int64_t>(1, queries * group / parts);
  parallel_for(0, pairs * parts, grain, [&](std::int64_t from, std::int64_t to) HWY_ATTR {
    const Scratch<T> own(parts > 1 ? 0 : group * size);
    for (std::int64_t item = from; item < to; ++item) {
      const std::int64_t batch = item / parts / a.kv_heads, kv_head = item / parts % a.kv_heads;
      const std::int64_t part = item % parts;
      T* grad_query = parts > 1 ? sums.data() + item * group * size : own.data();
      std::fill_n(grad_query, group * size, T(0));
      backward_keys(b, batch, kv_head, tiles * part / parts * key_tile,
                    std::min(a.keys, tiles * (part + 1) / parts * key_tile), grad_query);
      if (parts == 1) store_queries(batch, kv_head, grad_query);
    }
  });
  if (parts == 1) return;
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    T* total = sums.data() + pair * parts * group * size;
    for (std::int64_t part = 1; part < parts; ++part) {
      const T* more = total + part * group * size;
      for (std::int64_t c = 0; c < group * size; ++c) total[c] += more[c];
    }
    store_queries(pair / a.kv_heads, pair % a.kv_heads, total);
  }
}

}  // namespace

void attention_backward_target(const Attention& a, const HeadRows& out, const HeadRows& grad_out,
                               const void* log_sum, const HeadRows& grad_query, const HeadRows& grad_key,
                               const HeadRows& grad_value) {
  dispatch_floating("attention_backward", a.dtype, [&]<class T>() HWY_ATTR {
    backward<T>({.a = a,
                 .out = out,
                 .grad_out = grad_out,
                 .log_sum = static_cast<const T*>(log_sum),
                 .grad_query = grad_query,
                 .grad_key = grad_key,
                 .grad_value = grad_value});
  });
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(attention_target);
HWY_EXPORT(attention_backward_target);

void attention(const Attention& a, const HeadRows& out, void* log_sum) {
  HWY_DYNAMIC_DISPATCH(attention_target)(a, out, log_sum);
}

void attention_backward(const Attention& a, const HeadRows& out, const HeadRows& grad_out,
                        const void* log_sum, const HeadRows& grad_query, const HeadRows& grad_key,
                        const HeadRows& grad_value) {
  HWY_DYNAMIC_DISPATCH(attention_backward_target)
  (a, out, grad_out, log_sum, grad_query, grad_key, grad_value);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
