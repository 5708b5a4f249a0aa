// Resilient backpropagation.
#pragma once

#include <array>

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct RpropOptions {
  double lr = 1e-2;                            // the first step size
  std::array<double, 2> etas{0.5, 1.2};        // factors of the step size: where the gradient turns, and else
  std::array<double, 2> step_sizes{1e-6, 50};  // smallest and largest
  bool maximize = false;
};

// Steps by the sign of the gradient, each element with a step size of its own, which grows as long as the
// sign stays (torch.optim.Rprop; Riedmiller & Braun 1993). For full batches.
class Rprop : public OptimizerOf<RpropOptions> {
 public:
  // Errors: options out of range.
  explicit Rprop(std::vector<Tensor> parameters, const RpropOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
