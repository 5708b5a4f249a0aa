// Checks derivatives against finite differences.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <mica/core/function_ref.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

struct GradcheckOptions {
  double eps = 1e-6;   // step of the central difference
  double atol = 1e-5;  // |numerical - analytical| <= atol + rtol * |numerical|
  double rtol = 1e-3;
};

// Compares the whole Jacobian of fn(inputs) with central differences (torch.autograd.gradcheck). Inputs that
// require a gradient must be f64. They may be views; the numbers under them are changed and restored. Returns
// an empty string, or what differs first: input, element, output and both values.
std::string gradcheck(FunctionRef<Tensor(std::span<const Tensor>)> fn, std::span<const Tensor> inputs,
                      const GradcheckOptions& options = {});

// The same for the gradients themselves: second derivatives (torch.autograd.gradgradcheck). `fn` is
// differentiated against a fixed random direction drawn from a generator of its own.
std::string gradgradcheck(FunctionRef<Tensor(std::span<const Tensor>)> fn, std::span<const Tensor> inputs,
                          const GradcheckOptions& options = {});

// The same for functions of several results: each in turn; the one that differs is named.
std::string gradcheck(FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> fn,
                      std::span<const Tensor> inputs, const GradcheckOptions& options = {});
std::string gradgradcheck(FunctionRef<std::vector<Tensor>(std::span<const Tensor>)> fn,
                          std::span<const Tensor> inputs, const GradcheckOptions& options = {});

}  // namespace mica::autograd
