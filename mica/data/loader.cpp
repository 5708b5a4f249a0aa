#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/data/loader.h>
#include <mica/data/prefetcher.h>

namespace mica::data {

namespace {

// Scatters neighbouring numbers over all 64 bits (the finaliser of SplitMix64; Steele et al. 2014).
std::uint64_t scramble(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return scramble(scramble(a) ^ b); }

std::int64_t batch_count(std::int64_t examples, const DataLoaderOptions& options) {
  const std::int64_t full = examples / options.batch_size;
  const bool rest = examples % options.batch_size != 0;
  return rest && !options.drop_last ? full + 1 : full;
}

}  // namespace

// What one run through the batches needs, apart from the loader that began it.
class DataLoader::Iterator::Epoch {
 public:
  Epoch(AnyDataset dataset, const DataLoaderOptions& options, std::int64_t number, std::int64_t first_batch)
      : dataset_(std::move(dataset)),
        options_(options),
        seed_(mix(options.seed, static_cast<std::uint64_t>(number))),
        order_(static_cast<std::size_t>(dataset_->size())),
        batches_(batch_count(static_cast<std::int64_t>(order_.size()), options)),
        next_(first_batch) {
    std::iota(order_.begin(), order_.end(), 0);
    if (options_.shuffle) {
      Generator generator(seed_);
      fill_randperm(order_, generator);
    }
    if (options_.workers > 0) {
      prefetcher_.emplace(batches_ - first_batch, options_.workers,
                          std::int64_t{options_.workers} * options_.prefetch,
                          [this, first_batch](std::int64_t i) { return make(first_batch + i); });
    }
  }

  bool done() const { return next_ == batches_; }

  Example next() {
    const std::int64_t batch = next_++;
    if (prefetcher_) return prefetcher_->next();
    const NoGrad no_grad;
    return make(batch);
  }

 private:
  // Called from several threads at once.
  Example make(std::int64_t batch) const {
    const std::span<const std::int64_t> order(order_);
    const auto first = static_cast<std::size_t>(batch * options_.batch_size);
    const auto indices =
        order.subspan(first, std::min(static_cast<std::size_t>(options_.batch_size), order.size() - first));
    if (!options_.augment) return dataset_->batch(indices);
    Generator generator;
    return stacked(indices, [&](std::int64_t index) {
      generator.manual_seed(mix(seed_, static_cast<std::uint64_t>(index)));
      return options_.augment(dataset_->get(index), generator);
    });
  }

  const AnyDataset dataset_;
  const DataLoaderOptions options_;
  const std::uint64_t seed_;
  std::vector<std::int64_t> order_;
  const std::int64_t batches_;
  std::int64_t next_;
  std::optional<Prefetcher> prefetcher_;  // last: its threads use the rest
};

DataLoader::DataLoader(AnyDataset dataset, DataLoaderOptions options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  const auto check = [](const char* name, std::int64_t value, std::int64_t least) {
    if (value < least)
      throw Error("DataLoader", fmt::format("{} is {}, expected at least {}", name, value, least));
  };
  check("batch_size", options_.batch_size, 1);
  check("workers", options_.workers, 0);
  check("prefetch", options_.prefetch, 1);
}

std::int64_t DataLoader::size() const { return batch_count(dataset_->size(), options_); }

void DataLoader::set_epoch(std::int64_t epoch, std::int64_t first_batch) {
  if (epoch < 0) throw Error("DataLoader", fmt::format("epoch {} is negative", epoch));
  if (first_batch < 0 || first_batch > size()) {
    throw Error("DataLoader", fmt::format("batch {} is not among the {} of an epoch", first_batch, size()));
  }
  epoch_ = epoch;
  first_batch_ = first_batch;
}

DataLoader::Iterator DataLoader::begin() {
  return Iterator(Owned(new Iterator::Epoch(dataset_, options_, epoch_++, std::exchange(first_batch_, 0))));
}

DataLoader::Iterator::Iterator(Owned<Epoch> epoch) : epoch_(std::move(epoch)) { ++*this; }
DataLoader::Iterator::Iterator(Iterator&&) noexcept = default;
DataLoader::Iterator& DataLoader::Iterator::operator=(Iterator&&) noexcept = default;
DataLoader::Iterator::~Iterator() = default;

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  batch_ = {};  // before the next one is made, which can then have its memory
  if (epoch_->done()) {
    epoch_.reset();
    return *this;
  }
  try {
    batch_ = epoch_->next();
  } catch (...) {
    epoch_.reset();
    throw;
  }
  return *this;
}

}  // namespace mica::data
