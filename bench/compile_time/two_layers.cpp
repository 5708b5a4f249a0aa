// The smallest program that trains: scripts/compile_time compiles it.
#include <mica/mica.h>

using namespace mica;

struct Net : nn::Module {
  int hidden = 128;
  nn::Linear fc1{784, hidden};
  nn::Linear fc2{hidden, 10};
  Tensor forward(const Tensor& x) { return fc2(relu(fc1(x))); }
};

int main() {
  Net net{.hidden = 256};
  optim::SGD optimizer{net.parameters(), {.lr = 0.1}};
  const Tensor x = randn({64, 784});
  const Tensor label = randint(0, 10, {64});
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = nn::cross_entropy(net(x), label);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  save(net, "net.safetensors");
}
