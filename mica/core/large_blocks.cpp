#include <algorithm>
#include <iterator>

#include <mica/core/large_blocks.h>
#include <mica/core/system_memory.h>

namespace mica {

void* LargeBlocks::take(std::size_t bytes) {
  const std::size_t size = size_for(bytes);
  const auto found = std::ranges::find_if(free_, [=](const auto& block) { return block.second >= size; });
  if (found == free_.end()) return nullptr;
  std::byte* const memory = found->first;
  if (found->second > size) free_.emplace(memory + size, found->second - size);
  found->second = size;
  used_.insert(free_.extract(found));
  return memory;
}

std::size_t LargeBlocks::put(void* memory) noexcept {
  const auto block = free_.insert(used_.extract(static_cast<std::byte*>(memory))).position;
  const std::size_t size = block->second;
  poison(memory, size);
  join_neighbours(block);
  return size;
}

void LargeBlocks::join_neighbours(Blocks::iterator block) noexcept {
  const auto join_with_next = [this](Blocks::iterator first) {
    const auto second = std::next(first);
    if (second == free_.end() || first->first + first->second != second->first) return;
    first->second += second->second;
    free_.erase(second);
  };
  join_with_next(block);
  if (block != free_.begin()) join_with_next(std::prev(block));
}

std::size_t LargeBlocks::grow(std::size_t bytes) {
  const auto whole_pages = [](std::size_t size) {
    return (size + huge_page_size - 1) / huge_page_size * huge_page_size;
  };
  const std::size_t size = size_for(bytes);
  if (end_ == nullptr) end_ = static_cast<std::byte*>(find_address_space(2 * memory_limit()));
  const bool ends_free = !free_.empty() && free_.rbegin()->first + free_.rbegin()->second == end_;
  std::size_t grown = whole_pages(size - (ends_free ? free_.rbegin()->second : 0));
  void* memory = end_ == nullptr ? nullptr : map_memory_at(end_, grown);
  if (memory == nullptr) {  // somebody else is there
    grown = whole_pages(size);
    memory = map_memory(grown);
    if (memory == nullptr) return 0;
  }
  auto* const start = static_cast<std::byte*>(memory);
  end_ = start + grown;
  join_neighbours(free_.emplace(start, grown).first);
  return grown;
}

std::size_t LargeBlocks::release() noexcept {
  std::size_t released = 0;
  for (const auto& [memory, size] : free_) {
    unmap_memory(memory, size);
    released += size;
  }
  free_.clear();
  if (used_.empty()) end_ = nullptr;  // the next stretch begins anywhere
  return released;
}

}  // namespace mica
