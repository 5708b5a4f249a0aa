// Dropout layers.
#pragma once

#include <mica/nn/module.h>

namespace mica::nn {

// Zeroes elements with probability p while training, scales the rest by 1 / (1 - p); passes its input through
// in evaluation (torch.nn.Dropout).
class Dropout : public Module {
 public:
  // Errors: p outside [0, 1].
  explicit Dropout(double p = 0.5);
  double p;
  Mode mode;
  std::string extra_repr() const;
  NN_MEMBERS(p, mode)

 private:
  friend Module;
  Tensor forward(const Tensor& x);
};

}  // namespace mica::nn
