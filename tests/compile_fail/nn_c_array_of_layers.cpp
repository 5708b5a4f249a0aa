// expect: one of the fields is a C array: use std::array
#define MICA_NO_STATIC_REFLECTION
#include <array>

#include <mica/nn/activation.h>

struct Net : mica::nn::Module {
#ifdef MUST_FAIL
  mica::nn::ReLU stages[2] = {};
#else
  std::array<mica::nn::ReLU, 2> stages{};
#endif
};

auto modules(const Net& net) { return net.named_modules(); }
