// expect: deleted
#include <mica/nn/parameter.h>

void tie(mica::nn::Parameter& p) {
#ifdef MUST_FAIL
  mica::nn::Parameter q = p;
#else
  mica::nn::Parameter q = mica::nn::tied(p);
#endif
}
