// Mean and variance that survive a large common offset. Compiled once for each Highway target.
#if defined(MICA_KERNELS_MOMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_MOMENTS_INL_H_
#undef MICA_KERNELS_MOMENTS_INL_H_
#else
#define MICA_KERNELS_MOMENTS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <mica/kernels/lanes-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {

// Of a set of values: how many, their mean, the sum of squared distances from it.
struct Moments {
  double count = 0, mean = 0, m2 = 0;

  double variance() const { return count > 0 ? m2 / count : 0; }

  // The moments of the union (Chan, Golub & LeVeque 1979).
  void merge(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count;
    const double delta = other.mean - mean;
    m2 += other.m2 + delta * delta * (count * other.count / total);
    mean += delta * (other.count / total);
    count = total;
  }
};

// A mean as the nearest T and what that leaves out: x - high is exact near the mean, so (x - high) - low is
// good to the last digit even where the spread is a few units in the last place of x.
template <class T> struct SplitMean {
  explicit SplitMean(double mean)
      : high(static_cast<T>(mean)), low(static_cast<T>(mean - static_cast<double>(high))) {}
  T high, low;
};
template <class V, class D> HWY_INLINE V minus_mean(D d, V x, SplitMean<hn::TFromD<D>> mean) {
  return hn::Sub(hn::Sub(x, hn::Set(d, mean.high)), hn::Set(d, mean.low));
}

// Two passes over blocks that stay in the L1 cache, the first relative to one of the values: it is at most
// sqrt(count) standard deviations from the mean, so the mean's error is small beside the deviation.
template <class T> Moments moments(std::int64_t n, const T* x) {
  const Tag<T> d;
  Moments result;
  for (std::int64_t begin = 0; begin < n; begin += sum_block) {
    const T* block = x + begin;
    const std::int64_t size = std::min(n - begin, sum_block);
    const Vec<T> first = hn::Set(d, block[0]);
    const double sum = sum_lanes<T>(size, [&](std::int64_t i, auto access)
                                              HWY_ATTR { return hn::Sub(access.load(d, block + i), first); });
    Moments m{.count = static_cast<double>(size)};
    m.mean = static_cast<double>(block[0]) + sum / m.count;
    const SplitMean<T> mean(m.mean);
    m.m2 = sum_lanes<T>(size, [&](std::int64_t i, auto access) HWY_ATTR {
      const Vec<T> v = minus_mean(d, access.load(d, block + i), mean);
      return hn::Mul(v, v);
    });
    result.merge(m);
  }
  return result;
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // MICA_KERNELS_MOMENTS_INL_H_
