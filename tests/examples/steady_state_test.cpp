// A training step of the demo, once warm, asks the system for nothing.
#include <examples/fashion_mnist/net.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <mica/core/allocator.h>

namespace {

using namespace mica;

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

TEST(DemoStep, WarmStepsTakeNoPageFaultsAndNoMemoryFromTheSystem) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "sanitizers touch memory of their own";
#endif
#endif
  manual_seed(1);
  demo::Net net;
  optim::AdamW optimizer{net.parameters(), {.lr = 1e-3}};
  optim::CosineAnnealingLR schedule{optimizer, 100};
  const Tensor x = randn({64, 1, 28, 28});
  const Tensor label = randint(0, 10, {64});
  const auto step = [&] {
    const Tensor loss = nn::cross_entropy(net(x), label);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    schedule.step();
  };
  for (int i = 0; i < 5; ++i) step();
  const auto allocations = memory_stats().system_allocations;
  const auto in_use = memory_stats().in_use;
  const long faults = page_faults();
  for (int i = 0; i < 20; ++i) step();
  // One fault in twenty steps may come from the C library or a thread's stack; a step has thousands of pages.
  EXPECT_LE(page_faults() - faults, 1);
  EXPECT_EQ(memory_stats().system_allocations, allocations);
  EXPECT_EQ(memory_stats().in_use, in_use);
}

TEST(DemoNet, IsSmallAndMapsImagesToClasses) {
  demo::Net net;
  EXPECT_LE(net.num_parameters(), 1'500'000);
  EXPECT_EQ(net(randn({2, 1, 28, 28})).sizes(), Shape({2, 10}));
  demo::Net small{.size = 8};
  EXPECT_EQ(small(randn({2, 1, 8, 8})).sizes(), Shape({2, 10}));
}

}  // namespace
