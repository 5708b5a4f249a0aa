// A siamese network: one encoder sees both images, since it is one member called twice. Learns which digits
// are the same (contrastive loss: Hadsell et al. 2006).
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Siamese : nn::Module {
  int in = 64, hidden = 64, out = 16;
  nn::Sequential encoder{nn::Linear{in, hidden}, nn::ReLU{}, nn::Linear{hidden, out}};

  Tensor forward(const Tensor& a, const Tensor& b) {  // distances (N)
    return (encoder(a.flatten(1)) - encoder(b.flatten(1))).norm(2, {1});
  }
};

struct Pairs {
  Tensor a, b, same;
};
Pairs draw(const data::LabelledImages& digits, std::int64_t n) {
  const Tensor i = randint(digits.labels.size(0), {n});
  const Tensor j = randint(digits.labels.size(0), {n});
  const Tensor same = digits.labels.index_select(0, i) == digits.labels.index_select(0, j);
  return {digits.images.index_select(0, i), digits.images.index_select(0, j), same};
}

int main() {
  manual_seed(1);
  const data::LabelledImages train = data::digits(data::Split::train);
  Siamese model;
  optim::Adam opt{model.parameters(), {.lr = 2e-3}};
  for (int step = 0; step < 500; ++step) {
    const auto [a, b, same] = draw(train, 128);
    const Tensor distance = model(a, b);
    Tensor loss = where(same, 4 * square(distance), square(relu(2 - distance))).mean();
    opt.zero_grad();
    loss.backward();
    opt.step();
  }
  const NoGrad no_grad;
  const auto [a, b, same] = draw(data::digits(data::Split::test), 2000);
  const double right = ((model(a, b) < 1) == same).to(f32).mean().item();
  std::printf("%.1f %% of the pairs told apart\n", 100 * right);
  return right > 0.93 ? 0 : 1;
}
