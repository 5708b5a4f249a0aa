// Stochastic gradient descent.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  bool nesterov = false;    // needs momentum and no dampening
  bool maximize = false;
};

// v = momentum v + (1 - dampening) g;  p -= lr v, or with Nesterov p -= lr (g + momentum v) (torch.optim.SGD;
// Sutskever et al. 2013). The first step sets v = g.
class SGD : public Optimizer {
 public:
  // Errors: options out of range.
  explicit SGD(std::vector<Tensor> parameters, const SGDOptions& options = {});
  double lr() const override { return options_.lr; }
  void set_lr(double lr) override { options_.lr = lr; }

 private:
  std::vector<Slot> slots() override;
  std::vector<std::int64_t>* step_counts() override { return nullptr; }
  void update() override;
  SGDOptions options_;
  std::vector<Tensor> momentum_;
};

}  // namespace mica::optim
