// Tensors with the same elements in different memory: what every operation must not notice.
#pragma once

#include <array>

#include <mica/tensor/tensor.h>

namespace mica::layouts {

// stepped: every second element of larger memory, from the second on; what lies between is a trap.
// transposed: the dimensions in reverse order in memory.
enum class Layout { contiguous, transposed, stepped, expanded };
inline constexpr std::array all{Layout::contiguous, Layout::transposed, Layout::stepped, Layout::expanded};

// Uninitialised. `expanded` is treated as contiguous: expand() the result.
Tensor empty_in(Layout layout, const Shape& sizes, DType dtype);
// A copy without history.
Tensor arranged(const Tensor& x, Layout layout);

}  // namespace mica::layouts
