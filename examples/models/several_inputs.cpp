// Several inputs: numbers, a category, and a mask that may be absent. Learns prices whose meaning depends on
// the category: each has weights of its own for the same numbers.
#include <cstdio>
#include <optional>

#include <mica/mica.h>
using namespace mica;

struct Pricer : nn::Module {
  int features = 4, categories = 3, hidden = 32;
  nn::Embedding category_vectors{categories, hidden};
  nn::Linear in{features, hidden};
  nn::Linear out{hidden, 1};

  // numbers (N, features), category (N) i64, known (N, features) boolean -> (N)
  Tensor forward(Tensor numbers, const Tensor& category, const std::optional<Tensor>& known = {}) {
    if (known) numbers = where(*known, numbers, 0);
    return out(relu(in(numbers) + category_vectors(category))).squeeze(-1);
  }
};

int main() {
  manual_seed(1);
  const Tensor weights = randn({3, 4});  // one row per category
  Pricer model;
  optim::Adam opt{model.parameters(), {.lr = 1e-2}};
  double loss = 0;
  for (int step = 0; step < 600; ++step) {
    const Tensor numbers = randn({128, 4});
    const Tensor category = randint(3, {128});
    const Tensor known = rand({128, 4}) < 0.8;
    const Tensor price = (where(known, numbers, 0) * weights.index_select(0, category)).sum(1);
    const Tensor error = nn::mse_loss(model(numbers, category, known), price);
    opt.zero_grad();
    error.backward();
    opt.step();
    loss = error.item();
  }
  std::printf("error of the prices %.4f\n", loss);
  return loss < 0.1 ? 0 : 1;
}
