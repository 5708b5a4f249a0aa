// An activation of your own, in one pass over memory and differentiable: Snake (Ziyin et al. 2020),
// x + sin(a x)^2 / a, with a learned frequency for each unit. It learns a periodic function, and goes on with
// it where it has seen no data: ReLU would go straight on.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

Tensor snake(const Tensor& x, const Tensor& frequency) {
  return map(x, frequency, [](auto x, auto a) { return x + square(sin(a * x)) / a; });
}

struct Net : nn::Module {
  int hidden = 32;
  nn::Linear in{1, hidden};
  nn::Parameter frequency{full({hidden}, 6)};
  nn::Linear out{hidden, 1};

  Tensor forward(const Tensor& x) { return out(snake(in(x), frequency)); }
};

// A wave on a slope.
Tensor truth(const Tensor& x) {
  return map(x, [](auto x) { return sin(6 * x) + 0.5 * x; });
}

int main() {
  manual_seed(1);
  const Tensor x = rand({512, 1}) * 4 - 2;  // -2 to 2
  const Tensor y = truth(x);

  Net net;
  optim::Adam opt{net.parameters(), {.lr = 1e-2}};
  for (int step = 0; step <= 300; ++step) {
    Tensor loss = nn::mse_loss(net(x), y);
    opt.zero_grad();
    loss.backward();
    opt.step();
    if (step % 100 == 0) std::printf("step %3d  loss %.6f\n", step, loss.item());
  }

  const NoGrad no_grad;
  const Tensor beyond = rand({512, 1}) + 2;  // 2 to 3
  std::printf("error within the data %.6f\n", nn::mse_loss(net(x), y).item());
  std::printf("error beyond it       %.6f\n", nn::mse_loss(net(beyond), truth(beyond)).item());
}
