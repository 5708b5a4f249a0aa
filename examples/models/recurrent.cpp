// A loop with shared weights: the same two layers for each step of a sequence. Learns to tell whether the
// first of eight signs was positive, which it has to carry through all the steps.
#include <cstdio>

#include <mica/mica.h>
using namespace mica;

struct Recurrent : nn::Module {
  int in = 1, hidden = 16, classes = 2;
  nn::Linear input{in, hidden};
  nn::Linear state{hidden, hidden};
  nn::Linear head{hidden, classes};

  Tensor forward(const Tensor& x) {  // (N, T, in) -> (N, classes)
    Tensor h = zeros({x.size(0), hidden});
    for (const Tensor& step : x.unbind(1)) h = tanh(input(step) + state(h));
    return head(h);
  }
};

int main() {
  manual_seed(1);
  Recurrent model;
  optim::Adam opt{model.parameters(), {.lr = 1e-2}};
  double accuracy = 0;
  for (int step = 0; step < 300; ++step) {
    const Tensor x = randint(2, {64, 8, 1}).to(f32) * 2 - 1;
    const Tensor label = (x.select(1, 0).squeeze(-1) > 0).to(i64);
    const Tensor logits = model(x);
    Tensor loss = nn::cross_entropy(logits, label);
    opt.zero_grad();
    loss.backward();
    opt.step();
    accuracy = (logits.argmax(1) == label).to(f32).mean().item();
  }
  std::printf("first sign remembered in %.0f %% of the last batch\n", 100 * accuracy);
  return accuracy > 0.95 ? 0 : 1;
}
