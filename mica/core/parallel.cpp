#include <algorithm>
#include <atomic>
#include <exception>

#include <fmt/format.h>
#include <omp.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define MICA_THREAD_SANITIZER 1
#endif
#endif

namespace mica {

namespace {

// ThreadSanitizer does not see how OpenMP's threads wait for each other, as that library is not built with
// it: what happened before publish() is visible after observe() with the same address. Nothing in other
// builds.
#ifdef MICA_THREAD_SANITIZER
void publish(void* address) { __tsan_release(address); }
void observe(void* address) { __tsan_acquire(address); }
#else
void publish(void*) {}
void observe(void*) {}
#endif

std::atomic<int>& thread_count() {
  static std::atomic<int> count{omp_get_max_threads()};
  return count;
}

// What keeps parallel_for from going parallel on this thread.
constinit thread_local bool under_serial_guard = false;
constinit thread_local bool inside_parallel_for = false;

// The first of several exceptions thrown on different threads.
class FirstException {
 public:
  void keep_current() noexcept {
    if (!taken_.test_and_set()) exception_ = std::current_exception();
  }
  // After all threads are done.
  void rethrow_if_any() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::atomic_flag taken_;
  std::exception_ptr exception_;
};

// [begin, end) in `count` contiguous parts whose sizes differ by one at most.
class Partition {
 public:
  Partition(std::int64_t begin, std::int64_t end, std::int64_t count)
      : begin_(begin), size_((end - begin) / count), longer_((end - begin) % count) {}
  std::int64_t first(std::int64_t part) const { return begin_ + part * size_ + std::min(part, longer_); }
  std::int64_t last(std::int64_t part) const { return first(part + 1); }

 private:
  std::int64_t begin_, size_, longer_;
};

void run_in_parallel(const Partition& parts, int count, FunctionRef<void(std::int64_t, std::int64_t)> body) {
  FirstException failure;
  publish(&failure);
#pragma omp parallel num_threads(count)
  {
    observe(&failure);
    // The thread that got here by calling parallel_for is one of these, so the flag is put back.
    inside_parallel_for = true;
    // OpenMP may give fewer threads than asked for: the parts stay the same.
    for (int part = omp_get_thread_num(); part < count; part += omp_get_num_threads()) {
      try {
        body(parts.first(part), parts.last(part));
      } catch (...) {
        failure.keep_current();
      }
    }
    inside_parallel_for = false;
    publish(&failure);
  }
  observe(&failure);
  failure.rethrow_if_any();
}

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int count) {
  if (count < 1) throw Error("set_num_threads", fmt::format("expected at least 1 thread, got {}", count));
  thread_count().store(count, std::memory_order_relaxed);
}

void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  FunctionRef<void(std::int64_t, std::int64_t)> body) {
  if (begin >= end) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t items = end - begin;
  if (items <= grain || inside_parallel_for || under_serial_guard) return body(begin, end);

  const std::int64_t grains = (items - 1) / grain + 1;
  const auto count = static_cast<int>(std::min<std::int64_t>(num_threads(), grains));
  if (count == 1 || omp_in_parallel()) return body(begin, end);
  run_in_parallel(Partition(begin, end, count), count, body);
}

SerialGuard::SerialGuard() : previous_(under_serial_guard) { under_serial_guard = true; }

SerialGuard::~SerialGuard() { under_serial_guard = previous_; }

void sync_openmp_threads() {
  // What this thread last told OpenMP; telling it costs more than comparing.
  constinit thread_local int told = 0;
  // Inside a region OpenMP is serial already, and would forget the setting with the region.
  if (inside_parallel_for || omp_in_parallel()) return;
  const int wanted = under_serial_guard ? 1 : num_threads();
  if (wanted == told) return;
  omp_set_num_threads(wanted);
  told = wanted;
}

}  // namespace mica
