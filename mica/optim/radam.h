// RAdam.
#pragma once

#include <array>

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct RAdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool decoupled_weight_decay = false;  // shrink the parameter itself; else an L2 penalty
  bool maximize = false;
};

// Adam whose steps are of momentum alone until the mean square is of some use, and then are rectified for its
// variance (torch.optim.RAdam; Liu et al. 2020).
class RAdam : public OptimizerOf<RAdamOptions> {
 public:
  // Errors: options out of range.
  explicit RAdam(std::vector<Tensor> parameters, const RAdamOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
