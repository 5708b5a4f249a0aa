// expect: as many parameters as there are tensors
#include <mica/ops/map.h>

mica::Tensor gate(const mica::Tensor& a, const mica::Tensor& b) {
#ifdef MUST_FAIL
  return mica::map(a, b, [](auto x) { return sigmoid(x); });
#else
  return mica::map(a, b, [](auto x, auto y) { return x * sigmoid(y); });
#endif
}
