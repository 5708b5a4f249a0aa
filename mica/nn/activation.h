// Activations as layers, for Sequential; in a forward the functions relu(x), gelu(x)... read better.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/activation.h>

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

}  // namespace mica::nn
