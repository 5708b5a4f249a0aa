// NAdam.
#pragma once

#include <array>

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct NAdamOptions {
  double lr = 2e-3;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum_decay = 4e-3;
  bool decoupled_weight_decay = false;  // shrink the parameter itself; else an L2 penalty
  bool maximize = false;
};

// Adam with Nesterov momentum, whose coefficient mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) grows with
// the steps (torch.optim.NAdam; Dozat 2016). As PyTorch since 2.0; 1.13 counted mu_t twice in the last
// factor.
class NAdam : public OptimizerOf<NAdamOptions> {
 public:
  // Errors: options out of range.
  explicit NAdam(std::vector<Tensor> parameters, const NAdamOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  std::vector<const char*> numbers() const override;
  void update() override;
};

}  // namespace mica::optim
