// Adafactor.
#pragma once

#include <mica/optim/optimizer.h>

namespace mica::optim {

struct AdafactorOptions {
  double lr = 1e-2;  // the largest relative step size; also scales the weight decay
  double beta2_decay = -0.8;
  std::optional<double> eps1{};  // bounds the mean squares; default: the dtype's epsilon. PyTorch's eps[0]
  double eps2 = 1e-3;       // bounds the size of a parameter that steps are relative to. PyTorch's eps[1]
  double d = 1;             // clips the root mean square of an update
  double weight_decay = 0;  // shrinks the parameter itself by lr * weight_decay
  bool maximize = false;
};

// Adam's mean squares in the memory of a row and a column for each matrix, without momentum, with steps
// relative to the parameter's size (torch.optim.Adafactor; Shazeer & Stern 2018, with PyTorch's reading of lr
// and eps1).
class Adafactor : public OptimizerOf<AdafactorOptions> {
 public:
  // Errors: options out of range.
  explicit Adafactor(std::vector<Tensor> parameters, const AdafactorOptions& options = {});

 private:
  std::vector<detail::Slot> slots(std::size_t parameter) const override;
  void update() override;
};

}  // namespace mica::optim
