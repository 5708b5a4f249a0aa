// For the sources of summary and diff.
#pragma once

#include <cstddef>
#include <cstring>

#include <mica/tensor/tensor.h>

namespace mica::nn::detail {

// Whether two tensors have the same numbers bit for bit, so that NaN equals itself.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.dtype() != b.dtype()) return false;
  const auto bytes = static_cast<std::size_t>(a.numel()) * item_size(a.dtype());
  return bytes == 0 || std::memcmp(a.contiguous().raw_data(), b.contiguous().raw_data(), bytes) == 0;
}

}  // namespace mica::nn::detail
