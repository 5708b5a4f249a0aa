// Reductions as plain as they can be: what the fast kernels are tested against.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/reduce.h>

namespace mica::kernels::reference {
namespace {

template <class T> using Wide = std::conditional_t<std::is_floating_point_v<T>, long double, std::int64_t>;

template <class T> Wide<T> fold(Reduce op, Wide<T> a, Wide<T> b) {
  const bool nan = b != b;
  const auto wrapping = [&](auto combine) {
    if constexpr (std::is_floating_point_v<T>) {
      return combine(a, b);
    } else {
      return static_cast<std::int64_t>(combine(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
    }
  };
  switch (op) {
    case Reduce::sum: return wrapping([](auto x, auto y) { return x + y; });
    case Reduce::prod: return wrapping([](auto x, auto y) { return x * y; });
    case Reduce::max: return b > a || nan ? b : a;
    case Reduce::min: return b < a || nan ? b : a;
    case Reduce::any: return a != 0 || b != 0;
    case Reduce::all: return a != 0 && b != 0;
  }
  return a;
}

template <class T> void reduce_as(Reduce op, const Shape& sizes, const In& x, std::uint32_t dims, void* out) {
  std::int64_t outputs = 1;
  for (int i = 0; i < sizes.size(); ++i) outputs *= ((dims >> i) & 1U) != 0 ? 1 : sizes[i];
  // The first element starts the fold of extrema, the identity all others.
  const bool extremum = op == Reduce::max || op == Reduce::min;
  const Wide<T> identity = op == Reduce::prod || op == Reduce::all ? 1 : 0;
  std::vector<Wide<T>> totals(static_cast<std::size_t>(outputs), identity);
  std::vector<bool> started(totals.size(), !extremum);
  for (std::int64_t element = 0; element < sizes.numel(); ++element) {
    std::int64_t rest = element;
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::int64_t out_stride = 1;
    for (int i = sizes.size() - 1; i >= 0; --i) {
      const std::int64_t index = rest % sizes[i];
      rest /= sizes[i];
      from += index * x.strides[i];
      if (((dims >> i) & 1U) == 0) {
        to += index * out_stride;
        out_stride *= sizes[i];
      }
    }
    const auto at = static_cast<std::size_t>(to);
    const auto item = static_cast<Wide<T>>(static_cast<const T*>(x.data)[from]);
    totals[at] = started[at] ? fold<T>(op, totals[at], item) : item;
    started[at] = true;
  }
  const bool widened = (op == Reduce::sum || op == Reduce::prod) && !std::is_floating_point_v<T>;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    if (widened) {
      static_cast<std::int64_t*>(out)[i] = static_cast<std::int64_t>(totals[i]);
    } else {
      static_cast<T*>(out)[i] = static_cast<T>(totals[i]);
    }
  }
}

}  // namespace

void reduce(Reduce op, DType dtype, const Shape& sizes, const In& x, std::uint32_t dims, void* out) {
  dispatch(dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>) {
      throw Error("reduce", fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
    } else {
      reduce_as<T>(op, sizes, x, dims, out);
    }
  });
}

}  // namespace mica::kernels::reference
