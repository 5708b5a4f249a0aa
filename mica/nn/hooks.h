// Hooks: functions that see, and may replace, what goes into a module and comes out of it.
//
//   auto tap = model.stem.register_forward_hook([](nn::Linear& layer, nn::Arguments& args, Tensor& out) { ...
//   });
//
// The hook lives as long as its handle. It stays with the module when that is moved, and is gone with it.
// Where no hook is alive in the program, a call of a module pays one relaxed atomic load.
//
// Backward hooks see the gradients of a call when a backward pass comes to it:
//
//   auto tap = model.stem.register_full_backward_hook(
//       [](nn::Linear& layer, const nn::Gradients& grad_input, const nn::Gradients& grad_output) { ... });
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/core/any_function.h>
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
  Arguments(const Value* values, std::size_t count) : values_(values, count) {}
  std::size_t size() const { return values_.size(); }
  // Errors: out of range.
  const Value& operator[](std::size_t i) const;
  // Errors: out of range; not a Tensor.
  Tensor& tensor(std::size_t i) const { return (*this)[i].tensor(); }

 private:
  std::span<const Value> values_;
};

// One gradient for each argument of a call, or for each part of its result. Undefined ones stand for zero,
// and for what has no gradient.
using Gradients = std::vector<Tensor>;

struct HookOptions {
  bool prepend = false;  // before the hooks that are there, not after them
  bool always_call =
      false;  // forward hooks: also when forward throws; the result is then default-constructed
};

class HookHandle;

namespace detail {

using PreHook = AnyFunction<void(const ModuleRef&, Arguments&)>;
using ForwardHook = AnyFunction<void(const ModuleRef&, Arguments&, Value&)>;
// They return the gradients to go on with, if others than those they were given.
using BackwardPreHook = AnyFunction<std::optional<Gradients>(const ModuleRef&, const Gradients&)>;
using BackwardHook =
    AnyFunction<std::optional<Gradients>(const ModuleRef&, const Gradients&, const Gradients&)>;

// The prefix is the path of the module in the state, with a dot at the end; "" for the module that was asked.
using StateDictPreHook = AnyFunction<void(const ModuleRef&, std::string_view prefix)>;
using StateDictHook = AnyFunction<void(const ModuleRef&, StateDict&, std::string_view prefix)>;
using LoadHook = AnyFunction<void(const ModuleRef&, LoadReport&)>;

// The hooks of one module, or the global ones.
class HookList;
inline std::atomic<std::int64_t> live_hooks{0};
inline bool hooks_alive() { return live_hooks.load(std::memory_order_relaxed) != 0; }

// Where there is no module, the hook is a global one.
HookHandle add_backward_pre_hook(const ModuleRef* module, BackwardPreHook hook, const HookOptions& options);
HookHandle add_backward_hook(const ModuleRef* module, BackwardHook hook, const HookOptions& options);

// Calls a backward hook, which may return nothing, a Tensor, Gradients, or std::optional of those.
template <class Hook, class... Args> std::optional<Gradients> call_backward_hook(Hook& hook, Args&&... args) {
  using R = std::invoke_result_t<Hook&, Args...>;
  if constexpr (std::is_void_v<R>) {
    hook(std::forward<Args>(args)...);
    return std::nullopt;
  } else if constexpr (std::convertible_to<R, Tensor>) {
    return Gradients{hook(std::forward<Args>(args)...)};
  } else {
    return hook(std::forward<Args>(args)...);
  }
}
template <class Hook> auto backward_hook(Hook hook) {
  return [hook = std::move(hook)](const ModuleRef& module, const auto&... gradients) mutable {
    return call_backward_hook(hook, module, gradients...);
  };
}

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

// Backward hooks (torch.nn.Module.register_full_backward_pre_hook and register_full_backward_hook). A
// pre-hook, hook(module, grad_output), runs when the gradients of a call's result have come; a hook,
// hook(module, grad_input, grad_output), when those of its arguments have been computed. Either may return
// other gradients to go on with: one Tensor, Gradients, or std::optional of them.
//
// grad_input has one entry for each argument of the call, undefined unless that is a Tensor that requires a
// gradient. If none does, the hook runs when the gradients of the result have come, and can change nothing.
// Results are seen if forward returns, by value, a Tensor, a std::tuple, pair or array with Tensors in it, or
// a std::vector<Tensor>. What is seen cannot be changed in place, the arguments inside of the call and the
// result outside. Hooks follow their module; those that are gone by then, alone or with it, are not called.
//
// Errors, at backward: a hook returned another number of gradients, or one of another shape or dtype.
template <std::invocable<const ModuleRef&, const Gradients&> Hook>
HookHandle register_full_backward_pre_hook(const ModuleRef& module, Hook hook,
                                           const HookOptions& options = {}) {
  return detail::add_backward_pre_hook(&module, detail::backward_hook(std::move(hook)), options);
}
template <std::invocable<const ModuleRef&, const Gradients&, const Gradients&> Hook>
HookHandle register_full_backward_hook(const ModuleRef& module, Hook hook, const HookOptions& options = {}) {
  return detail::add_backward_hook(&module, detail::backward_hook(std::move(hook)), options);
}
// For every module in the program, before its own hooks.
template <std::invocable<const ModuleRef&, const Gradients&> Hook>
HookHandle register_module_full_backward_pre_hook(Hook hook, const HookOptions& options = {}) {
  return detail::add_backward_pre_hook(nullptr, detail::backward_hook(std::move(hook)), options);
}
template <std::invocable<const ModuleRef&, const Gradients&, const Gradients&> Hook>
HookHandle register_module_full_backward_hook(Hook hook, const HookOptions& options = {}) {
  return detail::add_backward_hook(nullptr, detail::backward_hook(std::move(hook)), options);
}

// Hooks on the state of a module, alone or inside of a model whose state is asked for or loaded.
// hook(module, prefix) runs before state_dict() reads the model; hook(module, state, prefix) when the state
// is there, for modules inside first, and may change it.
HookHandle register_state_dict_pre_hook(const ModuleRef& module, detail::StateDictPreHook hook,
                                        const HookOptions& options = {});
HookHandle register_state_dict_post_hook(const ModuleRef& module, detail::StateDictHook hook,
                                         const HookOptions& options = {});
// hook(module, state, prefix) runs before load_state_dict() looks at the state, a copy that it may change: to
// rename entries of older files, say. hook(module, report) runs when the numbers are in place, for modules
// inside first; it may take names out of report.missing and report.unexpected, which strict loading then lets
// pass. If a hook or strict loading throws, the model has its own numbers back.
HookHandle register_load_state_dict_pre_hook(const ModuleRef& module, detail::StateDictHook hook,
                                             const HookOptions& options = {});
HookHandle register_load_state_dict_post_hook(const ModuleRef& module, detail::LoadHook hook,
                                              const HookOptions& options = {});

}  // namespace mica::nn
