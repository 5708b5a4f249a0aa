// expect: 'forward' is a private member of 'mica::nn::Linear'|private within this context
#include <mica/nn/linear.h>

mica::Tensor run(mica::nn::Linear& layer, const mica::Tensor& x) {
#ifdef MUST_FAIL
  return layer.forward(x);
#else
  return layer(x);
#endif
}
