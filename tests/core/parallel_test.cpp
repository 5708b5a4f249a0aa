#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>

namespace mica {
namespace {

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

// The ranges parallel_for calls its body with, sorted.
Ranges split(std::int64_t begin, std::int64_t end, std::int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  parallel_for(begin, end, grain, [&](std::int64_t first, std::int64_t last) {
    const std::lock_guard lock(mutex);
    ranges.emplace_back(first, last);
  });
  std::ranges::sort(ranges);
  return ranges;
}

// Four threads for the test, whatever the machine has.
class Parallel : public testing::Test {
 protected:
  void SetUp() override { set_num_threads(4); }
  void TearDown() override { set_num_threads(previous_); }

 private:
  int previous_ = num_threads();
};

TEST_F(Parallel, ranges_cover_everything_once_in_near_equal_parts) {
  for (const int threads : {1, 2, 3, 4, 7}) {
    set_num_threads(threads);
    for (const std::int64_t begin : {-5, 0, 100}) {
      for (const std::int64_t items : {1, 2, 3, 10, 99, 1000}) {
        for (const std::int64_t grain : {1, 2, 7, 64, 1000}) {
          const Ranges ranges = split(begin, begin + items, grain);
          const std::int64_t most = std::min<std::int64_t>(threads, (items + grain - 1) / grain);
          ASSERT_EQ(std::ssize(ranges), most);
          std::int64_t at = begin;
          for (const auto& [first, last] : ranges) {
            ASSERT_EQ(first, at);
            ASSERT_GE(last - first, items / most);
            ASSERT_LE(last - first, items / most + 1);
            at = last;
          }
          ASSERT_EQ(at, begin + items);
        }
      }
    }
  }
}

TEST_F(Parallel, the_split_is_the_same_every_time) {
  const Ranges once = split(0, 1001, 10);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(split(0, 1001, 10), once);
}

TEST_F(Parallel, an_empty_range_calls_nothing) {
  EXPECT_TRUE(split(0, 0, 1).empty());
  EXPECT_TRUE(split(5, 3, 1).empty());
}

TEST_F(Parallel, a_grain_below_one_counts_as_one) {
  EXPECT_EQ(split(0, 3, 0).size(), 3U);
  EXPECT_EQ(split(0, 3, -7).size(), 3U);
}

TEST_F(Parallel, runs_on_several_threads_and_small_ranges_on_the_caller) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  const auto note = [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  };
  parallel_for(0, 4, 1, note);
  EXPECT_EQ(ids.size(), 4U);
  ids.clear();
  parallel_for(0, 100, 100, note);
  EXPECT_EQ(ids, std::set{std::this_thread::get_id()});
}

TEST_F(Parallel, nested_calls_are_serial) {
  std::atomic<int> calls = 0;
  parallel_for(0, 4, 1, [&](std::int64_t, std::int64_t) {
    const Ranges inner = split(0, 1000, 1);
    EXPECT_EQ(inner, (Ranges{{0, 1000}}));
    ++calls;
  });
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(split(0, 1000, 1).size(), 4U) << "and the next one is parallel again";
}

TEST_F(Parallel, calls_inside_a_foreign_openmp_region_are_serial) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer does not see the waiting in regions that are not parallel_for's";
#endif
#endif
  std::atomic<int> serial = 0;
#pragma omp parallel num_threads(2)
  {
    if (split(0, 1000, 1).size() == 1) ++serial;
  }
  EXPECT_EQ(serial, 2);
}

TEST_F(Parallel, an_exception_reaches_the_caller_and_leaves_the_pool_usable) {
  for (int round = 0; round < 20; ++round) {
    try {
      parallel_for(0, 4, 1, [](std::int64_t first, std::int64_t) {
        if (first >= 2) throw std::runtime_error("part " + std::to_string(first));
      });
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(error.what() == std::string("part 2") || error.what() == std::string("part 3"));
    }
    EXPECT_EQ(split(0, 1000, 1).size(), 4U);
  }
  EXPECT_THROW(parallel_for(0, 1, 1, [](std::int64_t, std::int64_t) { throw std::logic_error(""); }),
               std::logic_error);
}

TEST_F(Parallel, several_threads_may_go_parallel_at_once) {
  std::atomic<std::int64_t> sum = 0;
  {
    std::vector<std::jthread> callers;
    for (int t = 0; t < 3; ++t) {
      callers.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          parallel_for(0, 100, 1, [&](std::int64_t first, std::int64_t last) { sum += last - first; });
        }
      });
    }
  }
  EXPECT_EQ(sum, 3 * 50 * 100);
}

TEST_F(Parallel, results_written_in_the_region_are_visible_after_it) {
  std::vector<std::int64_t> squares(10000);
  parallel_for(0, 10000, 16, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) squares[static_cast<std::size_t>(i)] = i * i;
  });
  for (std::int64_t i = 0; i < 10000; ++i) ASSERT_EQ(squares[static_cast<std::size_t>(i)], i * i);
}

TEST_F(Parallel, a_serial_guard_holds_for_its_thread_and_lifetime_only) {
  {
    const SerialGuard outer;
    {
      const SerialGuard inner;
      EXPECT_EQ(split(0, 1000, 1).size(), 1U);
    }
    EXPECT_EQ(split(0, 1000, 1).size(), 1U) << "the outer guard still holds";
    std::thread([] { EXPECT_EQ(split(0, 1000, 1).size(), 4U); }).join();
  }
  EXPECT_EQ(split(0, 1000, 1).size(), 4U);
}

TEST_F(Parallel, the_number_of_threads_is_at_least_one) {
  EXPECT_GE(num_threads(), 1);
  EXPECT_THROW(set_num_threads(0), Error);
  EXPECT_THROW(set_num_threads(-3), Error);
  EXPECT_EQ(num_threads(), 4);
}

TEST_F(Parallel, sync_tells_openmp_on_every_thread) {
  set_num_threads(3);
  sync_openmp_threads();
  EXPECT_EQ(omp_get_max_threads(), 3);
  {
    const SerialGuard serial;
    sync_openmp_threads();
    EXPECT_EQ(omp_get_max_threads(), 1);
    std::thread([] {
      sync_openmp_threads();
      EXPECT_EQ(omp_get_max_threads(), 3);
    }).join();
  }
  sync_openmp_threads();
  EXPECT_EQ(omp_get_max_threads(), 3);
  parallel_for(0, 3, 1, [](std::int64_t, std::int64_t) { sync_openmp_threads(); });
  set_num_threads(2);
  sync_openmp_threads();
  EXPECT_EQ(omp_get_max_threads(), 2);
}

}  // namespace
}  // namespace mica
