// How the allocator rounds sizes.
#pragma once

#include <bit>
#include <cstddef>

namespace mica {

// Sizes in steps that grow with the size: `unit` apart at first, then 2^steps_log2 of them to each power of
// two. A block of the class of n bytes is never larger than n by more than one step.
template <std::size_t steps_log2> struct SizeClasses {
  std::size_t unit;

  // The class of the smallest size that holds `bytes`; 0 bytes belong to class 0.
  constexpr std::size_t index(std::size_t bytes) const {
    constexpr std::size_t steps = std::size_t{1} << steps_log2;
    const std::size_t n = bytes == 0 ? 0 : (bytes - 1) / unit;
    const std::size_t shift = static_cast<std::size_t>(std::bit_width(n | steps)) - 1 - steps_log2;
    return (shift << steps_log2) + (n >> shift);
  }

  // Bytes in a block of class `index`.
  constexpr std::size_t size(std::size_t index) const {
    constexpr std::size_t steps = std::size_t{1} << steps_log2;
    if (index < steps) return (index + 1) * unit;
    const std::size_t shift = (index >> steps_log2) - 1;
    const std::size_t step = (index & (steps - 1)) + steps;
    return ((step + 1) << shift) * unit;
  }
};

// Small blocks: multiples of 64 up to 256, then four sizes to each power of two. They are cut from slabs.
inline constexpr SizeClasses<2> small_classes{64};
inline constexpr std::size_t max_small_size = 896 * 1024;
inline constexpr std::size_t small_class_count = small_classes.index(max_small_size) + 1;

}  // namespace mica
