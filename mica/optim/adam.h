// Adam and AdamW.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient, as an L2 penalty
  bool amsgrad = false;
  bool maximize = false;
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;  // shrinks the parameter itself by lr * weight_decay
  bool amsgrad = false;
  bool maximize = false;
};

// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  p -= lr m^ / (sqrt(v^) + eps), m^ and v^
// corrected for their start at zero (torch.optim.Adam; Kingma & Ba 2015).
class Adam : public Optimizer {
 public:
  // Errors: options out of range.
  explicit Adam(std::vector<Tensor> parameters, const AdamOptions& options = {});
  double lr() const override { return options_.lr; }
  void set_lr(double lr) override { options_.lr = lr; }

 protected:
  Adam(const char* name, std::vector<Tensor> parameters, const AdamOptions& options, bool decoupled);

 private:
  std::vector<Slot> slots() override;
  std::vector<std::int64_t>* step_counts() override { return &steps_; }
  void update() override;
  AdamOptions options_;
  bool decoupled_weight_decay_;
  std::vector<std::int64_t> steps_;
  std::vector<Tensor> exp_avg_, exp_avg_sq_, max_exp_avg_sq_;
};

// Adam with weight decay apart from the gradient (torch.optim.AdamW; Loshchilov & Hutter 2019).
class AdamW : public Adam {
 public:
  explicit AdamW(std::vector<Tensor> parameters, const AdamWOptions& options = {});
};

}  // namespace mica::optim
