#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/data/loader.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::data {
namespace {

using Batches = std::vector<std::vector<std::int64_t>>;

static_assert(std::input_iterator<DataLoader::Iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, DataLoader::Iterator>);
static_assert(!std::copyable<DataLoader::Iterator>);

// Example i is the number i.
TensorDataset numbers(std::int64_t size) { return TensorDataset(arange(0, size, 1, i64)); }

// The same one by one, with a hook that sees each index first.
class Watched : public Dataset {
 public:
  Watched(std::int64_t size, std::function<void(std::int64_t)> hook) : size_(size), hook_(std::move(hook)) {}
  std::int64_t size() const override { return size_; }
  Example get(std::int64_t index) const override {
    hook_(index);
    return {tensor(index), {}};
  }

 private:
  std::int64_t size_;
  std::function<void(std::int64_t)> hook_;
};

Batches one_epoch(DataLoader& loader) {
  Batches batches;
  for (const auto& [x, target] : loader) batches.push_back(x.to_vector<std::int64_t>());
  return batches;
}

std::vector<std::int64_t> joined(const Batches& batches) {
  std::vector<std::int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

std::vector<std::int64_t> sorted(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

TEST(DataLoader, yields_batches_in_order_and_the_rest_last) {
  DataLoader loader{numbers(7), {.batch_size = 3}};
  EXPECT_EQ(loader.size(), 3);
  EXPECT_EQ(one_epoch(loader), (Batches{{0, 1, 2}, {3, 4, 5}, {6}}));
}

TEST(DataLoader, drop_last_leaves_out_the_rest) {
  DataLoader rest{numbers(7), {.batch_size = 3, .drop_last = true}};
  EXPECT_EQ(rest.size(), 2);
  EXPECT_EQ(one_epoch(rest), (Batches{{0, 1, 2}, {3, 4, 5}}));
  DataLoader even{numbers(6), {.batch_size = 3, .drop_last = true}};
  EXPECT_EQ(one_epoch(even), (Batches{{0, 1, 2}, {3, 4, 5}}));
}

TEST(DataLoader, takes_batches_larger_than_the_dataset) {
  DataLoader loader{numbers(2), {.batch_size = INT64_MAX, .workers = 2}};
  EXPECT_EQ(one_epoch(loader), (Batches{{0, 1}}));
  DataLoader dropped{numbers(2), {.batch_size = 3, .drop_last = true, .workers = 2}};
  EXPECT_EQ(dropped.size(), 0);
  EXPECT_EQ(one_epoch(dropped), Batches{});
}

TEST(DataLoader, an_empty_dataset_has_no_batches) {
  for (const int workers : {0, 2}) {
    DataLoader loader{numbers(0), {.batch_size = 3, .shuffle = true, .workers = workers}};
    EXPECT_EQ(loader.size(), 0);
    EXPECT_EQ(one_epoch(loader), Batches{});
    EXPECT_TRUE(loader.begin() == loader.end());
  }
}

TEST(DataLoader, batches_are_the_same_for_any_number_of_workers) {
  for (const bool drop_last : {false, true}) {
    std::optional<std::vector<Batches>> expected;
    for (const int workers : {0, 1, 2, 3, 4}) {
      for (const int prefetch : {1, 2, 5}) {
        DataLoader loader{numbers(103),
                          {.batch_size = 4,
                           .shuffle = true,
                           .seed = 5,
                           .drop_last = drop_last,
                           .workers = workers,
                           .prefetch = prefetch}};
        std::vector<Batches> epochs;
        for (int epoch = 0; epoch < 3; ++epoch) epochs.push_back(one_epoch(loader));
        if (!expected) expected = epochs;
        EXPECT_EQ(epochs, *expected) << workers << " workers, prefetch " << prefetch;
      }
    }
  }
}

TEST(DataLoader, workers_that_take_uneven_time_keep_the_order) {
  const Watched dataset(60, [](std::int64_t i) {
    if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  DataLoader loader{dataset, {.batch_size = 2, .workers = 4, .prefetch = 3}};
  std::vector<std::int64_t> expected(60);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(joined(one_epoch(loader)), expected);
}

TEST(DataLoader, a_shuffled_epoch_has_every_example_once) {
  DataLoader loader{numbers(100), {.batch_size = 8, .shuffle = true, .seed = 1}};
  std::vector<std::int64_t> in_order(100);
  std::iota(in_order.begin(), in_order.end(), 0);
  const auto first = joined(one_epoch(loader)), second = joined(one_epoch(loader));
  EXPECT_NE(first, in_order);
  EXPECT_NE(first, second);
  EXPECT_EQ(sorted(first), in_order);
  EXPECT_EQ(sorted(second), in_order);
}

TEST(DataLoader, the_order_depends_on_seed_and_epoch_alone) {
  const DataLoaderOptions options{.batch_size = 8, .shuffle = true, .seed = 1};
  DataLoader a{numbers(100), options}, b{numbers(100), options};
  manual_seed(1);
  const auto epoch_0 = joined(one_epoch(a));
  manual_seed(2);
  EXPECT_EQ(joined(one_epoch(b)), epoch_0);
  const auto epoch_1 = joined(one_epoch(a));
  // Neither swapping seed and epoch nor adding them up leads to an order seen before.
  DataLoader other{numbers(100), {.batch_size = 8, .shuffle = true, .seed = 0}};
  other.set_epoch(1);
  const auto swapped = joined(one_epoch(other));
  EXPECT_NE(swapped, epoch_0);
  EXPECT_NE(swapped, epoch_1);
  // The size of batches does not matter to it.
  DataLoader single{numbers(100), {.batch_size = 1, .shuffle = true, .seed = 1}};
  EXPECT_EQ(joined(one_epoch(single)), epoch_0);
}

TEST(DataLoader, counts_epochs_and_resumes_at_any) {
  DataLoader loader{numbers(20), {.batch_size = 3, .shuffle = true, .seed = 9}};
  std::vector<Batches> epochs;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    EXPECT_EQ(loader.epoch(), epoch);
    epochs.push_back(one_epoch(loader));
  }
  loader.set_epoch(2);
  EXPECT_EQ(one_epoch(loader), epochs[2]);
  EXPECT_EQ(one_epoch(loader), epochs[3]);
  EXPECT_EQ(loader.epoch(), 4);
  EXPECT_THROW(loader.set_epoch(-1), Error);
}

TEST(DataLoader, resumes_in_the_middle_of_an_epoch) {
  for (const int workers : {0, 2}) {
    DataLoader loader{numbers(20), {.batch_size = 3, .shuffle = true, .seed = 9, .workers = workers}};
    const Batches whole = one_epoch(loader), next = one_epoch(loader);
    loader.set_epoch(0, 4);
    EXPECT_EQ(one_epoch(loader), Batches(whole.begin() + 4, whole.end()));
    EXPECT_EQ(one_epoch(loader), next);
    loader.set_epoch(0, 7);
    EXPECT_EQ(one_epoch(loader), Batches{});
    EXPECT_THROW(loader.set_epoch(0, 8), Error);
    EXPECT_THROW(loader.set_epoch(0, -1), Error);
  }
}

TEST(DataLoader, iterators_are_independent_of_each_other_and_outlive_the_loader) {
  std::optional<DataLoader> loader(std::in_place, numbers(6),
                                   DataLoaderOptions{.batch_size = 2, .workers = 2});
  auto a = loader->begin(), b = loader->begin();
  ++a;
  loader.reset();
  EXPECT_EQ(a->data.to_vector<std::int64_t>(), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(b->data.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1}));
  ++a;
  auto moved = std::move(a);
  EXPECT_EQ((*moved).data.to_vector<std::int64_t>(), (std::vector<std::int64_t>{4, 5}));
  ++moved;
  EXPECT_TRUE(moved == std::default_sentinel);
}

TEST(DataLoader, a_loop_can_be_left_at_any_batch) {
  for (const int workers : {0, 1, 3}) {
    for (int stop = 0; stop < 6; ++stop) {
      DataLoader loader{numbers(50), {.batch_size = 2, .workers = workers}};
      int seen = 0;
      for (auto [x, target] : loader) {
        if (seen++ == stop) break;
      }
      EXPECT_EQ(seen, stop + 1);
      EXPECT_EQ(one_epoch(loader).size(), 25U);
    }
  }
}

TEST(DataLoader, workers_stay_within_their_bound) {
  std::atomic<std::int64_t> read = 0;
  const Watched dataset(1000, [&](std::int64_t) { ++read; });
  DataLoader loader{dataset, {.batch_size = 1, .workers = 2, .prefetch = 3}};
  std::int64_t taken = 0;
  for (auto it = loader.begin(); it != loader.end() && taken < 20; ++it) {
    ++taken;
    EXPECT_LE(read, taken + 2 * 3);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    EXPECT_LE(read, taken + 2 * 3);
  }
  EXPECT_LE(read, 21 + 2 * 3);
}

TEST(DataLoader, workers_run_ahead_of_the_loop) {
  std::atomic<std::int64_t> read = 0;
  const Watched dataset(100, [&](std::int64_t) { ++read; });
  DataLoader loader{dataset, {.batch_size = 1, .workers = 2, .prefetch = 2}};
  const auto it = loader.begin();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (read < 5 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(read, 5);  // the one that `it` holds, and four to come
}

TEST(DataLoader, an_exception_comes_where_its_batch_would_have_come_and_names_the_example) {
  for (const int workers : {0, 1, 4}) {
    const Watched dataset(40, [](std::int64_t i) {
      if (i == 17) throw std::runtime_error("unreadable");
    });
    DataLoader loader{dataset, {.batch_size = 4, .workers = workers}};
    std::size_t batches = 0;
    try {
      for (auto [x, target] : loader) ++batches;
      FAIL() << "no exception with " << workers << " workers";
    } catch (const Error& e) {
      EXPECT_EQ(e.message(), "example 17: unreadable");
      EXPECT_THROW(std::rethrow_if_nested(e), std::runtime_error);
    }
    EXPECT_EQ(batches, 4U) << workers << " workers";
  }
}

TEST(DataLoader, after_an_exception_the_epoch_is_over_and_the_next_can_begin) {
  for (const int workers : {0, 2}) {
    std::atomic<bool> broken = true;
    const Watched dataset(6, [&](std::int64_t i) {
      if (i == 2 && broken) throw std::runtime_error("once");
    });
    DataLoader loader{dataset, {.batch_size = 2, .workers = workers}};
    auto it = loader.begin();
    EXPECT_THROW(++it, Error);
    EXPECT_TRUE(it == loader.end());
    broken = false;
    EXPECT_EQ(one_epoch(loader), (Batches{{0, 1}, {2, 3}, {4, 5}}));
  }
}

TEST(DataLoader, an_exception_in_the_first_batch_comes_from_begin) {
  for (const int workers : {0, 2}) {
    DataLoader loader{Watched(9, [](std::int64_t) { throw std::runtime_error("none"); }),
                      {.workers = workers}};
    EXPECT_THROW(loader.begin(), Error);
  }
}

TEST(DataLoader, preparing_batches_records_no_gradients_and_opens_no_parallel_region) {
  for (const int workers : {0, 2}) {
    std::atomic<int> recorded = 0, split = 0;
    const Watched dataset(8, [&](std::int64_t) {
      if (autograd::grad_enabled()) ++recorded;
      parallel_for(0, 100, 1, [&](std::int64_t first, std::int64_t last) {
        if (last - first < 100) ++split;
      });
    });
    DataLoader loader{dataset, {.batch_size = 2, .workers = workers}};
    for (auto [x, target] : loader) EXPECT_TRUE(autograd::grad_enabled());
    EXPECT_EQ(recorded, 0) << workers << " workers";
    if (workers > 0) EXPECT_EQ(split, 0);
  }
}

// Adds a random number to every example.
Example noisy(Example e, Generator& generator) {
  e.data = e.data.to(f64) + generator.uniform_double();
  return e;
}

std::vector<std::vector<double>> noisy_epoch(DataLoader& loader) {
  std::vector<std::vector<double>> batches;
  for (auto [x, target] : loader) batches.push_back(x.to_vector<double>());
  return batches;
}

TEST(DataLoader, augmentation_is_random_but_the_same_for_any_number_of_workers) {
  std::vector<std::vector<double>> first, second;
  for (const int workers : {0, 1, 3}) {
    DataLoader loader{numbers(30),
                      {.batch_size = 4, .shuffle = true, .seed = 2, .workers = workers, .augment = noisy}};
    const auto a = noisy_epoch(loader), b = noisy_epoch(loader);
    if (workers == 0) first = a, second = b;
    EXPECT_EQ(a, first) << workers << " workers";
    EXPECT_EQ(b, second) << workers << " workers";
  }
  EXPECT_NE(first, second);
}

TEST(DataLoader, an_example_is_augmented_alike_wherever_it_stands_but_anew_in_each_epoch) {
  DataLoader shuffled{numbers(30), {.batch_size = 30, .shuffle = true, .seed = 2, .augment = noisy}};
  DataLoader in_order{numbers(30), {.batch_size = 30, .seed = 2, .augment = noisy}};
  auto a = noisy_epoch(shuffled)[0], b = noisy_epoch(in_order)[0];
  EXPECT_NE(a, b);
  std::sort(a.begin(), a.end());
  EXPECT_EQ(a, b);
  const auto c = noisy_epoch(in_order)[0];
  std::size_t equal_draws = 0;
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(std::floor(b[i]), static_cast<double>(i));
    if (b[i] == c[i]) ++equal_draws;
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(b[i] - std::floor(b[i]), b[j] - std::floor(b[j]));
  }
  EXPECT_EQ(equal_draws, 0U);
}

TEST(DataLoader, batches_carry_targets_along) {
  const TensorDataset dataset(arange(0, 50, 1, i64), arange(0, 100, 2, i64));
  DataLoader loader{dataset, {.batch_size = 8, .shuffle = true, .workers = 2}};
  std::int64_t seen = 0;
  for (auto [x, target] : loader) {
    EXPECT_TRUE(equal(x * 2, target));
    seen += x.size(0);
  }
  EXPECT_EQ(seen, 50);
}

TEST(DataLoader, rejects_options_that_mean_nothing) {
  EXPECT_THROW(DataLoader(numbers(3), {.batch_size = 0}), Error);
  EXPECT_THROW(DataLoader(numbers(3), {.batch_size = -4}), Error);
  EXPECT_THROW(DataLoader(numbers(3), {.workers = -1}), Error);
  EXPECT_THROW(DataLoader(numbers(3), {.prefetch = 0}), Error);
}

}  // namespace
}  // namespace mica::data
