#include <algorithm>
#include <bit>

#include <mica/core/memory_pool.h>
#include <mica/core/system_memory.h>

namespace mica {

namespace {

constexpr std::size_t chunk_size = huge_page_size;

// A slab holds as many blocks as fit this, or one. It is whole pages.
constexpr std::size_t usual_slab_size = 64 << 10;
constexpr std::size_t page_size = 4 << 10;

// Under AddressSanitizer a poisoned gap behind each block catches writes past its end.
constexpr std::size_t gap = has_address_sanitizer ? 64 : 0;

std::uintptr_t chunk_of(const void* block) {
  return reinterpret_cast<std::uintptr_t>(block) & ~(chunk_size - 1);
}

// Makes room for `count` entries, growing geometrically.
void make_room(std::vector<void*>& list, std::size_t count) {
  if (count > list.capacity()) list.reserve(std::max(count, 2 * list.capacity()));
}

}  // namespace

MemoryPool& MemoryPool::instance() {
  static MemoryPool& pool = *new MemoryPool;
  return pool;
}

MemoryPool::MemoryPool() : memory_limit_(memory_limit()) {}

std::size_t MemoryPool::take_small(std::size_t size_class, std::span<void*> out) {
  const std::lock_guard lock(mutex_);
  auto& list = free_small_[size_class];
  if (list.empty() && !add_slab(size_class)) return 0;
  const std::size_t count = std::min(out.size(), list.size());
  std::copy_n(list.end() - static_cast<std::ptrdiff_t>(count), count, out.begin());
  list.resize(list.size() - count);
  return count;
}

void MemoryPool::put_small(std::size_t size_class, std::span<void* const> blocks) noexcept {
  const std::lock_guard lock(mutex_);
  auto& list = free_small_[size_class];
  list.insert(list.end(), blocks.begin(), blocks.end());
}

bool MemoryPool::add_slab(std::size_t size_class) {
  const std::size_t block_size = small_classes.size(size_class) + gap;
  const std::size_t count = std::max(usual_slab_size / block_size, std::size_t{1});
  const std::size_t slab_size = (count * block_size + page_size - 1) / page_size * page_size;
  auto& list = free_small_[size_class];
  make_room(list, small_blocks_[size_class] + count);

  auto room = std::ranges::find_if(uncut_, [=](const Room& r) { return r.size() >= slab_size; });
  if (room == uncut_.end()) {
    char* chunk = map_chunk();
    if (chunk == nullptr) return false;
    room = uncut_.insert(uncut_.end(), {chunk, chunk + chunk_size});
  }
  char* slab = room->next;
  room->next += slab_size;
  if (room->size() < usual_slab_size) uncut_.erase(room);
  blocks_of_chunk_[chunk_of(slab)] += count;
  small_blocks_[size_class] += count;
  poison(slab, slab_size);
  // Lists are taken from at the end: the slab's first block goes there.
  for (std::size_t i = count; i-- > 0;) list.push_back(slab + i * block_size);
  return true;
}

char* MemoryPool::map_chunk() {
  void* chunk = map_memory(chunk_size);
  if (chunk == nullptr) return nullptr;
  blocks_of_chunk_.emplace(chunk_of(chunk), 0);
  reserved_ += chunk_size;
  ++system_allocations_;
  return static_cast<char*>(chunk);
}

MemoryPool::LargeBlock MemoryPool::take_large(std::size_t bytes) {
  if (bytes > max_large_size) return {};
  const std::lock_guard lock(mutex_);
  LargeBlock block{large_.take(bytes), LargeBlocks::size_for(bytes)};
  if (!block) {
    if (reserved_ + block.size > memory_limit_ / 4 * 3) reserved_ -= large_.release();
    const std::size_t grown = large_.grow(bytes);
    if (grown == 0) return {};
    reserved_ += grown;
    ++system_allocations_;
    block.memory = large_.take(bytes);
  }
  return block;
}

std::size_t MemoryPool::put_large(void* memory) noexcept {
  const std::lock_guard lock(mutex_);
  return large_.put(memory);
}

void MemoryPool::release() {
  const std::lock_guard lock(mutex_);
  reserved_ -= large_.release();
  release_chunks();
}

void MemoryPool::release_chunks() {
  std::unordered_map<std::uintptr_t, std::size_t> free_blocks;
  for (const auto& list : free_small_) {
    for (const void* block : list) ++free_blocks[chunk_of(block)];
  }
  const auto is_free = [&](std::uintptr_t chunk) {
    const auto found = free_blocks.find(chunk);
    return found != free_blocks.end() && found->second == blocks_of_chunk_.at(chunk);
  };
  for (std::size_t c = 0; c < small_class_count; ++c) {
    small_blocks_[c] -=
        std::erase_if(free_small_[c], [&](const void* block) { return is_free(chunk_of(block)); });
  }
  std::erase_if(uncut_, [&](const Room& room) { return is_free(chunk_of(room.next)); });
  for (const auto& [chunk, count] : free_blocks) {
    if (count != blocks_of_chunk_.at(chunk)) continue;
    blocks_of_chunk_.erase(chunk);
    unmap_memory(std::bit_cast<void*>(chunk), chunk_size);
    reserved_ -= chunk_size;
  }
}

std::size_t MemoryPool::reserved() const {
  const std::lock_guard lock(mutex_);
  return reserved_;
}

std::uint64_t MemoryPool::system_allocations() const {
  const std::lock_guard lock(mutex_);
  return system_allocations_;
}

}  // namespace mica
