// expect: a member of this type would hide the modules or parameters in it: use std::unique_ptr
#include <mica/nn/linear.h>

struct Net : mica::nn::Module {
#ifdef MUST_FAIL
  std::shared_ptr<mica::nn::Linear> fc{};
#else
  std::unique_ptr<mica::nn::Linear> fc{};
  std::shared_ptr<int> data{};
#endif
};

auto parameters(const Net& net) { return net.parameters(); }
