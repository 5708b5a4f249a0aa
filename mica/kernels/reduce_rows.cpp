#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <mica/kernels/reduce_rows.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/reduce_rows.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/rows-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// Operations on numbers (two arguments) and on vectors (with the tag). Integers wrap around.
struct Sum {
  template <class T> static constexpr T identity() { return T{0}; }
  template <class T> HWY_INLINE T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    } else {
      return a + b;
    }
  }
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Add(a, b); }
};
struct Product {
  template <class T> static constexpr T identity() { return T{1}; }
  template <class T> HWY_INLINE T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    } else {
      return a * b;
    }
  }
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Mul(a, b); }
};
struct Maximum {  // a NaN in `a` loses no comparison, one in `b` is asked for
  template <class T> static constexpr T identity() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::lowest();
  }
  template <class T> HWY_INLINE T operator()(T a, T b) const { return b > a || b != b ? b : a; }
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
  }
};
struct Minimum {
  template <class T> static constexpr T identity() {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    return std::numeric_limits<T>::max();
  }
  template <class T> HWY_INLINE T operator()(T a, T b) const { return b < a || b != b ? b : a; }
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
  }
};
struct All : Minimum {  // on bytes of 0 and 1
  template <class T> static constexpr T identity() { return T{1}; }
};

template <class T> HWY_INLINE auto& member(Total& total) {
  if constexpr (std::is_floating_point_v<T>) {
    return total.real;
  } else {
    return total.integer;
  }
}
template <class T> HWY_INLINE auto member(const Total& total) { return member<T>(const_cast<Total&>(total)); }
template <class T> using TotalOf = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;

template <class T, class Op> void start(Total* totals, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    member<T>(totals[i]) = static_cast<TotalOf<T>>(Op::template identity<T>());
}

template <class T, class Op> void merge(Total* totals, const Total* others, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    member<T>(totals[i]) = Op{}(member<T>(totals[i]), member<T>(others[i]));
}

template <class T, class Out>
void finish(const Total* totals, std::int64_t count, void* out, std::int64_t out_stride) {
  for (std::int64_t i = 0; i < count; ++i)
    static_cast<Out*>(out)[i * out_stride] = static_cast<Out>(member<T>(totals[i]));
}

// Folds the lanes of a vector into one number.
template <class Op, class D> HWY_INLINE hn::TFromD<D> fold_lanes(D d, hn::Vec<D> v) {
  if constexpr (std::is_same_v<Op, Sum>) {
    return hn::GetLane(hn::SumOfLanes(d, v));
  } else {
    HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    auto result = lanes[0];
    for (std::size_t i = 1; i < hn::Lanes(d); ++i) result = Op{}(result, lanes[i]);
    return result;
  }
}

// Blocks of this many numbers are folded in their own type, the results of blocks in the type of the total.
constexpr std::size_t block = 4096;

template <class T, class Op> void vector_row(const void* x, std::int64_t count, Total* total) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const T* data = static_cast<const T*>(x);
  const Op op;
  auto rest = static_cast<std::size_t>(count);
  const auto identity = hn::Set(d, Op::template identity<T>());
  while (rest > 0) {
    const std::size_t n = std::min(block, rest);
    auto a = identity;  // four, for the latency of an addition
    auto b = identity;
    auto c = identity;
    auto e = identity;
    std::size_t i = 0;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      a = op(d, a, hn::LoadU(d, data + i));
      b = op(d, b, hn::LoadU(d, data + i + lanes));
      c = op(d, c, hn::LoadU(d, data + i + 2 * lanes));
      e = op(d, e, hn::LoadU(d, data + i + 3 * lanes));
    }
    for (; i + lanes <= n; i += lanes) a = op(d, a, hn::LoadU(d, data + i));
    if (i < n) b = op(d, b, hn::IfThenElse(hn::FirstN(d, n - i), load_part(d, data + i, n - i), identity));
    const T folded = fold_lanes<Op>(d, op(d, op(d, a, b), op(d, c, e)));
    total->real = op(total->real, static_cast<double>(folded));
    data += n;
    rest -= n;
  }
}

// Partial results of type Block: wide enough for sums, narrow enough to be quick for extrema.
template <class T, class Block, class Op> void loop_row(const void* x, std::int64_t count, Total* total) {
  const T* data = static_cast<const T*>(x);
  Block folded = Op::template identity<Block>();
  for (std::int64_t i = 0; i < count; ++i) folded = Op{}(folded, static_cast<Block>(data[i]));
  member<T>(*total) = Op{}(member<T>(*total), static_cast<TotalOf<T>>(folded));
}

template <class T, class Block, class Op>
void fold_columns(const void* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns,
                  Total* totals) {
  const T* row = static_cast<const T*>(x);
  const Op op;
  alignas(64) Block folded[Reducer::max_columns];
  while (rows > 0) {
    const std::int64_t n = std::min<std::int64_t>(rows, 256);
    std::fill_n(folded, columns, Op::template identity<Block>());
    std::int64_t r = 0;
    for (; r + 4 <= n; r += 4, row += 4 * row_stride) {
      for (std::int64_t i = 0; i < columns; ++i) {
        const auto a = static_cast<Block>(row[i]);
        const auto b = static_cast<Block>(row[i + row_stride]);
        const auto c = static_cast<Block>(row[i + 2 * row_stride]);
        const auto e = static_cast<Block>(row[i + 3 * row_stride]);
        folded[i] = op(folded[i], op(op(a, b), op(c, e)));
      }
    }
    for (; r < n; ++r, row += row_stride) {
      for (std::int64_t i = 0; i < columns; ++i) folded[i] = op(folded[i], static_cast<Block>(row[i]));
    }
    for (std::int64_t i = 0; i < columns; ++i) {
      member<T>(totals[i]) = op(member<T>(totals[i]), static_cast<TotalOf<T>>(folded[i]));
    }
    rows -= n;
  }
}

// Sums and products of integers are i64; extrema keep their type.
template <class T, class Op> Reducer wide_reducer() {
  if constexpr (std::is_floating_point_v<T>) {
    return {start<T, Op>, vector_row<T, Op>, fold_columns<T, T, Op>, merge<T, Op>, finish<T, T>};
  } else {
    return {start<T, Op>, loop_row<T, std::int64_t, Op>, fold_columns<T, std::int64_t, Op>, merge<T, Op>,
            finish<T, std::int64_t>};
  }
}
template <class T, class Op> Reducer same_reducer() {
  if constexpr (std::is_floating_point_v<T>) {
    return wide_reducer<T, Op>();
  } else {
    return {start<T, Op>, loop_row<T, T, Op>, fold_columns<T, T, Op>, merge<T, Op>, finish<T, T>};
  }
}

template <class T> Reducer numeric_reducer(Reduce op) {
  switch (op) {
    case Reduce::sum: return wide_reducer<T, Sum>();
    case Reduce::prod: return wide_reducer<T, Product>();
    case Reduce::max: return same_reducer<T, Maximum>();
    case Reduce::min: return same_reducer<T, Minimum>();
    case Reduce::any:
    case Reduce::all: return {};
  }
  return {};
}

template <class T> HWY_INLINE bool is_nan(T x) { return x != x; }

template <class T> std::int64_t find(const void* x, std::int64_t count, Total extremum) {
  const T* data = static_cast<const T*>(x);
  const T value = static_cast<T>(member<T>(extremum));
  std::int64_t i = 0;
  if constexpr (std::is_floating_point_v<T>) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto wanted = hn::Set(d, value);
    for (; i + lanes <= count; i += lanes) {
      const auto v = hn::LoadU(d, data + i);
      const auto found = hn::FindFirstTrue(d, is_nan(value) ? hn::IsNaN(v) : hn::Eq(v, wanted));
      if (found >= 0) return i + found;
    }
  }
  while (i + 1 < count && data[i] != value && !is_nan(data[i])) ++i;
  return i;
}

template <class T, bool largest> bool ahead(Total a, Total b) {
  const auto x = member<T>(a);
  const auto y = member<T>(b);
  return (largest ? x > y : x < y) || (is_nan(x) && !is_nan(y));
}

template <class T, bool largest>
void arg_columns(const void* x, std::int64_t row_stride, std::int64_t first_row, std::int64_t rows,
                 std::int64_t columns, void* values, std::int64_t* positions) {
  const T* row = static_cast<const T*>(x);
  T* best = static_cast<T*>(values);
  if (rows > 0 && first_row == 0) {
    std::copy_n(row, columns, best);
    std::fill_n(positions, columns, 0);
  }
  for (std::int64_t r = 0; r < rows; ++r, row += row_stride) {
    MICA_VECTORIZE
    for (std::int64_t i = 0; i < columns; ++i) {
      const T item = row[i];
      const bool better = (largest ? item > best[i] : item < best[i]) || (is_nan(item) && !is_nan(best[i]));
      best[i] = better ? item : best[i];
      positions[i] = better ? first_row + r : positions[i];
    }
  }
}

template <class T> ArgReducer numeric_arg_reducer(bool largest) {
  if (largest) return {find<T>, ahead<T, true>, arg_columns<T, true>};
  return {find<T>, ahead<T, false>, arg_columns<T, false>};
}

}  // namespace

static Reducer select_reducer(Reduce op, DType dtype) {
  switch (dtype) {
    case DType::f32: return numeric_reducer<float>(op);
    case DType::f64: return numeric_reducer<double>(op);
    case DType::i64: return numeric_reducer<std::int64_t>(op);
    case DType::i32: return numeric_reducer<std::int32_t>(op);
    case DType::u8: return numeric_reducer<std::uint8_t>(op);
    case DType::boolean:
      if (op == Reduce::any) return same_reducer<std::uint8_t, Maximum>();
      if (op == Reduce::all) return same_reducer<std::uint8_t, All>();
      return numeric_reducer<std::uint8_t>(op);
    case DType::bf16:
    case DType::f16: return {};
  }
  return {};
}

static ArgReducer select_arg_reducer(bool largest, DType dtype) {
  switch (dtype) {
    case DType::f32: return numeric_arg_reducer<float>(largest);
    case DType::f64: return numeric_arg_reducer<double>(largest);
    case DType::i64: return numeric_arg_reducer<std::int64_t>(largest);
    case DType::i32: return numeric_arg_reducer<std::int32_t>(largest);
    case DType::u8:
    case DType::boolean: return numeric_arg_reducer<std::uint8_t>(largest);
    case DType::bf16:
    case DType::f16: return {};
  }
  return {};
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {
namespace {
HWY_EXPORT(select_reducer);
HWY_EXPORT(select_arg_reducer);
}  // namespace

Reducer reducer(Reduce op, DType dtype) { return HWY_DYNAMIC_DISPATCH(select_reducer)(op, dtype); }
ArgReducer arg_reducer(bool largest, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(select_arg_reducer)(largest, dtype);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
