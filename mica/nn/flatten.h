// Reshaping as a layer.
#pragma once

#include <mica/nn/module.h>

namespace mica::nn {

// Joins dimensions (torch.nn.Flatten): by default all but the batch.
struct Flatten : Module {
  std::int64_t start_dim = 1, end_dim = -1;
  Tensor forward(const Tensor& x) { return x.flatten(start_dim, end_dim); }
};

// Splits a dimension (torch.nn.Unflatten): nn::Unflatten{.dim = 1, .unflattened_size = {2, 5}}. One size may
// be -1. Errors: sizes that the dimension does not divide into.
struct Unflatten : Module {
  std::int64_t dim = 1;
  Shape unflattened_size{-1};
  Tensor forward(const Tensor& x) { return x.unflatten(dim, unflattened_size); }
  std::string extra_repr() const;
};

}  // namespace mica::nn
