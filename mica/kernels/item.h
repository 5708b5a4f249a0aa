// Internal to the kernels: items that are only moved.
#pragma once

#include <cstdint>

namespace mica::kernels {

// Calls fn.template operator()<T>() with an unsigned type of 1, 2, 4 or 8 bytes.
template <class Fn> void dispatch_item(std::int64_t item_size, const Fn& fn) {
  switch (item_size) {
    case 1: return fn.template operator()<std::uint8_t>();
    case 2: return fn.template operator()<std::uint16_t>();
    case 4: return fn.template operator()<std::uint32_t>();
    default: return fn.template operator()<std::uint64_t>();
  }
}

}  // namespace mica::kernels
