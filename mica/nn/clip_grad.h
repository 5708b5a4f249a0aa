// Limits for gradients, between backward() and step() (torch.nn.utils). Parameters without a gradient are
// passed over.
#pragma once

#include <span>

#include <mica/tensor/tensor.h>

namespace mica::nn {

struct ClipGradOptions {
  double norm_type = 2;             // p of the norm; infinity: the largest absolute value
  bool error_if_nonfinite = false;  // throw if the norm is infinite or NaN, before anything is changed
};

// The norm of all numbers in the tensors together: 0-d, f32 or wider. 0 for no tensors.
Tensor get_total_norm(std::span<const Tensor> tensors, const ClipGradOptions& options = {});
// Scales all gradients by max_norm / (total_norm + 1e-6), if that is below 1. Errors: max_norm negative.
void clip_grads_with_norm_(std::span<const Tensor> parameters, double max_norm, const Tensor& total_norm);
// Both: gradients longer than max_norm together are shortened to it. Returns the norm that they had.
Tensor clip_grad_norm_(std::span<const Tensor> parameters, double max_norm,
                       const ClipGradOptions& options = {});
// Limits each number of the gradients to [-clip_value, clip_value]. Errors: clip_value negative.
void clip_grad_value_(std::span<const Tensor> parameters, double clip_value);

// All parameters in one vector, one after the other, differentiable (torch.nn.utils.parameters_to_vector).
Tensor parameters_to_vector(std::span<const Tensor> parameters);
// The reverse: copies the numbers of a vector into the parameters (PyTorch's share its memory afterwards).
// Errors: not a vector, or of another length.
void vector_to_parameters(const Tensor& vector, std::span<const Tensor> parameters);

}  // namespace mica::nn
