// Averaged stochastic gradient descent.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct ASGDOptions {
  double lr = 1e-2;
  double lambd = 1e-4;      // decay term
  double alpha = 0.75;      // power of the rate's decay
  double t0 = 1e6;          // the step at which averaging starts
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  bool maximize = false;
};

// p -= eta (g + lambd p), and the average of p in the state as "ax"; eta = lr / (1 + lambd lr t)^alpha
// (torch.optim.ASGD; Polyak & Juditsky 1992).
class ASGD : public OptimizerOf<ASGDOptions> {
 public:
  // Errors: options out of range.
  explicit ASGD(std::vector<Tensor> parameters, const ASGDOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  std::vector<const char*> numbers() const override;
  void update() override;
};

}  // namespace mica::optim
