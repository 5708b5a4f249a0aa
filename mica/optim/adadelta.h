// Adadelta.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;  // how much of the mean squares stays
  double eps = 1e-6;
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  bool maximize = false;
};

// v = rho v + (1 - rho) g^2;  u = sqrt(w + eps) / sqrt(v + eps) g;  w = rho w + (1 - rho) u^2;  p -= lr u
// (torch.optim.Adadelta; Zeiler 2012).
class Adadelta : public OptimizerOf<AdadeltaOptions> {
 public:
  // Errors: options out of range.
  explicit Adadelta(std::vector<Tensor> parameters, const AdadeltaOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
