// The caching allocator behind every tensor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mica {

// Bytes in use by tensors and bytes held from the system. Exact while no other thread allocates; else the
// peak may be off by up to 1 MiB for each thread that does.
struct MemoryStats {
  std::size_t in_use = 0;                // bytes of live blocks, as rounded up to their size class
  std::size_t peak_in_use = 0;           // highest in_use since the start or reset_peak_memory()
  std::size_t reserved = 0;              // bytes held from the system: in use and cached
  std::uint64_t allocations = 0;         // calls of allocate()
  std::uint64_t system_allocations = 0;  // of these, how many asked the system for memory
};

// A block of at least `bytes`, aligned to 64. Zero bytes give a valid pointer. Contents are undefined.
// Errors: out of memory, with the size asked and the size in use.
void* allocate(std::size_t bytes);

// Returns a block to the cache; `bytes` as given to allocate(). Any thread may free any block.
void deallocate(void* block, std::size_t bytes) noexcept;

MemoryStats memory_stats();
void reset_peak_memory();

// Gives cached blocks back to the system (those of the calling thread and the shared ones). Small blocks go
// in stretches of 2 MiB in which nothing is in use.
void empty_cache();

}  // namespace mica
