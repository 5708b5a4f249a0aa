// What layers have in common whose weights are computed at each call: parametrize.h, prune.h.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <mica/core/owned.h>
#include <mica/nn/module.h>

namespace mica::nn {

// The name of a member as a template argument: On<"weight", Map>.
template <std::size_t N> struct MemberName {
  std::array<char, N> characters{};
  // NOLINTNEXTLINE(google-explicit-constructor,*-avoid-c-arrays): from a literal
  consteval MemberName(const char (&text)[N]) {
    for (std::size_t i = 0; i < N; ++i) characters[i] = text[i];
  }
  constexpr std::string_view view() const { return {characters.data(), N - 1}; }
};

namespace detail {

// The text that Make::write(put) puts together, kept for the whole program. (std::string is no constant
// expression with the standard library of GCC 12.)
template <class Make>
inline constexpr auto static_text = [] {
  constexpr std::size_t size = [] {
    std::size_t sum = 0;
    Make::write([&](std::string_view part) { sum += part.size(); });
    return sum;
  }();
  std::array<char, size> text{};
  std::size_t end = 0;
  Make::write([&](std::string_view part) { end += part.copy(text.data() + end, part.size()); });
  return text;
}();
template <class Make> constexpr std::string_view static_view() {
  return {static_text<Make>.data(), static_text<Make>.size()};
}

// Position of a member of that name; the number of members if there is none.
template <class Layer> consteval std::size_t field_position(std::string_view name) {
  std::size_t i = 0;
  while (i < reflect::field_count<Layer> && reflect::field_names<Layer>()[i] != name) ++i;
  return i;
}
template <class Layer, std::size_t I>
inline constexpr bool is_parameter_field =
    std::same_as<std::remove_cv_t<reflect::field_type<Layer, I>>, Parameter>;

template <std::size_t I, class Layer> auto& field_at(Layer& layer) {
  return reflect::apply_fields(layer,
                               [](auto&... fields) -> auto& { return std::get<I>(std::tie(fields...)); });
}

// What stands in a layer where a call puts a value: undefined, but not absent, so that a layer prints and
// works as one that has it.
inline Parameter computed_later() { return Parameter::uninitialized({}); }

// One call at a time, since a call changes members for its duration. Moving a layer leaves the lock behind.
class CallLock {
 public:
  CallLock();
  CallLock(CallLock&&) noexcept : CallLock() {}
  CallLock& operator=(CallLock&&) noexcept { return *this; }
  ~CallLock();
  CallLock(const CallLock&) = delete;
  CallLock& operator=(const CallLock&) = delete;
  void lock();
  void unlock();

 private:
  struct Mutex;  // recursive: a forward may come back to its layer. Hidden, as <mutex> is large
  Owned<Mutex> mutex_;
};
class CallGuard {
 public:
  explicit CallGuard(CallLock& lock) : lock_(lock) { lock_.lock(); }
  ~CallGuard() { lock_.unlock(); }
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;

 private:
  CallLock& lock_;
};

// Puts tensors in the places of at most N others, for a scope.
template <std::size_t N> class Exchange {
 public:
  explicit Exchange(CallLock& lock) : guard_(lock) {}
  ~Exchange() {
    while (count_ > 0) {
      --count_;
      std::swap(*places_[count_], others_[count_]);
    }
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  void put(Tensor& place, Tensor tensor) {
    places_[count_] = &place;
    others_[count_] = std::move(tensor);
    std::swap(place, others_[count_]);
    ++count_;
  }

 private:
  CallGuard guard_;
  std::array<Tensor*, N> places_{};
  std::array<Tensor, N> others_;
  std::size_t count_ = 0;
};

}  // namespace detail
}  // namespace mica::nn
