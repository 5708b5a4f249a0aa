#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <mica/core/dtype.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/loops.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/convert.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/rows-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// What x86 gives, and so PyTorch there: towards zero; the lowest integer where none fits, NaN included.
template <class Int, class Float> HWY_INLINE Int truncate(Float x) {
  constexpr auto lowest = static_cast<Float>(std::numeric_limits<Int>::min());
  const bool fits = x >= lowest && x < -lowest;
  return fits ? static_cast<Int>(x) : std::numeric_limits<Int>::min();
}

template <class To> struct Cast {
  template <class From> HWY_INLINE To operator()(From x) const {
    if constexpr (std::is_same_v<From, BFloat16> || std::is_same_v<From, Half>) {
      return Cast<To>{}(static_cast<float>(x));
    } else if constexpr (std::is_same_v<To, BFloat16> || std::is_same_v<To, Half>) {
      return To(static_cast<float>(x));
    } else if constexpr (std::is_same_v<To, bool>) {
      return x != From{0};
    } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, std::uint8_t>) {
      return static_cast<std::uint8_t>(truncate<std::int64_t>(x));
    } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
      return truncate<To>(x);
    } else {
      return static_cast<To>(x);
    }
  }
};

#if HWY_CAP_GE256  // these targets convert f16 in hardware
void half_to_float(const Row& row) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const auto* x = static_cast<const hwy::float16_t*>(row.in[0]);
  auto* out = static_cast<float*>(row.out);
  const auto count = static_cast<std::size_t>(row.count);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, x + i)), d, out + i);
  const auto* rest = static_cast<const Half*>(row.in[0]);
  for (; i < count; ++i) out[i] = static_cast<float>(rest[i]);
}

void float_to_half(const Row& row) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  const auto* x = static_cast<const float*>(row.in[0]);
  auto* out = static_cast<hwy::float16_t*>(row.out);
  const auto count = static_cast<std::size_t>(row.count);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::DemoteTo(dh, hn::LoadU(d, x + i)), dh, out + i);
  auto* rest = static_cast<Half*>(row.out);
  for (; i < count; ++i) rest[i] = Half(x[i]);
}
#endif

template <class T> void copy_row(const Row& row) {
  std::memcpy(row.out, row.in[0], static_cast<std::size_t>(row.count) * sizeof(T));
}

// The parameter holds the bits of the item.
template <class T> void fill_row(const Row& row) {
  T* out = static_cast<T*>(row.out);
  const T item = static_cast<T>(std::bit_cast<std::uint64_t>(row.parameter));
  const std::int64_t count = row.count;
  MICA_VECTORIZE
  for (std::int64_t i = 0; i < count; ++i) out[i] = item;
}

}  // namespace

static RowKernel convert_kernel(DType from, DType to) {
  if (from == to) {
    return dispatch(to, []<class T>() -> RowKernel { return copy_row<T>; });
  }
#if HWY_CAP_GE256
  if (from == DType::f16 && to == DType::f32) return half_to_float;
  if (from == DType::f32 && to == DType::f16) return float_to_half;
#endif
  return dispatch(from, [to]<class From>() {
    return dispatch(to, []<class To>() -> RowKernel { return loop_unary<To, From, Cast<To>>; });
  });
}

static RowKernel fill_kernel(DType dtype) {
  switch (item_size(dtype)) {
    case 1: return fill_row<std::uint8_t>;
    case 2: return fill_row<std::uint16_t>;
    case 4: return fill_row<std::uint32_t>;
    default: return fill_row<std::uint64_t>;
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {
namespace {

HWY_EXPORT(convert_kernel);
HWY_EXPORT(fill_kernel);

// The bits of `value` as an item of `dtype`, in the low end.
std::uint64_t item_bits(DType dtype, double value, std::int64_t value_int) {
  if (dtype == DType::i64) return static_cast<std::uint64_t>(value_int);
  std::uint64_t bits = 0;
  static_assert(std::endian::native == std::endian::little);
  convert({}, DType::f64, {&value, {}}, dtype, {&bits, {}});
  return bits;
}

}  // namespace

void convert(const Shape& sizes, DType from, const In& x, DType to, const Out& out) {
  for_each_row(sizes, {{x.data, x.strides, static_cast<std::int64_t>(item_size(from))}},
               {out.data, out.strides, static_cast<std::int64_t>(item_size(to))},
               {.kernel = HWY_DYNAMIC_DISPATCH(convert_kernel)(from, to), .is_copy = from == to});
}

void fill(DType dtype, const Shape& sizes, const Out& out, double value, std::int64_t value_int) {
  const auto bits = std::bit_cast<double>(item_bits(dtype, value, value_int));
  for_each_row(sizes, std::span<const InputView>{},
               {out.data, out.strides, static_cast<std::int64_t>(item_size(dtype))},
               {.kernel = HWY_DYNAMIC_DISPATCH(fill_kernel)(dtype), .parameter = bits});
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
