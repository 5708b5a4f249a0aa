// A mixture of experts in a vector: a gate sends each sample to one expert, which sees only its own (Shazeer
// et al. 2017, with one expert per sample).
#include <cstdio>
#include <vector>

#include <mica/mica.h>
using namespace mica;

struct Expert : nn::Module {
  int dim = 2, hidden = 16;
  nn::Linear in{dim, hidden};
  nn::Linear out{hidden, 1};
  Tensor forward(const Tensor& x) { return out(relu(in(x))); }
};

struct Mixture : nn::Module {
  int dim = 2, count = 4;
  nn::Linear gate{dim, count};
  std::vector<Expert> experts = nn::repeat(count, [&] { return Expert{.dim = dim}; });

  Tensor forward(const Tensor& x) {  // (N, dim) -> (N, 1)
    const auto [weight, chosen] = softmax(gate(x), 1).max(1, true);
    Tensor y = zeros({x.size(0), 1});
    for (int i = 0; i < count; ++i) {
      const Tensor rows = (chosen.squeeze(1) == i).nonzero().squeeze(1);
      if (rows.numel() == 0) continue;
      const auto part = [&](const Tensor& t) { return t.index_select(0, rows); };
      y = y.index_add(0, rows, part(weight) * experts[static_cast<std::size_t>(i)](part(x)));
    }
    return y;
  }
};

int main() {
  manual_seed(1);
  Mixture model;
  optim::Adam opt{model.parameters(), {.lr = 5e-3}};
  double error = 0;
  for (int step = 0; step < 1500; ++step) {
    const Tensor x = rand({256, 2}) * 2 - 1;
    const Tensor y =
        where(x.narrow(1, 0, 1) > 0, sin(4 * x.narrow(1, 1, 1)), x.narrow(1, 0, 1));  // two worlds
    Tensor loss = nn::mse_loss(model(x), y);
    opt.zero_grad();
    loss.backward();
    opt.step();
    error = loss.item();
  }
  std::printf("error %.4f\n", error);
  return error < 0.03 ? 0 : 1;
}
