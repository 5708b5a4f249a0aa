// expect: too few arguments|no match|no matching
#include <mica/nn/module.h>

struct Add : mica::nn::Module {
  mica::Tensor forward(const mica::Tensor& x, const mica::Tensor&) { return x; }
};

#ifdef MUST_FAIL
mica::Tensor run(Add& add, const mica::Tensor& x) { return add(x); }
#else
mica::Tensor run(Add& add, const mica::Tensor& x) { return add(x, x); }
#endif
