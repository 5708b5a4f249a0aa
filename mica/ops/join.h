// Joining tensors.
#pragma once

#include <initializer_list>
#include <span>

#include <mica/tensor/tensor.h>

namespace mica {

// Along an existing dimension; all other sizes must agree. dtypes promote. Empty 1-d tensors are skipped, as
// in PyTorch.
Tensor cat(std::span<const Tensor> tensors, std::int64_t dim = 0);
inline Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim = 0) {
  return cat(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}
// Along a new dimension; all shapes must agree.
Tensor stack(std::span<const Tensor> tensors, std::int64_t dim = 0);
inline Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim = 0) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

}  // namespace mica
