// A callable of any type, owned.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace mica {

template <class Signature> class AnyFunction;

namespace detail {
[[noreturn]] void throw_empty_function();
}

// What std::function is, which it replaces in the public headers: <functional> brings hash tables, string
// searchers and algorithms into every program. Pointers to members are not taken.
template <class R, class... Args> class AnyFunction<R(Args...)> {
 public:
  AnyFunction() = default;
  AnyFunction(std::nullptr_t) {}
  // Of a null pointer or an empty wrapper: empty.
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, AnyFunction> &&
             !std::is_member_pointer_v<std::decay_t<F>> &&
             std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
  AnyFunction(F&& f) {
    using Held = std::decay_t<F>;
    if constexpr (std::is_pointer_v<Held> || requires { f.operator bool(); }) {
      if (!f) return;
    }
    object_ = new Held(std::forward<F>(f));
    operations_ = &operations_of<Held>;
  }
  AnyFunction(const AnyFunction& other)
      : object_(other.object_ != nullptr ? other.operations_->copy(other.object_) : nullptr),
        operations_(other.operations_) {}
  AnyFunction(AnyFunction&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)), operations_(other.operations_) {}
  AnyFunction& operator=(AnyFunction other) noexcept {
    std::swap(object_, other.object_);
    std::swap(operations_, other.operations_);
    return *this;
  }
  ~AnyFunction() {
    if (object_ != nullptr) operations_->destroy(object_);
  }

  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const AnyFunction& f, std::nullptr_t) { return f.object_ == nullptr; }
  // Errors: empty.
  R operator()(Args... args) const {
    if (object_ == nullptr) [[unlikely]]
      detail::throw_empty_function();
    return operations_->call(object_, std::forward<Args>(args)...);
  }

 private:
  struct Operations {
    R (*call)(void* object, Args&&... args);
    void* (*copy)(const void* object);
    void (*destroy)(void* object);
  };
  template <class Held>
  static constexpr Operations operations_of = {
      [](void* object, Args&&... args) -> R {
        Held& f = *static_cast<Held*>(object);
        if constexpr (std::is_void_v<R>)
          static_cast<void>(f(std::forward<Args>(args)...));
        else
          return f(std::forward<Args>(args)...);
      },
      [](const void* object) -> void* { return new Held(*static_cast<const Held*>(object)); },
      [](void* object) { delete static_cast<Held*>(object); }};

  void* object_ = nullptr;
  const Operations* operations_ = nullptr;
};

}  // namespace mica
