// Blocks of 1 MiB and more, cut from one stretch of memory that grows.
#pragma once

#include <cstddef>
#include <map>

namespace mica {

// A block is taken from the free one with the lowest address that is large enough, and joined with its free
// neighbours when it comes back, so that what is held is hardly more than the most that was ever in use.
// Stretches that are not next to each other come about only where the system gives no other memory. Giving
// back never allocates. Not for concurrent use.
class LargeBlocks {
 public:
  // What a block of `bytes` takes.
  static constexpr std::size_t size_for(std::size_t bytes) { return (bytes + unit - 1) / unit * unit; }

  // size_for(bytes) bytes from those that are free; null when no block is large enough.
  void* take(std::size_t bytes);
  // Maps memory until a block of `bytes` is free; how many bytes that took, or 0 when the system refuses.
  std::size_t grow(std::size_t bytes);
  // Returns the size of the block.
  std::size_t put(void* memory) noexcept;
  // Unmaps what is free; returns how many bytes.
  std::size_t release() noexcept;

 private:
  static constexpr std::size_t unit = std::size_t{128} << 10;
  using Blocks = std::map<std::byte*, std::size_t>;  // sizes by address
  void join_neighbours(Blocks::iterator block) noexcept;

  Blocks used_, free_;
  std::byte* end_ = nullptr;  // of the stretch: it grows here
};

}  // namespace mica
