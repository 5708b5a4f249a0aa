// expect: a member of this type would hide the modules or parameters in it
#include <deque>
#include <list>

#include <mica/nn/linear.h>

struct Net : mica::nn::Module {
#ifdef MUST_FAIL
  std::list<mica::nn::Linear> layers{};
#else
  std::deque<mica::nn::Linear> layers{};
  std::list<int> data{};
#endif
};

auto parameters(const Net& net) { return net.parameters(); }
