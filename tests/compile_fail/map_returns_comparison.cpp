// expect: becomes a value by where\(condition, 1, 0\)
#include <mica/ops/map.h>

mica::Tensor step(const mica::Tensor& a) {
#ifdef MUST_FAIL
  return mica::map(a, [](auto x) { return x > 0; });
#else
  return mica::map(a, [](auto x) { return where(x > 0, 1, 0); });
#endif
}
