#include "layouts.h"

#include <algorithm>
#include <optional>

#include <mica/ops/ops.h>

namespace mica::layouts {

Tensor empty_in(Layout layout, const Shape& sizes, DType dtype) {
  Shape memory = sizes;
  if (layout == Layout::transposed) {
    Shape reversed;
    for (int i = sizes.size() - 1; i >= 0; --i) reversed.push_back(i);
    std::reverse(memory.begin(), memory.end());
    return zeros(memory, dtype).permute(reversed);
  }
  if (layout == Layout::stepped) {
    for (std::int64_t& n : memory) n *= 2;
    Tensor x = full(memory, dtype == boolean ? Scalar(true) : Scalar(1e6), dtype);
    for (int d = 0; d < sizes.size(); ++d) x = x.slice(d, {1, std::nullopt, 2});
    return x;
  }
  return empty(memory, dtype);
}

Tensor arranged(const Tensor& x, Layout layout) {
  return empty_in(layout, x.sizes(), x.dtype()).copy_(x.detach());
}

}  // namespace mica::layouts
