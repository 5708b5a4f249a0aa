// An autoencoder whose decoder is the encoder transposed: the weight occurs twice in forward, so its gradient
// is the sum of both.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Autoencoder : nn::Module {
  int in = 64, code = 12;
  nn::Linear encoder{in, code};
  nn::Parameter bias{zeros({in})};

  Tensor forward(const Tensor& x) {
    const Tensor z = tanh(encoder(x));
    return linear(z, encoder.weight.t(), bias);
  }
};

int main() {
  manual_seed(1);
  const Tensor images = data::digits(data::Split::train).images.flatten(1);
  const Tensor test = data::digits(data::Split::test).images.flatten(1);
  Autoencoder model;
  optim::Adam opt{model.parameters(), {.lr = 1e-2}};
  for (int step = 0; step < 300; ++step) {
    Tensor loss = nn::mse_loss(model(images), images);
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
  const NoGrad no_grad;
  const double left = nn::mse_loss(model(test), test).item() / test.var().item();
  std::printf("%lld parameters; %.1f %% of the variance is left\n",
              static_cast<long long>(model.num_parameters()), 100 * left);
  return left < 0.25 ? 0 : 1;
}
