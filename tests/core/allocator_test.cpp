#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <mica/core/allocator.h>
#include <mica/core/error.h>
#include <mica/core/system_memory.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MICA_THREAD_SANITIZER 1
#endif
#endif
#ifdef MICA_THREAD_SANITIZER
constexpr bool has_thread_sanitizer = true;
#else
constexpr bool has_thread_sanitizer = false;
#endif

namespace mica {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// A block that frees itself.
class Block {
 public:
  explicit Block(std::size_t bytes) : memory_(allocate(bytes), Deallocate{bytes}) {}
  unsigned char* data() const { return static_cast<unsigned char*>(memory_.get()); }
  std::size_t size() const { return memory_.get_deleter().bytes; }
  void fill(int value) const { std::memset(data(), value, size()); }
  bool is_filled_with(int value) const {
    return std::all_of(data(), data() + size(), [=](unsigned char byte) { return byte == value; });
  }

 private:
  struct Deallocate {
    std::size_t bytes;
    void operator()(void* memory) const { deallocate(memory, bytes); }
  };
  std::unique_ptr<void, Deallocate> memory_;
};

std::int64_t page_faults() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_minflt;
}

// Sizes around every boundary that the allocator knows.
std::vector<std::size_t> telling_sizes() {
  std::vector<std::size_t> sizes = {0, 1, 63, 64, 65, 100, 255, 256, 257};
  for (std::size_t power = 512; power <= 8 * mib; power *= 2) {
    for (const std::size_t size : {power - 1, power, power + 1, power + power / 3}) sizes.push_back(size);
  }
  return sizes;
}

TEST(Allocator, gives_aligned_writable_blocks_that_do_not_overlap) {
  std::vector<Block> blocks;
  int tag = 0;
  for (const std::size_t size : telling_sizes()) {
    for (int copy = 0; copy < 3; ++copy) blocks.emplace_back(size).fill(tag++ % 251);
  }
  tag = 0;
  for (const Block& block : blocks) {
    EXPECT_NE(block.data(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.data()) % 64, 0U) << block.size();
    EXPECT_TRUE(block.is_filled_with(tag++ % 251)) << block.size();
  }
}

TEST(Allocator, reuses_the_block_freed_last) {
  for (const std::size_t size : {std::size_t{100}, 40 * kib, 600 * kib, 3 * mib}) {
    const void* first = Block(size).data();
    EXPECT_EQ(Block(size).data(), first) << size;
  }
}

TEST(Allocator, serves_smaller_requests_from_a_cached_large_block) {
  empty_cache();
  {
    const Block block(64 * mib);
  }
  const MemoryStats before = memory_stats();
  {
    const Block a(31 * mib), b(3 * mib), c(30 * mib);
  }
  EXPECT_EQ(memory_stats().system_allocations, before.system_allocations);
  EXPECT_EQ(memory_stats().reserved, before.reserved);
}

// Each has its own memory, where one stretch for each size would hold the sum.
TEST(Allocator, holds_little_more_than_the_largest_of_many_sizes) {
  empty_cache();
  const std::size_t before = memory_stats().reserved;
  for (std::size_t size = 1; size <= 64; ++size) Block(size * mib).data()[0] = 1;
  EXPECT_LE(memory_stats().reserved - before, 66 * mib);
  for (const std::size_t size : {100 * kib, 200 * kib, 300 * kib, 400 * kib, 500 * kib})
    Block(size).data()[0] = 1;
  EXPECT_LE(memory_stats().reserved - before, 68 * mib);
}

TEST(Allocator, counts_what_is_in_use_exactly) {
  const MemoryStats before = memory_stats();
  {
    const Block small(100);
    const Block medium(1025);
    const Block large(mib + 1);
    const MemoryStats during = memory_stats();
    EXPECT_EQ(during.in_use - before.in_use, 128 + 1280 + mib + 128 * kib);
    EXPECT_EQ(during.allocations - before.allocations, 3U);
    EXPECT_GE(during.reserved, during.in_use);
  }
  EXPECT_EQ(memory_stats().in_use, before.in_use);
}

TEST(Allocator, remembers_the_peak_until_it_is_reset) {
  reset_peak_memory();
  const std::size_t before = memory_stats().in_use;
  EXPECT_EQ(memory_stats().peak_in_use, before);
  {
    const Block a(10 * kib);
    const Block b(32 * mib);
  }
  {
    const Block c(kib);
  }
  EXPECT_EQ(memory_stats().peak_in_use, before + 10 * kib + 32 * mib);
  reset_peak_memory();
  EXPECT_EQ(memory_stats().peak_in_use, before);
  {
    const Block d(2 * kib);
  }
  EXPECT_EQ(memory_stats().peak_in_use, before + 2 * kib);
}

// What a training step does: many sizes, freed in another order.
void step() {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < 40; ++i) blocks.emplace_back(64 + (i * 7919) % (96 * kib));
  for (std::size_t i = 0; i < 5; ++i) blocks.emplace_back((1 + i) * mib + i);
  std::ranges::reverse(blocks.begin() + 10, blocks.end() - 3);
}

TEST(Allocator, asks_the_system_for_nothing_in_a_steady_state) {
  step();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 10000; ++i) step();
  const MemoryStats after = memory_stats();
  EXPECT_EQ(after.allocations - before.allocations, 450000U);
  EXPECT_EQ(after.system_allocations, before.system_allocations);
  EXPECT_EQ(after.reserved, before.reserved);
  EXPECT_EQ(after.in_use, before.in_use);
}

TEST(Allocator, takes_no_page_faults_in_a_steady_state) {
  if (has_address_sanitizer || has_thread_sanitizer)
    GTEST_SKIP() << "shadow memory has page faults of its own";
  const auto write_everywhere = [] {
    for (const std::size_t size : {64 * mib, 3 * mib, 100 * kib, 4 * kib}) Block(size).fill(1);
  };
  write_everywhere();
  const std::int64_t before = page_faults();
  for (int i = 0; i < 10; ++i) write_everywhere();
  EXPECT_LE(page_faults() - before, 8);  // the test itself may touch a new page
}

TEST(Allocator, alternating_sizes_settle) {
  const auto epoch = [] {
    for (const std::size_t batch : {32 * mib, 20 * mib, 32 * mib, 7 * mib})
      const Block a(batch), b(batch / 3);
  };
  epoch();
  epoch();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 100; ++i) epoch();
  EXPECT_EQ(memory_stats().reserved, before.reserved);
  EXPECT_EQ(memory_stats().system_allocations, before.system_allocations);
}

TEST(Allocator, sizes_that_never_repeat_do_not_hoard_memory) {
  empty_cache();
  reset_peak_memory();
  const std::size_t before = memory_stats().reserved;
  std::minstd_rand random(1);
  std::size_t most_reserved = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::size_t octave = std::size_t{1} << (20 + random() % 8);
    {
      const Block block(octave + random() % octave);
    }  // never written, so it costs no memory
    most_reserved = std::max(most_reserved, memory_stats().reserved);
  }
  EXPECT_LE(most_reserved - before, 4 * memory_stats().peak_in_use + 256 * mib);
}

TEST(Allocator, empty_cache_returns_free_memory_to_the_system) {
  empty_cache();
  const std::size_t before = memory_stats().reserved;
  {
    std::vector<Block> blocks;
    for (int i = 0; i < 8000; ++i) blocks.emplace_back(kib);
    for (int i = 0; i < 20; ++i) blocks.emplace_back(700 * kib);
    blocks.emplace_back(100 * mib);
  }
  EXPECT_GE(memory_stats().reserved, before + 100 * mib + 20 * 700 * kib);
  empty_cache();
  EXPECT_EQ(memory_stats().reserved, before);
}

TEST(Allocator, empty_cache_keeps_live_blocks_intact) {
  std::vector<Block> live;
  {
    std::vector<Block> dead;
    for (int i = 0; i < 1000; ++i) {
      live.emplace_back(5 * kib).fill(i % 251);
      for (int k = 0; k < 5; ++k) dead.emplace_back(5 * kib);
    }
  }
  empty_cache();
  std::vector<Block> others;
  for (int i = 0; i < 5000; ++i) others.emplace_back(5 * kib).fill(255);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(live[static_cast<std::size_t>(i)].is_filled_with(i % 251));
}

TEST(Allocator, refuses_sizes_no_machine_has_with_numbers_and_a_hint) {
  for (const std::size_t size :
       {SIZE_MAX, SIZE_MAX - 100, std::size_t{1} << 60, (std::size_t{1} << 47) + 1}) {
    try {
      allocate(size);
      FAIL() << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.operation(), "allocate");
      EXPECT_NE(error.message().find(std::to_string(size) + " bytes"), std::string::npos) << error.what();
      EXPECT_NE(error.message().find("in use"), std::string::npos);
      EXPECT_NE(error.message().find("reserved"), std::string::npos);
      EXPECT_NE(error.hint().find("overflow"), std::string::npos);
    }
  }
  Block(100).fill(1);
}

// Limits the address space to what is mapped now and `bytes` more.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(std::size_t bytes) {
    getrlimit(RLIMIT_AS, &previous_);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = previous_;
    limit.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + bytes;
    setrlimit(RLIMIT_AS, &limit);
  }
  ~AddressSpaceLimit() { setrlimit(RLIMIT_AS, &previous_); }

 private:
  rlimit previous_{};
};

TEST(Allocator, gives_up_its_cache_before_it_reports_out_of_memory) {
  if (has_address_sanitizer || has_thread_sanitizer) GTEST_SKIP() << "shadow memory needs the address space";
  empty_cache();
  const std::size_t before = memory_stats().in_use;
  {
    const AddressSpaceLimit limit(256 * mib);
    {
      const Block cached(150 * mib);
    }
    Block(200 * mib).fill(1);  // fits only when the cached block goes
    try {
      const Block block(300 * mib);
      FAIL();
    } catch (const Error& error) {
      EXPECT_NE(error.message().find("asked for 314572800 bytes (0.29 GiB)"), std::string::npos)
          << error.what();
      EXPECT_NE(error.hint().find("batch"), std::string::npos);
    }
    Block(100 * mib).fill(1);
    std::vector<Block> small;
    EXPECT_THROW(
        {
          while (small.size() < 10000) small.emplace_back(100 * kib);
        },
        Error);
    EXPECT_GT(small.size(), 1000U);
  }
  EXPECT_EQ(memory_stats().in_use, before);
  Block(300 * mib).data()[0] = 1;
}

TEST(Allocator, takes_blocks_back_on_any_thread) {
  const std::size_t before = memory_stats().in_use;
  for (int round = 0; round < 50; ++round) {
    std::vector<Block> blocks;
    for (int i = 0; i < 500; ++i) blocks.emplace_back(kib).fill(i % 251);
    blocks.emplace_back(2 * mib).fill(7);
    std::thread([moved = std::move(blocks)]() mutable {
      for (std::size_t i = 0; i < 500; ++i) EXPECT_TRUE(moved[i].is_filled_with(static_cast<int>(i % 251)));
      moved.clear();
    }).join();
  }
  EXPECT_EQ(memory_stats().in_use, before);
}

TEST(Allocator, a_thread_that_ends_leaves_its_cache_to_the_others) {
  empty_cache();
  const std::size_t before = memory_stats().reserved;
  for (int i = 0; i < 100; ++i) {
    std::thread([] {
      std::vector<Block> blocks;
      for (int k = 0; k < 100; ++k) blocks.emplace_back(3 * kib);
    }).join();
  }
  EXPECT_LE(memory_stats().reserved - before, 4 * mib);
  empty_cache();
  EXPECT_EQ(memory_stats().reserved, before);
}

TEST(Allocator, survives_many_threads_that_pass_blocks_around) {
  const MemoryStats before = memory_stats();
  constexpr std::size_t thread_count = 8;
  std::vector<std::vector<Block>> handed_over(thread_count);
  const auto run = [](auto body) {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) threads.emplace_back(body, t);
  };
  run([&](std::size_t t) {
    std::minstd_rand random(static_cast<unsigned>(t + 1));
    std::vector<Block> mine;
    for (int i = 0; i < 3000; ++i) {
      const std::size_t size = i % 100 == 0 ? mib + random() % mib : 1 + random() % (20 * kib);
      mine.emplace_back(size).data()[0] = static_cast<unsigned char>(t);
      if (mine.size() > 50) {
        std::swap(mine[random() % mine.size()], mine.back());
        EXPECT_EQ(mine.back().data()[0], t);
        mine.pop_back();
      }
      if (i % 1000 == 0) empty_cache();
    }
    handed_over[t] = std::move(mine);
  });
  run([&](std::size_t t) {
    auto& theirs = handed_over[(t + 1) % thread_count];
    for (const Block& block : theirs) EXPECT_EQ(block.data()[0], (t + 1) % thread_count);
    theirs.clear();
  });
  const MemoryStats after = memory_stats();
  EXPECT_EQ(after.in_use, before.in_use);
  EXPECT_EQ(after.allocations - before.allocations, thread_count * 3000);
}

// Destroyed after the thread's cache, because it is made before it.
struct FreesLate {
  std::unique_ptr<Block> block;
  ~FreesLate() {
    block.reset();
    Block(100).fill(3);
    Block(2 * mib).fill(3);
  }
};

TEST(Allocator, works_while_a_thread_ends) {
  const std::size_t before = memory_stats().in_use;
  std::thread([] {
    thread_local FreesLate late;
    late.block = std::make_unique<Block>(1000);
  }).join();
  EXPECT_EQ(memory_stats().in_use, before);
}

// Freed after main, when the caches of the main thread are gone: the test is that the program ends well.
FreesLate freed_after_main;

TEST(Allocator, works_while_static_objects_are_destroyed) {
  freed_after_main.block = std::make_unique<Block>(1000);
  EXPECT_EXIT(std::exit(0), testing::ExitedWithCode(0), "");
}

#ifdef MICA_ADDRESS_SANITIZER
TEST(AllocatorDeathTest, address_sanitizer_catches_use_after_free_and_overflow) {
  const auto read = [](const unsigned char* byte) {
    return *static_cast<const volatile unsigned char*>(byte);
  };
  for (const std::size_t size : {std::size_t{64}, std::size_t{100}, 4 * kib, 2 * mib}) {
    const unsigned char* freed = Block(size).data();
    EXPECT_DEATH(read(freed), "use-after-poison") << size;
    if (size < mib) {
      const Block block(size);
      EXPECT_DEATH(read(block.data() + size), "use-after-poison") << size;
    }
  }
}
#endif

}  // namespace
}  // namespace mica
