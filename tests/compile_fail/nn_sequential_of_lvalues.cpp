// expect: no matching constructor|no matching function
#include <mica/nn/activation.h>
#include <mica/nn/linear.h>
#include <mica/nn/sequential.h>

mica::nn::Sequential chain(mica::nn::Linear& first) {
#ifdef MUST_FAIL
  return mica::nn::Sequential{first, mica::nn::ReLU{}};
#else
  return mica::nn::Sequential{std::move(first), mica::nn::ReLU{}};
#endif
}
