// A GAN pair (Goodfellow et al. 2014): two models, two optimizers, and which one learns is decided by what
// each optimizer was given. Learns a normal distribution.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct GeneratorNet : nn::Module {
  int noise = 4, hidden = 16;
  nn::Sequential net{nn::Linear{noise, hidden}, nn::ReLU{}, nn::Linear{hidden, 1}};

  Tensor forward(std::int64_t n) { return net(randn({n, noise})); }
};

struct DiscriminatorNet : nn::Module {
  int hidden = 32;
  nn::Sequential net{nn::Linear{2, hidden}, nn::ReLU{}, nn::Linear{hidden, 1}};

  // Its logit for "real"; it sees the spread of the batch beside each number.
  Tensor forward(const Tensor& x) { return net(cat({x, x.std().expand({x.size(0), 1})}, 1)); }
};

int main() {
  manual_seed(1);
  const double mean = 3, spread = 0.5;
  GeneratorNet generator;
  DiscriminatorNet discriminator;
  optim::Adam of_generator{generator.parameters(), {.lr = 1e-3, .betas = {0.5, 0.9}}};
  optim::Adam of_discriminator{discriminator.parameters(), {.lr = 2e-3, .betas = {0.5, 0.9}}};
  for (int step = 0; step < 2000; ++step) {
    const Tensor real = randn({128, 1}) * spread + mean;
    // -log sigmoid(x) = softplus(-x)
    Tensor d_loss =
        (softplus(-discriminator(real)) + softplus(discriminator(generator(128).detach()))).mean();
    of_discriminator.zero_grad();
    d_loss.backward();
    of_discriminator.step();

    Tensor g_loss = softplus(-discriminator(generator(128))).mean();
    of_generator.zero_grad();
    g_loss.backward();
    of_generator.step();
  }
  const NoGrad no_grad;
  const Tensor made = generator(4096);
  std::printf("mean %.2f (3), deviation %.2f (0.5)\n", made.mean().item(), made.std().item());
  return std::abs(made.mean().item() - mean) < 0.5 && std::abs(made.std().item() - spread) < 0.3 ? 0 : 1;
}
