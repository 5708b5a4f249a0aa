// The relatives of ReLU as layers; what they compute stands beside the functions in <mica/ops/rectifier.h>.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/rectifier.h>

namespace mica::nn {

// nn::Threshold{.threshold = 0.1, .value = 20}
struct Threshold : Module {
  double threshold = 0, value = 0;
  Tensor forward(Tensor x) { return mica::threshold(std::move(x), threshold, value); }
};
struct Hardtanh : Module {
  double min_val = -1, max_val = 1;
  Tensor forward(Tensor x) { return hardtanh(std::move(x), min_val, max_val); }
};
struct ReLU6 : Module {
  Tensor forward(Tensor x) { return relu6(std::move(x)); }
};
struct ELU : Module {
  double alpha = 1;
  Tensor forward(Tensor x) { return elu(std::move(x), alpha); }
};
struct SELU : Module {
  Tensor forward(Tensor x) { return selu(std::move(x)); }
};
struct CELU : Module {
  double alpha = 1;
  Tensor forward(Tensor x) { return celu(std::move(x), alpha); }
};
struct LeakyReLU : Module {
  double negative_slope = 0.01;
  Tensor forward(Tensor x) { return leaky_relu(std::move(x), negative_slope); }
};
struct Hardshrink : Module {
  double lambd = 0.5;
  Tensor forward(Tensor x) { return hardshrink(std::move(x), lambd); }
  std::string extra_repr() const { return detail::show(lambd); }
};
struct Softshrink : Module {
  double lambd = 0.5;
  Tensor forward(Tensor x) { return softshrink(std::move(x), lambd); }
  std::string extra_repr() const { return detail::show(lambd); }
};
// Draws its slopes while training, takes their mean in evaluation.
struct RReLU : Module {
  double lower = 1.0 / 8, upper = 1.0 / 3;
  Mode mode;
  Tensor forward(Tensor x) {
    return rrelu(std::move(x), {.lower = lower, .upper = upper, .training = mode.training});
  }
};

struct PReLUOptions {
  double init = 0.25;  // what the slopes start from
  DType dtype = f32;
};

// leaky_relu whose slope is learned: one for all, or one for each channel (torch.nn.PReLU). Weight decay is
// not for it. Shapes: (N, C, ...), unchanged; num_parameters is 1 or C.
class PReLU : public Module {
 public:
  // Errors: a negative number.
  explicit PReLU(std::int64_t num_parameters = 1, const PReLUOptions& options = {});

  std::int64_t num_parameters = 1;
  double init = 0.25;
  Parameter weight;  // (num_parameters)

  void reset_parameters();
  std::string extra_repr() const;
  NN_MEMBERS(num_parameters, init, weight)

 private:
  friend Module;
  Tensor forward(const Tensor& x) { return prelu(x, weight); }
};

}  // namespace mica::nn
