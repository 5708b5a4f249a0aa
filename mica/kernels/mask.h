// Elements by mask, in two passes: how many are chosen before each block, then the work, block by block. All
// memory is row-major; masks are bytes of 0 or 1.
#pragma once

#include <cstdint>
#include <vector>

#include <mica/core/shape.h>

namespace mica::kernels {

// How many elements are chosen.
class MaskCount {
 public:
  MaskCount(const bool* mask, std::int64_t size);
  std::int64_t total() const { return before_.back(); }

  static constexpr std::int64_t block = 16384;
  std::int64_t blocks() const { return static_cast<std::int64_t>(before_.size()) - 1; }
  std::int64_t before(std::int64_t b) const { return before_[static_cast<std::size_t>(b)]; }
  std::int64_t size() const { return size_; }
  const bool* mask() const { return mask_; }

 private:
  const bool* mask_;
  std::int64_t size_;
  std::vector<std::int64_t> before_;  // chosen elements before block b, and in the end all
};

// out = the chosen elements of x. Items of 1, 2, 4 or 8 bytes.
void compress(std::int64_t item_size, const MaskCount& chosen, const void* x, void* out);
// The chosen elements of x, in turn, become those of `source`.
void expand(std::int64_t item_size, const MaskCount& chosen, const void* source, void* x);
// out (total, rank): the coordinates of the chosen elements in a tensor of these sizes.
void coordinates(const MaskCount& chosen, const Shape& sizes, std::int64_t* out);

}  // namespace mica::kernels
