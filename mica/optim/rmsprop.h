// RMSprop.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;  // how much of the mean square stays
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  double momentum = 0;
  bool centered = false;  // the variance in place of the mean square
  bool maximize = false;
};

// v = alpha v + (1 - alpha) g^2;  p -= lr g / (sqrt(v) + eps) (torch.optim.RMSprop; Hinton 2012, centered:
// Graves 2013).
class RMSprop : public OptimizerOf<RMSpropOptions> {
 public:
  // Errors: options out of range.
  explicit RMSprop(std::vector<Tensor> parameters, const RMSpropOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
