// expect: deleted
#include <mica/nn/linear.h>

void replace(mica::nn::Linear& layer, mica::nn::Linear& other) {
#ifdef MUST_FAIL
  layer = other;
#else
  layer = other.clone();
#endif
}
