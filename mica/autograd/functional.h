// Derivatives of functions of tensors, as values.
//
//   const Tensor J = autograd::jacobian([](const Tensor& x) { return exp(x); }, x);
//   const auto [y, slope] = autograd::jvp([](const Tensor& x) { return tanh(x); }, x, direction);
//
// Each comes for one tensor in and out, and for several. Nobody's grad() is touched, and the inputs need not
// require gradients. Inputs and directions are floating point.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <mica/core/function_ref.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

using TensorFunction = FunctionRef<Tensor(const Tensor&)>;
using TensorsFunction = FunctionRef<std::vector<Tensor>(std::span<const Tensor>)>;
using ScalarFunction = FunctionRef<Tensor(std::span<const Tensor>)>;

struct FunctionalOptions {
  bool create_graph = false;  // record the results, as functions of the inputs
  bool strict = false;        // an output that does not depend on an input is an error, not a zero
};

// All first derivatives (torch.autograd.functional.jacobian). Shapes: (output sizes..., input sizes...), at
// most eight dimensions together. One backward pass for each element of the output. [i][j] is output i by
// input j.
Tensor jacobian(TensorFunction fn, const Tensor& x, const FunctionalOptions& options = {});
std::vector<std::vector<Tensor>> jacobian(TensorsFunction fn, std::span<const Tensor> inputs,
                                          const FunctionalOptions& options = {});

// All second derivatives of one number (torch.autograd.functional.hessian). Shapes: (input sizes..., input
// sizes...). [i][j] is by inputs i and j. Errors: the result has more than one element.
Tensor hessian(TensorFunction fn, const Tensor& x, const FunctionalOptions& options = {});
std::vector<std::vector<Tensor>> hessian(ScalarFunction fn, std::span<const Tensor> inputs,
                                         const FunctionalOptions& options = {});

// The result, and v times the Jacobian: a direction of the output's shape gives a gradient of the input's
// (torch.autograd.functional.vjp). v may be undefined for an output of one element.
std::pair<Tensor, Tensor> vjp(TensorFunction fn, const Tensor& x, const Tensor& v = {},
                              const FunctionalOptions& options = {});
std::pair<std::vector<Tensor>, std::vector<Tensor>> vjp(TensorsFunction fn, std::span<const Tensor> inputs,
                                                        std::span<const Tensor> v = {},
                                                        const FunctionalOptions& options = {});

// The result, and the Jacobian times v: a direction of the input's shape gives the slope of the output along
// it (torch.autograd.functional.jvp). By differentiating the backward pass, so fn needs second derivatives. v
// may be undefined for an input of one element.
std::pair<Tensor, Tensor> jvp(TensorFunction fn, const Tensor& x, const Tensor& v = {},
                              const FunctionalOptions& options = {});
std::pair<std::vector<Tensor>, std::vector<Tensor>> jvp(TensorsFunction fn, std::span<const Tensor> inputs,
                                                        std::span<const Tensor> v = {},
                                                        const FunctionalOptions& options = {});

}  // namespace mica::autograd
