// Adam and AdamW.
#pragma once

#include <array>

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
  bool maximize = false;
  bool decoupled_weight_decay = false;  // as AdamW; else added to the gradient, as an L2 penalty
};

struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  // shrinks the parameter itself by lr * weight_decay
  bool amsgrad = false;
  bool maximize = false;
};

// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  p -= lr m^ / (sqrt(v^) + eps), m^ and v^
// corrected for their start at zero (torch.optim.Adam; Kingma & Ba 2015). amsgrad: v^ is the largest so far.
class Adam : public OptimizerOf<AdamOptions> {
 public:
  // Errors: options out of range.
  explicit Adam(std::vector<Tensor> parameters, const AdamOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

// Adam with weight decay apart from the gradient (torch.optim.AdamW; Loshchilov & Hutter 2019).
class AdamW : public OptimizerOf<AdamWOptions> {
 public:
  // Errors: options out of range.
  explicit AdamW(std::vector<Tensor> parameters, const AdamWOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
