// Tensors as text.
#pragma once

#include <iosfwd>
#include <string>

#include <mica/tensor/tensor.h>

namespace mica {

// "tensor([[1., 2.],\n        [3., 4.]])", as PyTorch prints: four digits, scientific when magnitudes differ
// much, the middle of dimensions left out above 1,000 elements.
std::string to_string(const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace mica
