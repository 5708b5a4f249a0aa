// Intrusive reference counting.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace mica {

// A shared owner of a T, which has a member `std::atomic<std::uint32_t> refs` starting at 1 and a static
// `void destroy(T*)` called when the count reaches zero. Counting is thread-safe; one Ref object is not.
template <class T> class Ref {
 public:
  Ref() = default;
  // Takes over the reference that `object` was created with.
  static Ref adopt(T* object) {
    Ref r;
    r.object_ = object;
    return r;
  }
  // Adds a reference.
  static Ref share(T* object) {
    if (object != nullptr) object->refs.fetch_add(1, std::memory_order_relaxed);
    return adopt(object);
  }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { reset(); }

  void reset() {
    T* object = std::exchange(object_, nullptr);
    if (object != nullptr && object->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) T::destroy(object);
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // True when this is the only reference.
  bool unique() const { return object_ != nullptr && object_->refs.load(std::memory_order_acquire) == 1; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace mica
