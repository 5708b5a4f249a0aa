// expect: backward hooks see the gradients of a result that is a Tensor
#include <string>

#include <mica/nn/module.h>

struct Net : mica::nn::Module {
#ifdef MUST_FAIL
  std::string forward(const mica::Tensor&) { return "no gradients"; }
#else
  mica::Tensor forward(const mica::Tensor& x) { return x; }
#endif
};

mica::nn::HookHandle run(Net& net) {
  return net.register_full_backward_hook([](Net&, const mica::nn::Gradients&, const mica::nn::Gradients&) {});
}
