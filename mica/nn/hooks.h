// Hooks: functions that see, and may replace, what goes into a module and comes out of it.
//
//   auto tap = model.stem.register_forward_hook([](nn::Linear& layer, nn::Arguments& args, Tensor& out) { ...
//   });
//
// The hook lives as long as its handle. It stays with the module when that is moved, and is gone with it.
// Where no hook is alive in the program, a call of a module pays one relaxed atomic load.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <mica/nn/module_ref.h>

namespace mica::nn {

// An argument or a result of any type.
class Value {
 public:
  template <class T>
  explicit Value(T& value)
      : address_(const_cast<std::remove_const_t<T>*>(&value)),
        tag_(&detail::type_tag<std::remove_const_t<T>>) {}
  Value() = default;  // nothing: the result of a forward that returns void or threw
  // Null if it is of another type.
  template <class T> T* get_if() const {
    return tag_ == &detail::type_tag<T> ? static_cast<T*>(address_) : nullptr;
  }
  // Errors: not a Tensor.
  Tensor& tensor() const;

 private:
  void* address_ = nullptr;
  const void* tag_ = nullptr;
};

// What a module was called with. Tensors may be replaced: args.tensor(0) = ...
class Arguments {
 public:
  explicit Arguments(std::span<const Value> values) : values_(values) {}
  std::size_t size() const { return values_.size(); }
  // Errors: out of range.
  const Value& operator[](std::size_t i) const;
  // Errors: out of range; not a Tensor.
  Tensor& tensor(std::size_t i) const { return (*this)[i].tensor(); }

 private:
  std::span<const Value> values_;
};

struct HookOptions {
  bool prepend = false;  // before the hooks that are there, not after them
  bool always_call =
      false;  // forward hooks: also when forward throws; the result is then default-constructed
};

namespace detail {

using PreHook = std::function<void(const ModuleRef&, Arguments&)>;
using ForwardHook = std::function<void(const ModuleRef&, Arguments&, Value&)>;

// The hooks of one module, or the global ones.
class HookList;
inline std::atomic<std::int64_t> live_hooks{0};

}  // namespace detail

// Owns a hook: it is removed when the handle is destroyed. May outlive the module. Safe to use from any
// thread.
class [[nodiscard]] HookHandle {
 public:
  HookHandle() = default;
  HookHandle(std::shared_ptr<detail::HookList> list, std::uint64_t id) : list_(std::move(list)), id_(id) {}
  HookHandle(HookHandle&& other) noexcept : list_(std::exchange(other.list_, nullptr)), id_(other.id_) {}
  HookHandle& operator=(HookHandle&& other) noexcept {
    if (this != &other) {
      remove();
      list_ = std::exchange(other.list_, nullptr);
      id_ = other.id_;
    }
    return *this;
  }
  ~HookHandle() { remove(); }
  // Removes the hook now.
  void remove();
  // Leaves the hook in place as long as the module lives.
  void detach() { list_.reset(); }

 private:
  std::shared_ptr<detail::HookList> list_;
  std::uint64_t id_ = 0;
};

// For a module of any type; nn::Module's members of these names give the hook the module's own type.
HookHandle register_forward_pre_hook(const ModuleRef& module, detail::PreHook hook,
                                     const HookOptions& options = {});
HookHandle register_forward_hook(const ModuleRef& module, detail::ForwardHook hook,
                                 const HookOptions& options = {});
// For every module in the program, before its own hooks.
HookHandle register_module_forward_pre_hook(detail::PreHook hook, const HookOptions& options = {});
HookHandle register_module_forward_hook(detail::ForwardHook hook, const HookOptions& options = {});

namespace detail {

void move_hooks(const Module* from, const Module* to);
void drop_hooks(const Module* module);

inline bool hooks_alive() { return live_hooks.load(std::memory_order_relaxed) != 0; }

// What runs around one call: a snapshot, so that hooks may come and go meanwhile.
class HookedCall {
 public:
  explicit HookedCall(const ModuleRef& module);
  void before(Arguments& args) const;
  // Runs the forward hooks, or after an exception only those that are always called.
  void after(Arguments& args, Value result, bool threw) const;

 private:
  ModuleRef module_;
  std::shared_ptr<const HookList> global_, own_;
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

// What a forward gave, if anything, whatever its type.
template <class R> class ResultOf {
 public:
  template <class Call> void take(Call call) { result_.emplace(call()); }
  Value value() { return Value(*result_); }
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
  Value otherwise() { return {}; }
  R& give() { return *result_; }

 private:
  R* result_ = nullptr;
};
template <> class ResultOf<void> {
 public:
  template <class Call> void take(Call call) { call(); }
  Value value() { return {}; }
  Value otherwise() { return {}; }
  void give() {}
};

// What forward returns; Value where that cannot be told, because forward is a template or overloaded.
template <class M, class R, class... A> std::decay_t<R> result_of(R (M::*)(A...));
template <class M, class R, class... A> std::decay_t<R> result_of(R (M::*)(A...) const);

}  // namespace detail
}  // namespace mica::nn
