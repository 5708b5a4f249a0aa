// Activations as layers, for Sequential; in a forward the functions relu(x), gelu(x)... read better.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/activation.h>
#include <mica/ops/sigmoidal.h>

namespace mica::nn {

struct ReLU : Module {
  Tensor forward(Tensor x) { return relu(std::move(x)); }
};
struct Sigmoid : Module {
  Tensor forward(Tensor x) { return sigmoid(std::move(x)); }
};
struct Tanh : Module {
  Tensor forward(Tensor x) { return tanh(std::move(x)); }
};
// torch.nn.GELU: nn::GELU{} is exact, nn::GELU{.approximate = Gelu::tanh} PyTorch's approximate='tanh'.
struct GELU : Module {
  Gelu approximate = Gelu::none;
  Tensor forward(Tensor x) { return gelu(std::move(x), approximate); }
  std::string extra_repr() const {
    return approximate == Gelu::none ? "approximate='none'" : "approximate='tanh'";
  }
};
struct Softplus : Module {
  double beta = 1, threshold = 20;
  Tensor forward(Tensor x) { return softplus(std::move(x), beta, threshold); }
};
struct SiLU : Module {
  Tensor forward(Tensor x) { return silu(std::move(x)); }
};
struct Mish : Module {
  Tensor forward(Tensor x) { return mish(std::move(x)); }
};
struct Hardsigmoid : Module {
  Tensor forward(Tensor x) { return hardsigmoid(std::move(x)); }
};
struct Hardswish : Module {
  Tensor forward(Tensor x) { return hardswish(std::move(x)); }
};
struct LogSigmoid : Module {
  Tensor forward(Tensor x) { return logsigmoid(std::move(x)); }
};
struct Softsign : Module {
  Tensor forward(Tensor x) { return softsign(std::move(x)); }
};
struct Tanhshrink : Module {
  Tensor forward(Tensor x) { return tanhshrink(std::move(x)); }
};
struct GLU : Module {
  std::int64_t dim = -1;
  Tensor forward(const Tensor& x) { return glu(x, dim); }
};

}  // namespace mica::nn
