// expect: no viable overloaded '='|no match for 'operator='
#include <mica/nn/parameter.h>

void replace(mica::nn::Parameter& p, const mica::Tensor& x) {
#ifdef MUST_FAIL
  p = x;
#else
  p = mica::nn::Parameter(x);
#endif
}
