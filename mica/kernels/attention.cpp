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

#include <mica/kernels/attention-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

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

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(attention_target);

void attention(const Attention& a, const HeadRows& out, void* log_sum) {
  HWY_DYNAMIC_DISPATCH(attention_target)(a, out, log_sum);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
