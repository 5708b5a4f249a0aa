// expect: would hide the modules or parameters in it: .* std::string for the keys of a map
#include <map>
#include <string>

#include <mica/nn/linear.h>

struct Net : mica::nn::Module {
#ifdef MUST_FAIL
  std::map<int, mica::nn::Linear> heads{};
#else
  std::map<std::string, mica::nn::Linear> heads{};
  std::map<int, float> data{};
#endif
};

auto parameters(const Net& net) { return net.parameters(); }
