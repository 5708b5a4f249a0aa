// Reshaping as a layer.
#pragma once

#include <mica/nn/module.h>

namespace mica::nn {

// Joins dimensions (torch.nn.Flatten): by default all but the batch.
struct Flatten : Module {
  std::int64_t start_dim = 1, end_dim = -1;
  Tensor forward(const Tensor& x) { return x.flatten(start_dim, end_dim); }
};

}  // namespace mica::nn
