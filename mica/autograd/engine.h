// The backward pass.
#pragma once

#include <span>
#include <vector>

#include <mica/tensor/tensor.h>

namespace mica::autograd {

// Adds d(sum of outputs * grad_outputs)/d(leaf) to the grad() of every leaf that requires one
// (torch.autograd.backward). Iterative: the depth of the graph does not matter. An undefined entry of
// grad_outputs stands for 1 and needs a scalar output; an empty span stands for all undefined. Errors:
// outputs without history, shapes that differ, a freed graph, called inside a module's forward.
void backward(std::span<const Tensor> outputs, std::span<const Tensor> grad_outputs = {},
              Tensor::BackwardOptions options = {});

struct GradOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool allow_unused =
      false;  // undefined gradients for inputs that the outputs do not depend on, instead of an error
};
// The gradients with respect to `inputs`, one each; nobody's grad() is touched, and only the part of the
// graph that leads to the inputs runs (torch.autograd.grad). Allowed inside forward.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> grad_outputs = {}, GradOptions options = {});
// One output, one input.
Tensor grad(const Tensor& output, const Tensor& input, GradOptions options = {});

}  // namespace mica::autograd
