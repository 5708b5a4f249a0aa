#include <algorithm>
#include <bit>
#include <compare>
#include <limits>
#include <type_traits>
#include <vector>

#include <mica/core/parallel.h>
#include <mica/kernels/sort.h>

namespace mica::kernels {
namespace {

// An element as an unsigned number that rises with it; the largest one stands for NaN.
template <class T> auto key_of(T x) {
  if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>) {
    return key_of(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<T>) {
    using Key = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    if (x != x) return std::numeric_limits<Key>::max();
    const Key bits = std::bit_cast<Key>(x + T(0));  // -0 becomes 0
    const Key sign = Key{1} << (8 * sizeof(T) - 1);
    return (bits & sign) != 0 ? static_cast<Key>(~bits) : static_cast<Key>(bits | sign);
  } else if constexpr (sizeof(T) == 8) {
    return static_cast<std::uint64_t>(x) ^ (std::uint64_t{1} << 63);
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<std::uint32_t>(x) ^ (std::uint32_t{1} << 31);
  } else {
    return static_cast<std::uint32_t>(x);
  }
}

// A key and where it was; the position decides between equal keys. Both fit into one number where the key has
// 32 bits and the row is no longer than that.
class Packed {
 public:
  Packed() = default;
  Packed(std::uint32_t key, std::int64_t position)
      : bits_(std::uint64_t{key} << 32 | static_cast<std::uint32_t>(position)) {}
  std::uint32_t key() const { return static_cast<std::uint32_t>(bits_ >> 32); }
  std::int64_t position() const { return static_cast<std::uint32_t>(bits_); }
  friend bool operator<(Packed a, Packed b) { return a.bits_ < b.bits_; }

 private:
  std::uint64_t bits_ = 0;
};

template <class Key> class Wide {
 public:
  Wide() = default;
  Wide(Key key, std::int64_t position) : key_(key), position_(position) {}
  Key key() const { return key_; }
  std::int64_t position() const { return position_; }
  friend bool operator<(const Wide& a, const Wide& b) {
    return a.key_ != b.key_ ? a.key_ < b.key_ : a.position_ < b.position_;
  }

 private:
  Key key_ = 0;
  std::int64_t position_ = 0;
};

// Calls fn(row, items) for each row, with its elements as items in their order; fn may rearrange them.
template <class Item, class T, class Fn>
void for_rows_of(std::int64_t rows, std::int64_t n, bool descending, const T* x, const Fn& fn) {
  const std::int64_t grain = std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(n, 1));
  parallel_for(0, rows, grain, [&](std::int64_t first, std::int64_t last) {
    std::vector<Item> items(static_cast<std::size_t>(n));
    for (std::int64_t row = first; row < last; ++row) {
      for (std::int64_t i = 0; i < n; ++i) {
        const auto key = key_of(x[row * n + i]);
        items[static_cast<std::size_t>(i)] = Item(descending ? ~key : key, i);
      }
      fn(row, items);
    }
  });
}

template <class T, class Fn>
void for_rows(std::int64_t rows, std::int64_t n, bool descending, const T* x, const Fn& fn) {
  using Key = decltype(key_of(T()));
  if (sizeof(Key) == 4 && n <= std::numeric_limits<std::uint32_t>::max()) {
    if constexpr (sizeof(Key) == 4) for_rows_of<Packed>(rows, n, descending, x, fn);
  } else {
    for_rows_of<Wide<Key>>(rows, n, descending, x, fn);
  }
}

template <class T>
void sort_as(std::int64_t rows, std::int64_t n, std::int64_t k, bool descending, const T* x, T* values,
             std::int64_t* positions) {
  for_rows(rows, n, descending, x, [&](std::int64_t row, auto& items) {
    if (k < n) std::nth_element(items.begin(), items.begin() + k, items.end());
    std::sort(items.begin(), items.begin() + k);
    for (std::int64_t i = 0; i < k; ++i) {
      const std::int64_t position = items[static_cast<std::size_t>(i)].position();
      positions[row * k + i] = position;
      values[row * k + i] = x[row * n + position];
    }
  });
}

template <class T>
void select_as(Rank rank, std::int64_t rows, std::int64_t n, std::int64_t k, const T* x, T* values,
               std::int64_t* positions) {
  using Key = decltype(key_of(T()));
  const auto is_nan = [](const auto& item) { return item.key() == std::numeric_limits<Key>::max(); };
  constexpr bool can_be_nan = is_floating_point(dtype_of<T>);
  for_rows(rows, n, false, x, [&](std::int64_t row, auto& items) {
    const auto nans = can_be_nan ? std::count_if(items.begin(), items.end(), is_nan) : 0;
    std::int64_t nth = k - 1;
    if (rank != Rank::kth) {
      // Behind the numbers comes the first NaN.
      const bool is_number = rank == Rank::median ? nans == 0 : nans < n;
      nth = !is_number ? n - nans : (n - nans - 1) / 2;
    }
    std::nth_element(items.begin(), items.begin() + nth, items.end());
    positions[row] = items[static_cast<std::size_t>(nth)].position();
    values[row] = x[row * n + positions[row]];
  });
}

}  // namespace

void sort_rows(DType dtype, std::int64_t rows, std::int64_t n, std::int64_t k, bool descending, const void* x,
               void* values, std::int64_t* positions) {
  dispatch(dtype, [&]<class T>() {
    sort_as(rows, n, k, descending, static_cast<const T*>(x), static_cast<T*>(values), positions);
  });
}

void select_rows(Rank rank, DType dtype, std::int64_t rows, std::int64_t n, std::int64_t k, const void* x,
                 void* values, std::int64_t* positions) {
  dispatch(dtype, [&]<class T>() {
    select_as(rank, rows, n, k, static_cast<const T*>(x), static_cast<T*>(values), positions);
  });
}

}  // namespace mica::kernels
