#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/large_blocks.h>
#include <mica/core/system_memory.h>

namespace mica {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// Gives everything back at the end, and fills what it takes.
class Stretch {
 public:
  ~Stretch() { blocks_.release(); }
  Stretch() = default;
  Stretch(const Stretch&) = delete;
  Stretch& operator=(const Stretch&) = delete;

  std::byte* take(std::size_t bytes) {
    void* memory = blocks_.take(bytes);
    if (memory == nullptr) {
      grown_ += blocks_.grow(bytes);
      memory = blocks_.take(bytes);
    }
    unpoison(memory, bytes);
    std::memset(memory, 1, bytes);
    return static_cast<std::byte*>(memory);
  }
  std::size_t put(void* memory) { return blocks_.put(memory); }
  std::size_t release() { return blocks_.release(); }
  std::size_t grown() const { return grown_; }

 private:
  LargeBlocks blocks_;
  std::size_t grown_ = 0;
};

TEST(LargeBlocks, AreWholeMultiplesOf128KiB) {
  EXPECT_EQ(LargeBlocks::size_for(mib), mib);
  EXPECT_EQ(LargeBlocks::size_for(mib + 1), mib + 128 * kib);
  Stretch stretch;
  EXPECT_EQ(stretch.put(stretch.take(mib + 1)), mib + 128 * kib);
}

TEST(LargeBlocks, FollowEachOtherAndGrowInHugePages) {
  Stretch stretch;
  std::byte* a = stretch.take(3 * mib);
  std::byte* b = stretch.take(3 * mib);
  std::byte* c = stretch.take(5 * mib);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % huge_page_size, 0U);
  EXPECT_EQ(b, a + 3 * mib);
  EXPECT_EQ(c, b + 3 * mib);
  EXPECT_EQ(stretch.grown(), 12 * mib);
  for (std::byte* block : {a, b, c}) stretch.put(block);
}

TEST(LargeBlocks, TakeTheLowestFreeBlockThatIsLargeEnough) {
  Stretch stretch;
  std::byte* a = stretch.take(2 * mib);
  std::byte* b = stretch.take(1 * mib);
  std::byte* c = stretch.take(4 * mib);
  std::byte* d = stretch.take(1 * mib);
  stretch.put(a);
  stretch.put(c);
  EXPECT_EQ(stretch.take(3 * mib), c);
  EXPECT_EQ(stretch.take(1 * mib), a);
  EXPECT_EQ(stretch.take(1 * mib), a + mib);
  EXPECT_EQ(stretch.take(1 * mib), c + 3 * mib);
  EXPECT_EQ(stretch.grown(), 8 * mib);
  for (std::byte* block : {a, a + mib, b, c, c + 3 * mib, d}) stretch.put(block);
}

TEST(LargeBlocks, JoinTheirFreeNeighboursInAnyOrder) {
  for (const auto& order : {std::vector<std::size_t>{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}}) {
    Stretch stretch;
    std::vector<std::byte*> blocks;
    blocks.reserve(3);
    for (int i = 0; i < 3; ++i) blocks.push_back(stretch.take(2 * mib));
    for (const std::size_t i : order) stretch.put(blocks[i]);
    std::byte* whole = stretch.take(6 * mib);
    EXPECT_EQ(whole, blocks[0]);
    EXPECT_EQ(stretch.grown(), 6 * mib);
    stretch.put(whole);
  }
}

TEST(LargeBlocks, ReleaseKeepsWhatIsInUse) {
  Stretch stretch;
  std::byte* a = stretch.take(2 * mib);
  std::byte* b = stretch.take(2 * mib);
  stretch.put(a);
  EXPECT_EQ(stretch.release(), 2 * mib);
  EXPECT_EQ(stretch.release(), 0U);
  EXPECT_EQ(b[mib], std::byte{1});
  std::byte* c = stretch.take(2 * mib);
  EXPECT_EQ(c, b + 2 * mib);
  stretch.put(b);
  stretch.put(c);
  EXPECT_EQ(stretch.release(), 4 * mib);
}

// Where something else has taken the memory behind the stretch, another begins.
TEST(LargeBlocks, GoOnElsewhereWhereMemoryIsTaken) {
  Stretch stretch;
  std::byte* a = stretch.take(2 * mib);
  void* other = map_memory_at(a + 2 * mib, 2 * mib);
  ASSERT_EQ(other, a + 2 * mib);
  EXPECT_EQ(map_memory_at(a, 2 * mib), nullptr);
  std::byte* b = stretch.take(2 * mib);
  EXPECT_NE(b, a + 2 * mib);
  EXPECT_EQ(a[0], std::byte{1});
  unmap_memory(other, 2 * mib);
  stretch.put(a);
  stretch.put(b);
}

// A step of training: many sizes that come and go in an order of their own, the same at each step.
TEST(LargeBlocks, HoldHardlyMoreThanIsInUse) {
  Stretch stretch;
  std::minstd_rand random(1);
  std::vector<std::size_t> sizes(40);
  for (std::size_t& size : sizes) size = mib + random() % (16 * mib);
  std::size_t most = 0, after_three = 0;
  for (int step = 0; step < 6; ++step) {
    std::vector<std::byte*> live;
    std::size_t in_use = 0;
    for (const std::size_t size : sizes) {
      live.push_back(stretch.take(size));
      in_use += LargeBlocks::size_for(size);
      most = std::max(most, in_use);
      if (live.size() > 10) {
        in_use -= stretch.put(live[live.size() / 2]);
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(live.size() / 2));
      }
    }
    for (std::byte* block : live) stretch.put(block);
    if (step == 2) after_three = stretch.grown();
  }
  EXPECT_LE(stretch.grown(), most + most / 4);
  EXPECT_EQ(stretch.grown(), after_three);
}

}  // namespace
}  // namespace mica
