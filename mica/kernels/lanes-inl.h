// Loops over contiguous memory in whole vectors with one partial vector at the end, and the reductions that
// softmax, the norms and the losses share. Compiled once for each Highway target: include it after
// <hwy/foreach_target.h>.
#if defined(MICA_KERNELS_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_LANES_INL_H_
#undef MICA_KERNELS_LANES_INL_H_
#else
#define MICA_KERNELS_LANES_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T> using Tag = hn::ScalableTag<T>;
template <class T> using Vec = hn::Vec<Tag<T>>;

template <class T> HWY_INLINE std::int64_t lane_count() {
  return static_cast<std::int64_t>(hn::Lanes(Tag<T>()));
}

// How a loop body touches memory: all lanes of a vector.
struct Whole {
  template <class D, class T> HWY_INLINE hn::Vec<D> load(D d, const T* from) const {
    return hn::LoadU(d, from);
  }
  template <class D, class T> HWY_INLINE void store(hn::Vec<D> v, D d, T* to) const { hn::StoreU(v, d, to); }
  // v where the lane is in use, `otherwise` elsewhere.
  template <class D> HWY_INLINE hn::Vec<D> keep(D, hn::Vec<D> v, hn::Vec<D>) const { return v; }
};

// The same for the first `count` lanes; the others load as zero and are never written.
struct Part {
  std::size_t count;

  // Highway's flag speaks of all lane sizes; AVX2's masked accesses of 4 and 8 bytes do not fault.
  static constexpr bool masked = !HWY_MEM_OPS_MIGHT_FAULT || HWY_TARGET == HWY_AVX2;

  template <class D, class T> HWY_INLINE hn::Vec<D> load(D d, const T* from) const {
    if constexpr (masked && sizeof(T) >= 4) {
      return hn::MaskedLoad(hn::FirstN(d, count), d, from);
    } else {
      HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)] = {};
      std::copy_n(from, count, lanes);
      return hn::Load(d, lanes);
    }
  }
  template <class D, class T> HWY_INLINE void store(hn::Vec<D> v, D d, T* to) const {
    if constexpr (masked && sizeof(T) >= 4) {
      hn::BlendedStore(v, hn::FirstN(d, count), d, to);
    } else {
      HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
      hn::Store(v, d, lanes);
      std::copy_n(lanes, count, to);
    }
  }
  template <class D> HWY_INLINE hn::Vec<D> keep(D d, hn::Vec<D> v, hn::Vec<D> otherwise) const {
    return hn::IfThenElse(hn::FirstN(d, count), v, otherwise);
  }
};

// body(i, access) for i = 0, lanes, 2 * lanes, ... < n, where `access` is Whole, at the end perhaps Part.
template <class T, class Body> HWY_INLINE void for_lanes(std::int64_t n, Body&& body) {
  const std::int64_t lanes = lane_count<T>();
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) body(i, Whole{});
  if (i < n) body(i, Part{static_cast<std::size_t>(n - i)});
}

template <class V> HWY_INLINE auto lane_sum(V v) {
  const hn::DFromV<V> d;
  return hn::GetLane(hn::SumOfLanes(d, v));
}
template <class V> HWY_INLINE auto lane_max(V v) {
  const hn::DFromV<V> d;
  return hn::GetLane(hn::MaxOfLanes(d, v));
}

// Elements that a lane-wise sum in T takes before it is moved on to a double: 256 additions per lane at most.
inline constexpr std::int64_t sum_block = 4096;

// The sum over [0, n) of the vectors term(i, access), which may have side effects. Four chains of additions
// hide their latency; blocks keep the rounding error independent of n.
template <class T, class Term> HWY_INLINE double sum_lanes(std::int64_t n, Term&& term) {
  const Tag<T> d;
  const std::int64_t lanes = lane_count<T>();
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += sum_block) {
    const std::int64_t end = std::min(n, begin + sum_block);
    Vec<T> a = hn::Zero(d), b = a, c = a, e = a;
    std::int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a = hn::Add(a, term(i, Whole{}));
      b = hn::Add(b, term(i + lanes, Whole{}));
      c = hn::Add(c, term(i + 2 * lanes, Whole{}));
      e = hn::Add(e, term(i + 3 * lanes, Whole{}));
    }
    for (; i + lanes <= end; i += lanes) a = hn::Add(a, term(i, Whole{}));
    if (i < end) {
      const Part part{static_cast<std::size_t>(end - i)};
      b = hn::Add(b, part.keep(d, term(i, part), hn::Zero(d)));
    }
    total += static_cast<double>(lane_sum(hn::Add(hn::Add(a, b), hn::Add(c, e))));
  }
  return total;
}

// The largest of x[0..n), -inf when n is 0. A NaN may be overlooked.
template <class T> HWY_INLINE T max_lanes(std::int64_t n, const T* x) {
  const Tag<T> d;
  const std::int64_t lanes = lane_count<T>();
  const Vec<T> lowest = hn::Set(d, -std::numeric_limits<T>::infinity());
  Vec<T> a = lowest, b = a, c = a, e = a;
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Max(a, hn::LoadU(d, x + i));
    b = hn::Max(b, hn::LoadU(d, x + i + lanes));
    c = hn::Max(c, hn::LoadU(d, x + i + 2 * lanes));
    e = hn::Max(e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Max(a, hn::LoadU(d, x + i));
  if (i < n) {
    const Part part{static_cast<std::size_t>(n - i)};
    b = hn::Max(b, part.keep(d, part.load(d, x + i), lowest));
  }
  return lane_max(hn::Max(hn::Max(a, b), hn::Max(c, e)));
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // MICA_KERNELS_LANES_INL_H_
