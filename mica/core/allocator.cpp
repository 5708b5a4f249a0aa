#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <new>
#include <span>

#include <fmt/format.h>

#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/core/memory_pool.h>
#include <mica/core/size_class.h>
#include <mica/core/system_memory.h>

// A small block travels  system -> slab -> MemoryPool -> cache of a thread -> tensor  and back to the cache
// of the thread that frees it. Only the last step is on the fast path, and it takes neither a lock nor a
// shared cache line.

namespace mica {

namespace {

constexpr std::size_t max_cached_blocks = 64;
constexpr std::size_t max_cached_bytes = 512 << 10;

constexpr auto block_sizes = [] {
  std::array<std::size_t, small_class_count> sizes{};
  for (std::size_t c = 0; c < small_class_count; ++c) sizes[c] = small_classes.size(c);
  return sizes;
}();

// How many blocks of a class a thread keeps: many small ones, at least two of any.
constexpr auto cache_limits = [] {
  std::array<std::size_t, small_class_count> limits{};
  for (std::size_t c = 0; c < small_class_count; ++c) {
    limits[c] = std::clamp(max_cached_bytes / block_sizes[c], std::size_t{2}, max_cached_blocks);
  }
  return limits;
}();

// Adds to a counter that only this thread writes: no locked instruction, but other threads may read.
template <class T> T bump(std::atomic<T>& counter, T amount) {
  const T value = counter.load(std::memory_order_relaxed) + amount;
  counter.store(value, std::memory_order_relaxed);
  return value;
}

// What all threads have in use. A thread that would change it often collects its changes first.
struct Usage {
  std::atomic<std::int64_t> in_use{0};
  std::atomic<std::int64_t> peak{0};
  std::atomic<std::uint64_t> allocations{0};

  // Adds a change of `delta` in the course of which use was `highest` above the start.
  void add(std::int64_t delta, std::int64_t highest) {
    const std::int64_t reached = in_use.fetch_add(delta, std::memory_order_relaxed) + highest;
    std::int64_t seen = peak.load(std::memory_order_relaxed);
    while (seen < reached && !peak.compare_exchange_weak(seen, reached, std::memory_order_relaxed)) {
    }
  }
};
constinit Usage usage;

// Small free blocks of one thread, by class, and its uncollected changes of usage.
class ThreadCache {
 public:
  bool empty(std::size_t size_class) const { return stacks_[size_class].count == 0; }
  bool full(std::size_t size_class) const { return stacks_[size_class].count == cache_limits[size_class]; }
  void push(std::size_t size_class, void* block) {
    Stack& stack = stacks_[size_class];
    stack.blocks[stack.count++] = block;
  }
  void* pop(std::size_t size_class) {
    Stack& stack = stacks_[size_class];
    return stack.blocks[--stack.count];
  }

  // Fetches half of what may be kept; false when the system refuses memory.
  bool fetch(std::size_t size_class) {
    Stack& stack = stacks_[size_class];
    stack.count = MemoryPool::instance().take_small(
        size_class, std::span(stack.blocks).first(cache_limits[size_class] / 2));
    return stack.count != 0;
  }

  // Gives the `count` blocks that have lain here longest to the pool.
  void give_back(std::size_t size_class, std::size_t count) noexcept {
    Stack& stack = stacks_[size_class];
    void** kept = stack.blocks.data() + count;
    MemoryPool::instance().put_small(size_class, std::span(stack.blocks).first(count));
    std::copy(kept, stack.blocks.data() + stack.count, stack.blocks.data());
    stack.count -= count;
  }
  void give_back_all() noexcept {
    for (std::size_t c = 0; c < small_class_count; ++c) {
      if (!empty(c)) give_back(c, stacks_[c].count);
    }
  }

  void record_allocation(std::size_t bytes) {
    bump(allocations_, std::uint64_t{1});
    const std::int64_t now = bump(pending_, static_cast<std::int64_t>(bytes));
    if (now > highest_.load(std::memory_order_relaxed)) highest_.store(now, std::memory_order_relaxed);
    if (now >= max_pending) collect();
  }
  void record_deallocation(std::size_t bytes) {
    const std::int64_t now = bump(pending_, -static_cast<std::int64_t>(bytes));
    if (now <= -max_pending) collect();
  }
  void collect() {
    usage.add(pending_.load(std::memory_order_relaxed), highest_.load(std::memory_order_relaxed));
    usage.allocations.fetch_add(allocations_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    pending_.store(0, std::memory_order_relaxed);
    highest_.store(0, std::memory_order_relaxed);
    allocations_.store(0, std::memory_order_relaxed);
  }

  // For other threads; exact while the owner is not allocating.
  std::int64_t pending() const { return pending_.load(std::memory_order_relaxed); }
  std::int64_t highest() const { return highest_.load(std::memory_order_relaxed); }
  std::uint64_t allocations() const { return allocations_.load(std::memory_order_relaxed); }
  void forget_highest() { highest_.store(pending(), std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t max_pending = 1 << 20;  // more than any small block
  struct Stack {
    std::size_t count = 0;
    std::array<void*, max_cached_blocks> blocks;
  };
  std::array<Stack, small_class_count> stacks_;
  std::atomic<std::int64_t> pending_{0};
  std::atomic<std::int64_t> highest_{0};  // the most `pending_` has been since collect() or forget_highest()
  std::atomic<std::uint64_t> allocations_{0};

  friend class CacheList;
  ThreadCache* next_ = nullptr;
  ThreadCache* previous_ = nullptr;
};

// The caches of all living threads: a list through the caches themselves, so that a new thread's first
// deallocation cannot fail.
class CacheList {
 public:
  static CacheList& instance() {
    static CacheList& list = *new CacheList;
    return list;
  }
  void add(ThreadCache* cache) {
    const std::lock_guard lock(mutex_);
    cache->next_ = first_;
    if (first_ != nullptr) first_->previous_ = cache;
    first_ = cache;
  }
  void remove(ThreadCache* cache) {
    const std::lock_guard lock(mutex_);
    cache->collect();
    (cache->previous_ != nullptr ? cache->previous_->next_ : first_) = cache->next_;
    if (cache->next_ != nullptr) cache->next_->previous_ = cache->previous_;
  }
  template <class Fn> void for_each(Fn fn) {
    const std::lock_guard lock(mutex_);
    for (ThreadCache* cache = first_; cache != nullptr; cache = cache->next_) fn(*cache);
  }

 private:
  std::mutex mutex_;
  ThreadCache* first_ = nullptr;
};

// Plain pointers, so that reading them needs no check for construction, also while a thread ends.
constinit thread_local ThreadCache* this_thread_cache = nullptr;
constinit thread_local bool this_thread_ends = false;

struct CacheOwner {
  ~CacheOwner() {
    this_thread_ends = true;
    if (this_thread_cache == nullptr) return;
    this_thread_cache->give_back_all();
    CacheList::instance().remove(this_thread_cache);
    delete this_thread_cache;
    this_thread_cache = nullptr;
  }
};

// The cache of this thread, made at the first call; null while the thread ends, or when there is no memory
// for it.
ThreadCache* find_cache() noexcept {
  if (this_thread_cache != nullptr || this_thread_ends) return this_thread_cache;
  thread_local CacheOwner owner;
  this_thread_cache = new (std::nothrow) ThreadCache;
  if (this_thread_cache != nullptr) CacheList::instance().add(this_thread_cache);
  return this_thread_cache;
}

void record_allocation(std::size_t bytes) {
  if (ThreadCache* cache = find_cache()) return cache->record_allocation(bytes);
  usage.add(static_cast<std::int64_t>(bytes), static_cast<std::int64_t>(bytes));
  usage.allocations.fetch_add(1, std::memory_order_relaxed);
}

void record_deallocation(std::size_t bytes) noexcept {
  if (ThreadCache* cache = find_cache()) return cache->record_deallocation(bytes);
  usage.add(-static_cast<std::int64_t>(bytes), 0);
}

double gibibytes(std::size_t bytes) { return static_cast<double>(bytes) * 0x1p-30; }

[[noreturn]] void throw_out_of_memory(std::size_t bytes) {
  const MemoryStats stats = memory_stats();
  const bool absurd = bytes > MemoryPool::max_large_size;
  throw Error(
      "allocate",
      fmt::format("out of memory: asked for {} bytes ({:.2f} GiB), in use {:.2f} GiB, reserved {:.2f} GiB",
                  bytes, gibibytes(bytes), gibibytes(stats.in_use), gibibytes(stats.reserved)),
      absurd ? "no machine has that much: look for a size that overflowed or went negative"
             : "use smaller batches, or drop tensors and graphs that are no longer needed");
}

// Runs `attempt` until it gives memory: twice, the second time after giving cached blocks back to the system.
template <class Attempt> auto insist(std::size_t bytes, Attempt attempt) {
  auto result = attempt();
  if (!result) {
    empty_cache();
    result = attempt();
  }
  if (!result) throw_out_of_memory(bytes);
  return result;
}

void* allocate_large(std::size_t bytes) {
  if (bytes > MemoryPool::max_large_size) throw_out_of_memory(bytes);
  const auto block = insist(bytes, [&] { return MemoryPool::instance().take_large(bytes); });
  record_allocation(block.size);
  unpoison(block.memory, bytes);
  return block.memory;
}

// The thread has no cache yet or any more, or the cache has no block of this class.
void* allocate_small_slowly(std::size_t bytes, std::size_t size_class) {
  void* block = nullptr;
  if (ThreadCache* cache = find_cache()) {
    if (cache->empty(size_class)) insist(bytes, [&] { return cache->fetch(size_class); });
    block = cache->pop(size_class);
  } else {
    insist(bytes, [&] { return MemoryPool::instance().take_small(size_class, std::span(&block, 1)); });
  }
  record_allocation(block_sizes[size_class]);
  unpoison(block, bytes);
  return block;
}

void deallocate_small_slowly(void* block, std::size_t size_class) noexcept {
  if (ThreadCache* cache = find_cache()) {
    if (cache->full(size_class)) cache->give_back(size_class, cache_limits[size_class] / 2);
    cache->push(size_class, block);
  } else {
    MemoryPool::instance().put_small(size_class, std::span(&block, 1));
  }
  record_deallocation(block_sizes[size_class]);
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > max_small_size) return allocate_large(bytes);
  const std::size_t size_class = small_classes.index(bytes);
  ThreadCache* cache = this_thread_cache;
  if (cache == nullptr || cache->empty(size_class)) [[unlikely]] {
    return allocate_small_slowly(bytes, size_class);
  }
  void* block = cache->pop(size_class);
  cache->record_allocation(block_sizes[size_class]);
  unpoison(block, bytes);
  return block;
}

void deallocate(void* block, std::size_t bytes) noexcept {
  if (bytes > max_small_size) return record_deallocation(MemoryPool::instance().put_large(block));
  const std::size_t size_class = small_classes.index(bytes);
  poison(block, block_sizes[size_class]);
  ThreadCache* cache = this_thread_cache;
  if (cache == nullptr || cache->full(size_class)) [[unlikely]] {
    return deallocate_small_slowly(block, size_class);
  }
  cache->push(size_class, block);
  cache->record_deallocation(block_sizes[size_class]);
}

MemoryStats memory_stats() {
  std::int64_t in_use = usage.in_use.load(std::memory_order_relaxed);
  std::int64_t peak = usage.peak.load(std::memory_order_relaxed);
  std::uint64_t allocations = usage.allocations.load(std::memory_order_relaxed);
  const std::int64_t collected = in_use;
  CacheList::instance().for_each([&](const ThreadCache& cache) {
    in_use += cache.pending();
    peak = std::max(peak, collected + cache.highest());
    allocations += cache.allocations();
  });
  // A thread at work may be caught between two of its counters: the sums are then a little off, and a
  // difference must not wrap around.
  in_use = std::max<std::int64_t>(in_use, 0);
  peak = std::max(peak, in_use);
  return {.in_use = static_cast<std::size_t>(in_use),
          .peak_in_use = static_cast<std::size_t>(peak),
          .reserved = MemoryPool::instance().reserved(),
          .allocations = allocations,
          .system_allocations = MemoryPool::instance().system_allocations()};
}

void reset_peak_memory() {
  std::int64_t in_use = usage.in_use.load(std::memory_order_relaxed);
  CacheList::instance().for_each([&](ThreadCache& cache) {
    cache.forget_highest();
    in_use += cache.pending();
  });
  usage.peak.store(in_use, std::memory_order_relaxed);
}

void empty_cache() {
  if (ThreadCache* cache = find_cache()) cache->give_back_all();
  MemoryPool::instance().release();
}

}  // namespace mica
