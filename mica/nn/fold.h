// Images as columns of windows, and back, as layers.
#pragma once

#include <mica/nn/module.h>
#include <mica/ops/fold.h>

namespace mica::nn {

// torch.nn.Unfold; shapes and options as mica::unfold.
class Unfold : public Module {
 public:
  explicit Unfold(const Shape& kernel, const FoldOptions& o = {}) : kernel_size(kernel), options(o) {}
  Shape kernel_size;
  FoldOptions options;
  std::string extra_repr() const;
  NN_MEMBERS(kernel_size, options)

 private:
  friend Module;
  Unfold() = default;
  Tensor forward(const Tensor& x) { return unfold(x, kernel_size, options); }
};

// torch.nn.Fold; shapes and options as mica::fold.
class Fold : public Module {
 public:
  Fold(const Shape& output, const Shape& kernel, const FoldOptions& o = {})
      : output_size(output), kernel_size(kernel), options(o) {}
  Shape output_size, kernel_size;
  FoldOptions options;
  std::string extra_repr() const;
  NN_MEMBERS(output_size, kernel_size, options)

 private:
  friend Module;
  Fold() = default;
  Tensor forward(const Tensor& columns) { return fold(columns, output_size, kernel_size, options); }
};

}  // namespace mica::nn
