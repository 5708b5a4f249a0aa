// A branch on data: forward is plain code, so an if decides which layer sees a sample, and only that one gets
// a gradient. Learns a function with a different slope on either side of zero.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Branch : nn::Module {
  nn::Linear above{1, 1};
  nn::Linear below{1, 1};

  Tensor forward(const Tensor& x) { return x.item() >= 0 ? above(x) : below(x); }
};

int main() {
  manual_seed(1);
  Branch model;
  optim::SGD opt{model.parameters(), {.lr = 0.1}};
  for (int step = 0; step < 500; ++step) {
    const Tensor x = rand({1, 1}) * 2 - 1;
    const Tensor y = x.item() >= 0 ? 3 * x + 1 : -2 * x;
    Tensor loss = nn::mse_loss(model(x), y);
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
  const NoGrad no_grad;
  const double right = model(full({1, 1}, 0.5)).item();
  const double left = model(full({1, 1}, -0.5)).item();
  std::printf("f(0.5) = %.3f (2.5), f(-0.5) = %.3f (1)\n", right, left);
  return std::abs(right - 2.5) < 0.05 && std::abs(left - 1) < 0.05 ? 0 : 1;
}
