// Batches computed ahead of their use, on threads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/data/dataset.h>

namespace mica::data {

// Calls make(0) ... make(count - 1) on worker threads and hands the results out in that order, with no more
// than `ahead` of them waiting or in the making. Operations inside make() run serially and record nothing.
class Prefetcher {
 public:
  // Errors: the system gives no thread.
  Prefetcher(std::int64_t count, int workers, std::int64_t ahead, AnyFunction<Example(std::int64_t)> make);
  // Drops what nobody took, and waits for calls of make() that are under way.
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // The next result, waiting for it if need be; called `count` times at most. Throws what its make() threw.
  Example next();

 private:
  struct Slot {
    bool ready = false;
    Example result;
    std::exception_ptr failure;
  };

  void work(const std::stop_token& stop);
  Slot& slot_of(std::int64_t item) { return slots_[static_cast<std::size_t>(item) % slots_.size()]; }

  const std::int64_t count_;
  const AnyFunction<Example(std::int64_t)> make_;

  std::mutex mutex_;                  // guards all below but the threads
  std::condition_variable_any room_;  // any: it also wakes up for a stop request
  std::condition_variable arrival_;
  std::vector<Slot> slots_;     // item i waits in slot i % size
  std::int64_t claimed_ = 0;    // items that workers have begun or finished
  std::int64_t delivered_ = 0;  // items that next() has taken

  std::vector<std::jthread> workers_;  // last: stopped and joined before anything they use goes away
};

}  // namespace mica::data
