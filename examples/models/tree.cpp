// A recursive network over trees: the model calls itself on the branches (Socher et al. 2011). Learns to
// evaluate sums and differences of any shape.
#include <cstdio>
#include <memory>

#include <mica/mica.h>
using namespace mica;

struct Expression {
  double value = 0;  // of a leaf
  char op = 0;       // '+' or '-' of a branch
  std::unique_ptr<Expression> left, right;

  double result() const {
    return op == 0 ? value : op == '+' ? left->result() + right->result() : left->result() - right->result();
  }
};
std::unique_ptr<Expression> grow(int depth) {
  auto e = std::make_unique<Expression>();
  if (depth == 0 || rand({}).item() < 0.3) {
    e->value = rand({}).item() * 2 - 1;
  } else {
    e->op = rand({}).item() < 0.5 ? '+' : '-';
    e->left = grow(depth - 1);
    e->right = grow(depth - 1);
  }
  return e;
}

struct TreeNet : nn::Module {
  int width = 8;
  nn::Linear leaf{1, width};
  nn::Linear sum{2 * width, width};
  nn::Linear difference{2 * width, width};
  nn::Linear head{width, 1};

  Tensor encode(const Expression& e) {
    if (e.op == 0) return leaf(full({1}, e.value));
    return (e.op == '+' ? sum : difference)(cat({encode(*e.left), encode(*e.right)}));
  }
  Tensor forward(const Expression& e) { return head(encode(e)); }
};

int main() {
  manual_seed(1);
  TreeNet model;
  optim::Adam opt{model.parameters(), {.lr = 5e-3}};
  double error = 0;
  for (int step = 0; step < 1500; ++step) {
    const auto tree = grow(3);
    Tensor loss = square(model(*tree) - tree->result()).sum();
    opt.zero_grad();
    loss.backward();
    opt.step();
    error = 0.98 * error + 0.02 * loss.item();
  }
  std::printf("squared error of the last trees %.5f\n", error);
  return error < 0.05 ? 0 : 1;
}
