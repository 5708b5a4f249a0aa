// Pooling layers.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/pool.h>

namespace mica::nn {

// torch.nn.MaxPool2d; shapes and options as mica::max_pool2d.
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(IntPair kernel, const MaxPool2dOptions& o = {}) : kernel_size(kernel), options(o) {}
  IntPair kernel_size = 1;
  MaxPool2dOptions options;
  std::string extra_repr() const;
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  MaxPool2d() = default;
  Tensor forward(const Tensor& x) { return max_pool2d(x, kernel_size, options); }
};

// torch.nn.AvgPool2d; shapes and options as mica::avg_pool2d.
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(IntPair kernel, const AvgPool2dOptions& o = {}) : kernel_size(kernel), options(o) {}
  IntPair kernel_size = 1;
  AvgPool2dOptions options;
  std::string extra_repr() const;
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  AvgPool2d() = default;
  Tensor forward(const Tensor& x) { return avg_pool2d(x, kernel_size, options); }
};

}  // namespace mica::nn
