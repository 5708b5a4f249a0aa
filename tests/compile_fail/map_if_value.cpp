// expect: cannot branch on one: compare, and choose with where
#include <mica/ops/map.h>

mica::Tensor reciprocal_or_zero(const mica::Tensor& a) {
#ifdef MUST_FAIL
  return mica::map(a, [](auto x) {
    if (x) return 1 / x;
    return 0 * x;
  });
#else
  return mica::map(a, [](auto x) { return where(x != 0, 1 / x, 0); });
#endif
}
