#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include <hwy/cache_control.h>

#include <mica/kernels/copy.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/copy.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

static void stream_lines(std::byte* to, const std::byte* from, std::size_t bytes) {
  const hn::ScalableTag<std::uint8_t> d;
  auto* out = reinterpret_cast<std::uint8_t*>(to);
  const auto* in = reinterpret_cast<const std::uint8_t*>(from);
  for (std::size_t i = 0; i < bytes; i += hn::Lanes(d)) hn::Stream(hn::LoadU(d, in + i), d, out + i);
}

// Rows of `to`, `pitch` apart, from the columns of `from`: whole 4 x 4 blocks of both.
static void transpose_words(std::uint32_t* to, std::int64_t pitch, const std::uint32_t* from,
                            std::int64_t stride, std::int64_t rows, std::int64_t columns) {
  const hn::CappedTag<std::uint32_t, 4> d;
  if (hn::Lanes(d) != 4) {
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t r = 0; r < rows; ++r) to[r * pitch + c] = from[c * stride + r];
    }
    return;
  }
  const hn::Repartition<std::uint64_t, decltype(d)> pairs;
  for (std::int64_t c = 0; c + 4 <= columns; c += 4) {
    // Columns are too far apart for the hardware to see them coming.
    for (std::int64_t ahead = c + 8; ahead < std::min(c + 12, columns); ++ahead) {
      for (std::int64_t r = 0; r < rows; r += 16) hwy::Prefetch(from + ahead * stride + r);
    }
    for (std::int64_t r = 0; r + 4 <= rows; r += 4) {
      const std::uint32_t* in = from + c * stride + r;
      const auto c0 = hn::LoadU(d, in);
      const auto c1 = hn::LoadU(d, in + stride);
      const auto c2 = hn::LoadU(d, in + 2 * stride);
      const auto c3 = hn::LoadU(d, in + 3 * stride);
      const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, c0, c1));  // r0: c0 c1, r1: c0 c1
      const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, c2, c3));
      const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, c0, c1));  // r2, r3
      const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, c2, c3));
      std::uint32_t* out = to + r * pitch + c;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, out);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, out + pitch);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, out + 2 * pitch);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, out + 3 * pitch);
    }
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {
namespace {

HWY_EXPORT(stream_lines);
HWY_EXPORT(transpose_words);

constexpr std::int64_t line_bytes = 64;

// Calls fn with an unsigned integer type of `item_size` bytes.
template <class Fn> void with_item_type(std::int64_t item_size, Fn&& fn) {
  switch (item_size) {
    case 1: return fn.template operator()<std::uint8_t>();
    case 2: return fn.template operator()<std::uint16_t>();
    case 4: return fn.template operator()<std::uint32_t>();
    default: return fn.template operator()<std::uint64_t>();
  }
}

// Item access through memcpy: the items have some other type.
template <class T> T load(const std::byte* from) {
  T item;
  std::memcpy(&item, from, sizeof(T));
  return item;
}
template <class T> void store(std::byte* to, T item) { std::memcpy(to, &item, sizeof(T)); }

}  // namespace

void copy_strided(std::byte* to, std::int64_t to_stride, const std::byte* from, std::int64_t from_stride,
                  std::int64_t count, std::int64_t item_size) {
  with_item_type(item_size, [&]<class T>() {
    if (to_stride == item_size) {
      for (std::int64_t i = 0; i < count; ++i) {
        store(to + i * static_cast<std::int64_t>(sizeof(T)), load<T>(from + i * from_stride));
      }
    } else {
      for (std::int64_t i = 0; i < count; ++i) store(to + i * to_stride, load<T>(from + i * from_stride));
    }
  });
}

void copy_transposed(std::byte* to, std::int64_t pitch, const std::byte* from, std::int64_t column_stride,
                     std::int64_t rows, std::int64_t columns, std::int64_t item_size) {
  if (item_size == 4 && rows % 4 == 0 && columns % 4 == 0) {
    return HWY_DYNAMIC_DISPATCH(transpose_words)(reinterpret_cast<std::uint32_t*>(to), pitch / 4,
                                                 reinterpret_cast<const std::uint32_t*>(from),
                                                 column_stride / 4, rows, columns);
  }
  with_item_type(item_size, [&]<class T>() {
    constexpr auto size = static_cast<std::int64_t>(sizeof(T));
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t r = 0; r < rows; ++r) {
        store(to + r * pitch + c * size, load<T>(from + c * column_stride + r * size));
      }
    }
  });
}

void stream_copy(void* to, const void* from, std::int64_t bytes) {
  auto* out = static_cast<std::byte*>(to);
  const auto* in = static_cast<const std::byte*>(from);
  // Whole lines only: a partly written one would cost a read of its own.
  const auto address = std::bit_cast<std::uintptr_t>(out);
  const auto head = std::min(bytes, static_cast<std::int64_t>(-address % line_bytes));
  const std::int64_t body = (bytes - head) / line_bytes * line_bytes;
  std::memcpy(out, in, static_cast<std::size_t>(head));
  HWY_DYNAMIC_DISPATCH(stream_lines)(out + head, in + head, static_cast<std::size_t>(body));
  std::memcpy(out + head + body, in + head + body, static_cast<std::size_t>(bytes - head - body));
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
