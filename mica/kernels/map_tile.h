// Internal: the steps of mica::kernels::map on one tile of elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include <mica/core/dtype.h>
#include <mica/kernels/map.h>

namespace mica::kernels {

// Element i of an operand is data[i & mask]: with no bit set, one vector of equal numbers stands for all.
struct Operand {
  const void* data = nullptr;
  std::size_t mask = 0;
};
// Where a step leaves its results: in a buffer, which may be that of an operand, or around the caches.
struct Target {
  void* data;
  bool stream;
  const void* ahead;  // what memory is to fetch meanwhile, as many elements: part of the next tile
};
// One step on `count` elements. Everything is padded to whole vectors: elements behind the last one are
// computed as well.
using TileKernel = void (*)(const Target& to, const Operand* in, std::size_t count);

// The widest vector of any target.
constexpr std::int64_t vector_bytes = 64;

// For f32 and f64. The operands of gt and ge change places; `input` and `constant` copy their operand.
TileKernel map_tile(MapOp op, DType type);

}  // namespace mica::kernels
