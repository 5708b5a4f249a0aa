// Tensors as text.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include <mica/tensor/tensor.h>

namespace mica {

// torch.set_printoptions.
struct PrintOptions {
  int precision = 4;                  // digits after the point
  std::int64_t threshold = 1000;      // with more elements, the middle of dimensions is left out,
  std::int64_t edgeitems = 3;         // except so many at either end
  std::int64_t linewidth = 80;        // characters, after which rows are broken
  std::optional<bool> sci_mode = {};  // 1.0000e+00; by default, when magnitudes differ much
};

// What to_string(x) and << follow from now on, in all threads. Errors: a negative number.
void set_print_options(const PrintOptions& options);
PrintOptions print_options();

// "tensor([[1., 2.],\n        [3., 4.]])", as PyTorch prints; then what the numbers do not show: the size of
// an empty tensor, the dtype unless evident, requires_grad or the operation that made it.
std::string to_string(const Tensor& x);
std::string to_string(const Tensor& x, const PrintOptions& options);
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace mica
