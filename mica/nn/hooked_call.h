// What nn::Module's call operator does while hooks are alive.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/nn/hooks.h>

namespace mica::nn::detail {

class HookSet;
class WatchedCall;

// What runs around one call: the hooks of that moment, so that others may come and go meanwhile.
class HookedCall {
 public:
  explicit HookedCall(const ModuleRef& module);
  ~HookedCall();
  HookedCall(const HookedCall&) = delete;
  HookedCall& operator=(const HookedCall&) = delete;
  // Runs the pre-hooks, and lets backward hooks see the arguments' gradients.
  void before(Arguments& args);
  // Runs the forward hooks, or after an exception only those that are always called.
  void after(Arguments& args, Value result, bool threw) const;
  // Lets backward hooks see the gradients of a result; null for parts that are no tensors.
  void watch_result(const std::vector<Tensor*>& parts) const;

 private:
  ModuleRef module_;
  std::shared_ptr<const HookSet> global_, own_;  // null if there are none
  std::shared_ptr<WatchedCall> watched_;         // null if no backward hook wants to know
};

// How a call holds an argument while hooks look at it: by reference, but a tensor as a handle that hooks may
// replace.
template <class Arg> class HeldArgument {
 public:
  explicit HeldArgument(Arg& given) : given_(given) {}
  Value value() const { return Value(given_); }
  template <class Given> Given&& pass() { return static_cast<Given&&>(given_); }
  void finish() {}

 private:
  Arg& given_;
};
template <class Arg>
  requires std::same_as<std::remove_const_t<Arg>, Tensor>
class HeldArgument<Arg> {
 public:
  explicit HeldArgument(Arg& given) : given_(given), held_(given) {}
  Value value() { return Value(held_); }
  // A temporary is passed as another one, so that forward hooks find the argument where it was.
  template <class Given> std::conditional_t<std::is_lvalue_reference_v<Given>, Given, Tensor> pass() {
    passed_ = held_;
    return held_;
  }
  // A forward that takes a Tensor& may have assigned to it.
  void finish() {
    if constexpr (!std::is_const_v<Arg>) {
      if (!held_.is_same(passed_)) given_ = held_;
    }
  }

 private:
  Arg& given_;
  Tensor held_, passed_;
};

// Results whose gradients backward hooks see.
template <class R>
inline constexpr bool has_gradients = std::same_as<R, Tensor> || std::same_as<R, std::vector<Tensor>> ||
                                      requires { std::tuple_size<R>::value; };
// The parts of such a result; null for one that is no tensor.
template <class R> std::vector<Tensor*> tensors_in(R& result) {
  const auto pointer = []<class T>(T& part) -> Tensor* {
    if constexpr (std::same_as<T, Tensor>)
      return &part;
    else
      return nullptr;
  };
  if constexpr (std::same_as<R, Tensor>) {
    return {&result};
  } else if constexpr (std::same_as<R, std::vector<Tensor>>) {
    std::vector<Tensor*> parts;
    parts.reserve(result.size());
    for (Tensor& x : result) parts.push_back(&x);
    return parts;
  } else if constexpr (has_gradients<R>) {
    return std::apply([&](auto&... part) { return std::vector<Tensor*>{pointer(part)...}; }, result);
  } else {
    return {};
  }
}

// What a forward gave, if anything, whatever its type.
template <class R> class ResultOf {
 public:
  template <class Call> void take(Call call) { result_.emplace(call()); }
  Value value() { return Value(*result_); }
  std::vector<Tensor*> parts() { return tensors_in(*result_); }
  // For hooks that are called after an exception.
  Value otherwise() {
    if constexpr (std::default_initializable<R>)
      return Value(result_.emplace());
    else
      return {};
  }
  R give() { return std::move(*result_); }

 private:
  std::optional<R> result_;
};
template <class R> class ResultOf<R&> {
 public:
  template <class Call> void take(Call call) { result_ = &call(); }
  Value value() { return Value(*result_); }
  std::vector<Tensor*> parts() { return {}; }  // it belongs to somebody: it gets no history of this call
  Value otherwise() { return {}; }
  R& give() { return *result_; }

 private:
  R* result_ = nullptr;
};
template <> class ResultOf<void> {
 public:
  template <class Call> void take(Call call) { call(); }
  Value value() { return {}; }
  std::vector<Tensor*> parts() { return {}; }
  Value otherwise() { return {}; }
  void give() {}
};

// What forward returns; Value where that cannot be told, because forward is a template or overloaded.
template <class M, class R, class... A> std::decay_t<R> result_of(R (M::*)(A...));
template <class M, class R, class... A> std::decay_t<R> result_of(R (M::*)(A...) const);

}  // namespace mica::nn::detail
