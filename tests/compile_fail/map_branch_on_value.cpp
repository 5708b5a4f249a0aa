// expect: choose with where\(
#include <mica/ops/map.h>

mica::Tensor larger(const mica::Tensor& a, const mica::Tensor& b) {
#ifdef MUST_FAIL
  return mica::map(a, b, [](auto x, auto y) { return x > y ? x : y; });
#else
  return mica::map(a, b, [](auto x, auto y) { return where(x > y, x, y); });
#endif
}
