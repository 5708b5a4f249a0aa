// DataLoader: a dataset in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include <mica/core/any_function.h>
#include <mica/core/owned.h>
#include <mica/core/random.h>
#include <mica/data/dataset.h>

namespace mica::data {

struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;    // another order in every epoch, given by seed and epoch alone
  std::uint64_t seed = 0;  // of the order and of `augment`
  bool drop_last = false;  // leave out a last batch that is not full
  int workers = 0;         // threads that prepare batches; 0: the caller prepares each when it asks for it
  int prefetch = 2;        // batches that each worker prepares ahead
  // Changes each example at random, with a generator of its own that depends on seed, epoch and the example's
  // number alone. It is called from several threads at once. Examples are then stacked one by one.
  AnyFunction<Example(Example, Generator&)> augment{};
};

// Batches of a dataset, for `for (auto [x, target] : loader)` (torch.utils.data.DataLoader). Each range-for
// is one epoch. The batches and their order are the same for any number of workers.
//
// An exception thrown while a batch is made arrives in the loop where that batch would have come. A loop may
// be left at any time: its end waits for the examples that workers are reading at that moment.
//
// To resume training where it stopped, use the same options and dataset, and call set_epoch().
class DataLoader {
 public:
  class Iterator;

  // Errors: batch_size < 1, workers < 0, prefetch < 1.
  explicit DataLoader(AnyDataset dataset, DataLoaderOptions options = {});

  // Batches in an epoch.
  std::int64_t size() const;
  const Dataset& dataset() const { return *dataset_; }
  const DataLoaderOptions& options() const { return options_; }

  // The epoch that the next begin() runs; 0 at first.
  std::int64_t epoch() const { return epoch_; }
  // Makes the next begin() run this epoch, from batch `first_batch` on. Errors: a negative epoch; a batch
  // that is neither in the epoch nor its end.
  void set_epoch(std::int64_t epoch, std::int64_t first_batch = 0);

  // Starts an epoch, its workers and its first batch, and moves epoch() on. The iterator is good without the
  // loader, and beside other iterators.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  AnyDataset dataset_;
  DataLoaderOptions options_;
  std::int64_t epoch_ = 0;
  std::int64_t first_batch_ = 0;  // of the next epoch only
};

// One run through the batches; it moves, and cannot be copied.
class DataLoader::Iterator {
 public:
  using value_type = Example;
  using difference_type = std::ptrdiff_t;

  Iterator(Iterator&&) noexcept;
  Iterator& operator=(Iterator&&) noexcept;
  ~Iterator();

  const Example& operator*() const { return batch_; }
  const Example* operator->() const { return &batch_; }
  // The next batch. After an exception there is none: the epoch is over.
  Iterator& operator++();
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& it, std::default_sentinel_t) { return !it.epoch_; }

 private:
  friend class DataLoader;
  class Epoch;
  explicit Iterator(Owned<Epoch> epoch);

  Owned<Epoch> epoch_;  // null at the end
  Example batch_;
};

}  // namespace mica::data
