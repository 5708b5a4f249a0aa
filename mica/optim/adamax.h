// Adamax.
#pragma once

#include <array>

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct AdamaxOptions {
  double lr = 2e-3;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  bool maximize = false;
};

// Adam with the largest gradient, decaying, in place of the mean square: m = beta1 m + (1 - beta1) g;
// u = max(beta2 u, |g| + eps);  p -= lr / (1 - beta1^t) m / u (torch.optim.Adamax; Kingma & Ba 2015).
class Adamax : public OptimizerOf<AdamaxOptions> {
 public:
  // Errors: options out of range.
  explicit Adamax(std::vector<Tensor> parameters, const AdamaxOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
