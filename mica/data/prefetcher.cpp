#include <algorithm>
#include <utility>

#include <mica/autograd/grad_mode.h>
#include <mica/core/parallel.h>
#include <mica/data/prefetcher.h>

namespace mica::data {

Prefetcher::Prefetcher(std::int64_t count, int workers, std::int64_t ahead,
                       AnyFunction<Example(std::int64_t)> make)
    : count_(count),
      make_(std::move(make)),
      slots_(static_cast<std::size_t>(std::clamp<std::int64_t>(ahead, 1, std::max<std::int64_t>(count, 1)))) {
  // A worker without a slot of its own would only ever wait.
  const auto useful = std::min({std::int64_t{workers}, static_cast<std::int64_t>(slots_.size()), count});
  workers_.reserve(static_cast<std::size_t>(useful));
  for (std::int64_t i = 0; i < useful; ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

Prefetcher::~Prefetcher() {
  // All at once; their destructors would stop and await one after the other.
  for (std::jthread& worker : workers_) worker.request_stop();
}

void Prefetcher::work(const std::stop_token& stop) {
  const SerialGuard serial;
  const NoGrad no_grad;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto has_room = [&] {
      return claimed_ == count_ || claimed_ - delivered_ < static_cast<std::int64_t>(slots_.size());
    };
    if (!room_.wait(lock, stop, has_room) || stop.stop_requested() || claimed_ == count_) return;
    const std::int64_t item = claimed_++;
    lock.unlock();

    Slot made{.ready = true, .result = {}, .failure = {}};
    try {
      made.result = make_(item);
    } catch (...) {
      made.failure = std::current_exception();
    }

    lock.lock();
    slot_of(item) = std::move(made);
    if (item == delivered_) arrival_.notify_one();
  }
}

Example Prefetcher::next() {
  std::unique_lock lock(mutex_);
  Slot& slot = slot_of(delivered_);
  arrival_.wait(lock, [&] { return slot.ready; });
  const Slot taken = std::exchange(slot, {});
  ++delivered_;
  lock.unlock();
  room_.notify_one();
  if (taken.failure) std::rethrow_exception(taken.failure);
  return taken.result;
}

}  // namespace mica::data
