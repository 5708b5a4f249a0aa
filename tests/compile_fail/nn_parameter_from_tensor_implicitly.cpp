// expect: no viable conversion|conversion from
#include <mica/nn/parameter.h>

struct Net {
#ifdef MUST_FAIL
  mica::nn::Parameter scale = mica::Tensor();
#else
  mica::nn::Parameter scale{mica::Tensor()};
#endif
};
