// Adagrad.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  double initial_accumulator_value = 0;
  double eps = 1e-10;
  bool maximize = false;
};

// s += g^2;  p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) (torch.optim.Adagrad; Duchi et al. 2011).
class Adagrad : public OptimizerOf<AdagradOptions> {
 public:
  // Errors: options out of range.
  explicit Adagrad(std::vector<Tensor> parameters, const AdagradOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
