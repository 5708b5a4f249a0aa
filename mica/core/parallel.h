// Threads: one OpenMP pool shared with oneDNN.
#pragma once

#include <cstdint>

#include <mica/core/function_ref.h>

namespace mica {

// Threads that operations use; at first OpenMP's default (OMP_NUM_THREADS, or one per core).
int num_threads();

// Errors: count < 1.
void set_num_threads(int count);

// Calls body(first, last) over disjoint ranges that cover [begin, end), in parallel when there are more than
// `grain` items, and serially when called from inside a parallel region. The split depends only on the range,
// the grain and num_threads(). The first exception thrown by `body` is rethrown here.
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  FunctionRef<void(std::int64_t, std::int64_t)> body);

// Makes operations called from the current thread run serially for its lifetime (data loader workers).
class SerialGuard {
 public:
  SerialGuard();
  ~SerialGuard();
  SerialGuard(const SerialGuard&) = delete;
  SerialGuard& operator=(const SerialGuard&) = delete;

 private:
  bool previous_;
};

// Brings OpenMP's setting of the calling thread in line with num_threads(), for libraries that read it
// (oneDNN).
void sync_openmp_threads();

}  // namespace mica
