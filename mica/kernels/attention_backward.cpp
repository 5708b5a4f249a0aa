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
#define HWY_TARGET_INCLUDE "mica/kernels/attention_backward.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

#include <mica/kernels/attention-inl.h>

// With P the weights and D = rowsum(grad_out * out):
//      dV = P^T grad_out, dS = P * (grad_out V^T - D), dQ = scale dS K, dK = scale dS^T Q

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
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

HWY_EXPORT(attention_backward_target);

void attention_backward(const Attention& a, const HeadRows& out, const HeadRows& grad_out,
                        const void* log_sum, const HeadRows& grad_query, const HeadRows& grad_key,
                        const HeadRows& grad_value) {
  HWY_DYNAMIC_DISPATCH(attention_backward_target)
  (a, out, grad_out, log_sum, grad_query, grad_key, grad_value);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
