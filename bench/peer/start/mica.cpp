// The smallest program: for the time from its start to its first result, the time to compile it, and what
// ships with it.
#include <cstdio>

#include <mica/mica.h>

using namespace mica;

struct Net : nn::Module {
  nn::Linear fc1{16, 64}, fc2{64, 4};
  Tensor forward(Tensor x) { return fc2(relu(fc1(x))); }
};

int main() {
  manual_seed(0);
  Net net;
  std::printf("%g\n", net(ones({1, 16})).sum().item());
}
