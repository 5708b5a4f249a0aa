// Sole ownership of an object.
#pragma once

#include <cstddef>
#include <utility>

namespace mica {

// What std::unique_ptr<T> is, for members whose type is private. std::unique_ptr is built on std::tuple,
// which makes each T as expensive to compile as a small program.
template <class T> class Owned {
 public:
  Owned() = default;
  // Takes over what was made with new.
  explicit Owned(T* object) : object_(object) {}
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    if (this != &other) delete std::exchange(object_, std::exchange(other.object_, nullptr));
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    static_assert(requires { sizeof(T); }, "the class around it has its destructor where T is known");
    delete object_;
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Owned& owner, std::nullptr_t) { return owner.object_ == nullptr; }
  void reset() { delete std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

}  // namespace mica
