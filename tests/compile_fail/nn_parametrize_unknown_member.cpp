// expect: the layer has no member of the name in nn::On
#include <mica/nn/linear.h>
#include <mica/nn/parametrizations.h>

#ifdef MUST_FAIL
mica::nn::WeightNorm<mica::nn::Linear, "wieght"> layer{mica::nn::Linear{3, 2}};
#else
mica::nn::WeightNorm<mica::nn::Linear, "weight"> layer{mica::nn::Linear{3, 2}};
#endif
