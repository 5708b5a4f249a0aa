// The blocks that threads share: what lies between their caches and the operating system.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include <mica/core/large_blocks.h>
#include <mica/core/size_class.h>

namespace mica {

// Small blocks are cut from slabs: runs of one size class inside 2 MiB chunks. Every list has room for all
// the blocks it may ever hold before they are handed out, so that giving back never allocates. All members
// may be called from any thread.
class MemoryPool {
 public:
  // Never destroyed: tensors in static variables are freed after everything else.
  static MemoryPool& instance();

  // Takes at least one block of the class, and as many as fit into `out` if no new slab is needed for them.
  // Returns how many; 0 when the system refuses memory.
  std::size_t take_small(std::size_t size_class, std::span<void*> out);
  void put_small(std::size_t size_class, std::span<void* const> blocks) noexcept;

  struct LargeBlock {
    void* memory = nullptr;
    std::size_t size = 0;
    explicit operator bool() const { return memory != nullptr; }
  };
  // Empty when the system refuses memory.
  LargeBlock take_large(std::size_t bytes);
  // Returns the size that take_large gave.
  std::size_t put_large(void* memory) noexcept;

  // Unmaps what is free of large blocks, and the chunks of which every block is here.
  void release();

  std::size_t reserved() const;
  std::uint64_t system_allocations() const;

  // take_large() of more than this is refused without a look: no machine has it.
  static constexpr std::size_t max_large_size = std::size_t{1} << 47;

 private:
  MemoryPool();
  struct Room {
    char* next;
    char* end;
    std::size_t size() const { return static_cast<std::size_t>(end - next); }
  };

  bool add_slab(std::size_t size_class);
  char* map_chunk();
  void release_chunks();

  mutable std::mutex mutex_;
  std::array<std::vector<void*>, small_class_count> free_small_;
  std::array<std::size_t, small_class_count> small_blocks_{};        // free or not
  std::vector<Room> uncut_;                                          // what is left of chunks for slabs
  std::unordered_map<std::uintptr_t, std::size_t> blocks_of_chunk_;  // by the chunk's address
  LargeBlocks large_;
  std::size_t reserved_ = 0;
  std::uint64_t system_allocations_ = 0;
  std::size_t memory_limit_;
};

}  // namespace mica
