// Temporary memory of a kernel, from the caching allocator.
#pragma once

#include <cstddef>
#include <cstdint>

#include <mica/core/allocator.h>

namespace mica::kernels {

// `count` elements of T, aligned to 64 bytes, uninitialised; given back at the end of the scope.
template <class T> class Scratch {
 public:
  explicit Scratch(std::int64_t count)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(allocate(bytes_))) {}
  ~Scratch() { deallocate(static_cast<void*>(data_), bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return data_; }

 private:
  std::size_t bytes_;
  T* data_;
};

}  // namespace mica::kernels
