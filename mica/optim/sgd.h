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
class SGD : public OptimizerOf<SGDOptions> {
 public:
  // Errors: options out of range.
  explicit SGD(std::vector<Tensor> parameters, const SGDOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  bool counts_steps() const override { return false; }
  void update() override;
};

}  // namespace mica::optim
