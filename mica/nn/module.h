// nn::Module: the base of everything with parameters. A model is a plain struct:
//
//   struct Net : nn::Module {
//     int hidden = 128;
//     nn::Linear fc1{784, hidden};
//     nn::Linear fc2{hidden, 10};
//     Tensor forward(Tensor x) { return fc2(relu(fc1(x.flatten(1)))); }
//   };
//   Net net{.hidden = 256};
//   Tensor y = net(x);
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/autograd/forward_scope.h>
#include <mica/core/any_function.h>
#include <mica/core/error.h>
#include <mica/nn/clone.h>
#include <mica/nn/followed_module.h>
#include <mica/nn/hooked_call.h>
#include <mica/nn/hooks.h>
#include <mica/nn/parameter.h>
#include <mica/nn/state.h>
#include <mica/nn/walk.h>
#include <mica/tensor/state_dict.h>
#include <mica/tensor/tensor.h>

namespace mica::nn {

namespace detail {
// Adds the module that the error is leaving to the path in its message.
void trace(Error& error, const ModuleRef& module);
// The path from a module to the one at `address`, of the type with that tag; "" if it is no member.
std::string path_between(const ModuleRef& module, const void* address, const void* type);
template <class M> std::string member_path(const void* module, const void* address, const void* type) {
  return path_between(ModuleRef(*static_cast<M*>(const_cast<void*>(module))), address, type);
}
}  // namespace detail

// An empty base class: no data, no virtual functions, so that a subclass stays an aggregate whose members
// reflection can read. A module holds exactly what it declares. Members register by their type: modules,
// Parameter, Buffer, Mode, and std containers of them; anything else is plain data. A class with constructors
// or private members lists its members with NN_MEMBERS(a, b, c), all of them if it is to be cloned.
// Move-only: clone() copies.
struct Module {
  using reflect_base = Module;
  Module() = default;
  // Hooks go where the module goes, and end with it.
  Module(Module&& other) noexcept {
    if (detail::modules_followed()) detail::follow_move(&other, this);
  }
  Module& operator=(Module&& other) noexcept {
    if (detail::modules_followed()) detail::follow_move(&other, this);
    return *this;
  }
  ~Module() {
    if (detail::modules_followed()) detail::follow_end(this);
  }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Calls forward(args...), which may be private if nn::Module is a friend. An Error thrown inside learns the
  // path of the module that threw.
  template <class Self, class... Args> decltype(auto) operator()(this Self& self, Args&&... args) {
    const autograd::ForwardScope scope(
        reflect::type_name<Self>(),
        {&self, &detail::type_tag<std::remove_const_t<Self>>, &detail::member_path<Self>});
    try {
      if (detail::hooks_alive()) [[unlikely]]
        return call_with_hooks(self, std::forward<Args>(args)...);
      return self.forward(std::forward<Args>(args)...);
    } catch (Error& error) {
      detail::trace(error, ModuleRef(self));
      throw;
    }
  }

  // hook(module, args) runs before forward and may replace tensors: args.tensor(0) = ...
  // (register_forward_pre_hook).
  template <class Self, class Hook>
    requires std::invocable<Hook&, Self&, Arguments&>
  HookHandle register_forward_pre_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    return nn::register_forward_pre_hook(
        ModuleRef(self),
        [hook = std::move(hook)](const ModuleRef& m, Arguments& args) mutable {
          hook(*m.get_if<Self>(), args);
        },
        options);
  }
  // hook(module, args, result) runs after forward and may replace the result (register_forward_hook). The
  // result has the type that forward returns, or is a Value if forward is a template or overloaded.
  template <class Self, class Hook>
  HookHandle register_forward_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    using Result = result_type<Self>;
    static_assert(std::invocable<Hook&, Self&, Arguments&, Result&>,
                  "a forward hook is called as hook(module, nn::Arguments& args, result), with what forward "
                  "returns as the "
                  "result (nn::Value& if forward is a template or overloaded)");
    return nn::register_forward_hook(
        ModuleRef(self),
        [hook = std::move(hook)](const ModuleRef& m, Arguments& args, Value& result) mutable {
          if constexpr (std::same_as<Result, Value>)
            hook(*m.get_if<Self>(), args, result);
          else
            hook(*m.get_if<Self>(), args, *result.template get_if<Result>());
        },
        options);
  }

  // hook(module, grad_output) runs in a backward pass that has the gradients of a call's result; hook(module,
  // grad_input, grad_output) once those of its arguments are there. Both see nn::Gradients and may return
  // others. What they see and when: <mica/nn/hooks.h>.
  template <class Self, class Hook>
  HookHandle register_full_backward_pre_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    static_assert(std::invocable<Hook&, Self&, const Gradients&>,
                  "a backward pre-hook is called as hook(module, const nn::Gradients& grad_output)");
    check_result_type<Self>();
    return nn::register_full_backward_pre_hook(
        ModuleRef(self),
        [hook = std::move(hook)](const ModuleRef& m, const Gradients& grad_output) mutable {
          return detail::call_backward_hook(hook, *m.get_if<Self>(), grad_output);
        },
        options);
  }
  template <class Self, class Hook>
  HookHandle register_full_backward_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    static_assert(std::invocable<Hook&, Self&, const Gradients&, const Gradients&>,
                  "a backward hook is called as hook(module, const nn::Gradients& grad_input, const "
                  "nn::Gradients& grad_output)");
    check_result_type<Self>();
    return nn::register_full_backward_hook(
        ModuleRef(self),
        [hook = std::move(hook)](const ModuleRef& m, const Gradients& grad_input,
                                 const Gradients& grad_output) mutable {
          return detail::call_backward_hook(hook, *m.get_if<Self>(), grad_input, grad_output);
        },
        options);
  }

  // Around state_dict(): hook(module, prefix) before, hook(module, state, prefix) after. Around
  // load_state_dict(): hook(module, state, prefix) before, hook(module, report) after. See <mica/nn/hooks.h>.
  template <class Self, std::invocable<Self&, std::string_view> Hook>
  HookHandle register_state_dict_pre_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    return nn::register_state_dict_pre_hook(ModuleRef(self), with_type<Self>(std::move(hook)), options);
  }
  template <class Self, std::invocable<Self&, StateDict&, std::string_view> Hook>
  HookHandle register_state_dict_post_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    return nn::register_state_dict_post_hook(ModuleRef(self), with_type<Self>(std::move(hook)), options);
  }
  template <class Self, std::invocable<Self&, StateDict&, std::string_view> Hook>
  HookHandle register_load_state_dict_pre_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    return nn::register_load_state_dict_pre_hook(ModuleRef(self), with_type<Self>(std::move(hook)), options);
  }
  template <class Self, std::invocable<Self&, LoadReport&> Hook>
  HookHandle register_load_state_dict_post_hook(this Self& self, Hook hook, const HookOptions& options = {}) {
    return nn::register_load_state_dict_post_hook(ModuleRef(self), with_type<Self>(std::move(hook)), options);
  }

  // All parameters in order of declaration, depth first; a tied one once. `which` narrows them down, as a
  // filter does: parameters(nn::matching("*bias")).
  std::vector<Tensor> parameters(this const auto& self, const Traversal& which = {}) {
    return ModuleRef(self).parameters(which);
  }
  std::vector<Tensor> parameters(this const auto& self, const Filter& where) {
    return ModuleRef(self).parameters({.where = where});
  }
  // With their dotted paths, PyTorch's; a tied one under its first name.
  std::vector<NamedTensor> named_parameters(this const auto& self, const Traversal& which = {}) {
    return ModuleRef(self).named_parameters(which);
  }
  std::vector<NamedTensor> named_parameters(this const auto& self, const Filter& where) {
    return ModuleRef(self).named_parameters({.where = where});
  }
  std::vector<Tensor> buffers(this const auto& self, const Traversal& which = {}) {
    return ModuleRef(self).buffers(which);
  }
  std::vector<NamedTensor> named_buffers(this const auto& self, const Traversal& which = {}) {
    return ModuleRef(self).named_buffers(which);
  }
  // The modules that are members, in order of declaration.
  std::vector<ModuleRef> children(this const auto& self) { return ModuleRef(self).children(); }
  std::vector<std::pair<std::string, ModuleRef>> named_children(this const auto& self) {
    return ModuleRef(self).named_children();
  }
  // This module ("") and all inside, parents first.
  std::vector<ModuleRef> modules(this const auto& self) { return ModuleRef(self).modules(); }
  std::vector<std::pair<std::string, ModuleRef>> named_modules(this const auto& self,
                                                               std::string_view prefix = "") {
    return ModuleRef(self).named_modules(prefix);
  }
  // Number of elements of all parameters; a tied one counts once.
  std::int64_t num_parameters(this const auto& self, bool trainable_only = false) {
    return ModuleRef(self).num_parameters(trainable_only);
  }

  // What a dotted path names; "" is this module. Errors: there is nothing of that kind; the closest path is
  // suggested.
  ModuleRef get_submodule(this const auto& self, std::string_view path) {
    return ModuleRef(self).get_submodule(path);
  }
  Tensor get_parameter(this const auto& self, std::string_view path) {
    return ModuleRef(self).get_parameter(path);
  }
  Tensor get_buffer(this const auto& self, std::string_view path) { return ModuleRef(self).get_buffer(path); }
  // Puts a module in the place of another: of the same type where that is a member, of any type in a
  // Sequential or AnyModule. Errors: no such module; another type.
  void set_submodule(this auto& self, std::string_view path, auto&& module) {
    ModuleRef(self).set_submodule(path, std::forward<decltype(module)>(module));
  }

  // Calls fn(ModuleRef) for every module inside and then for this one, children first:
  //   model.apply([](nn::ModuleRef m) { if (auto* fc = m.get_if<nn::Linear>()) nn::init::zeros_(fc->bias);
  //   });
  auto& apply(this auto& self, const AnyFunction<void(ModuleRef)>& fn) {
    ModuleRef(self).apply(fn);
    return self;
  }

  // Sets every Mode inside. Returns the module, as the next three do.
  auto& train(this auto& self, bool on = true) {
    ModuleRef(self).train(on);
    return self;
  }
  auto& eval(this auto& self) { return self.train(false); }
  // Freezes (false) or unfreezes every parameter, or those that the filter takes.
  auto& requires_grad_(this auto& self, bool on = true, const Filter& where = {}) {
    ModuleRef(self).requires_grad_(on, where);
    return self;
  }
  // Converts floating-point parameters, their gradients and buffers in place; integers stay.
  // Parameters keep their identity, so optimizers and ties keep working. Errors: not a floating-point dtype.
  auto& to(this auto& self, DType dtype) {
    ModuleRef(self).to(dtype);
    return self;
  }
  // Forgets the gradients of all parameters, or sets them to zero.
  void zero_grad(this const auto& self, bool set_to_none = true) { ModuleRef(self).zero_grad(set_to_none); }

  // Parameters and persistent buffers by path, sharing the module's memory; a tied parameter under each of
  // its names.
  StateDict state_dict(this const auto& self, const Filter& where = {}) {
    return ModuleRef(self).state_dict(where);
  }
  // Copies tensors into the parameters and buffers of the same names. Nothing changes if it throws.
  // Errors: shapes that differ; with options.strict also missing and unexpected names. All offenders at once.
  LoadReport load_state_dict(this auto& self, const StateDict& state, const LoadOptions& options = {}) {
    return ModuleRef(self).load_state_dict(state, options);
  }

  // A deep copy that shares nothing with the original; what was tied is tied in the copy. Gradients are not
  // copied.
  template <class Self> Self clone(this const Self& self) {
    detail::CloneContext context;
    return detail::clone_module(self, context);
  }

  // Whether model(x) takes a Tensor and gives one.
  template <class M> static consteval bool maps_tensor_to_tensor() {
    return requires(M& m, Tensor x) {
      { m.forward(std::move(x)) } -> std::convertible_to<Tensor>;
    };
  }

  // PyTorch's print(model).
  std::string to_string(this const auto& self) { return ModuleRef(self).to_string(); }

 private:
  template <class M> static consteval auto result_type_of() {
    if constexpr (requires { detail::result_of(&M::forward); }) {
      using R = decltype(detail::result_of(&M::forward));
      return std::type_identity<std::conditional_t<std::is_void_v<R>, Value, R>>();
    } else {
      return std::type_identity<Value>();
    }
  }
  template <class M> using result_type = decltype(result_type_of<M>())::type;
  template <class M> static consteval void check_result_type() {
    static_assert(
        std::same_as<result_type<M>, Value> || detail::has_gradients<result_type<M>>,
        "backward hooks see the gradients of a result that is a Tensor, a std::tuple, pair or array "
        "of them, or a std::vector<Tensor>; this forward returns something else");
  }

  // The hook for a module whose type is not told.
  template <class Self, class Hook> static auto with_type(Hook hook) {
    return [hook = std::move(hook)](const ModuleRef& m, auto&&... rest) mutable {
      hook(*m.get_if<Self>(), rest...);
    };
  }

  // Cold: the optimiser leaves it small, and out of the call operators.
  template <class Self, class... Args>
  [[gnu::cold, gnu::noinline]] static auto call_with_hooks(Self& self, Args&&... args)
      -> decltype(self.forward(std::forward<Args>(args)...)) {
    using Result = decltype(self.forward(std::forward<Args>(args)...));
    return call_held<Result, Args...>(self, detail::HeldArgument<std::remove_reference_t<Args>>(args)...);
  }
  template <class Result, class... Args, class Self, class... Held>
  static Result call_held(Self& self, Held&&... held) {
    detail::HookedCall hooks{ModuleRef(self)};
    const std::array<Value, sizeof...(Held)> values{held.value()...};
    Arguments arguments(values.data(), values.size());
    hooks.before(arguments);
    detail::ResultOf<Result> result;
    try {
      result.take([&]() -> Result { return self.forward(held.template pass<Args>()...); });
    } catch (...) {
      hooks.after(arguments, result.otherwise(), true);
      throw;
    }
    (held.finish(), ...);
    hooks.after(arguments, result.value(), false);
    hooks.watch_result(result.parts());
    return result.give();
  }

  template <class T> friend T detail::make_empty();
  template <class T> static T make_empty() {
    static_assert(
        requires { T(); },
        "clone(): a class with NN_MEMBERS is copied member by member into an empty one: give it a default "
        "constructor (private, with `friend mica::nn::Module`, is fine) and list all its members");
    return T();
  }
};

// Calls fn(path, a, b) for every parameter and buffer of two models of the same structure, with gradients
// off: target networks, averages of weights. Errors: members that differ in path or shape; nothing is called
// then.
//   nn::zip(target, online, [](std::string_view, Tensor& t, const Tensor& o) { t.lerp_(o, 0.005); });
void zip(ModuleRef a, ModuleRef b, const AnyFunction<void(std::string_view, Tensor&, const Tensor&)>& fn);

template <class T> T detail::make_empty() { return Module::make_empty<T>(); }

std::ostream& print(std::ostream& out, const std::string& text);
template <IsModule T> std::ostream& operator<<(std::ostream& out, const T& module) {
  return print(out, module.to_string());
}

// Shows every member of a module, and of the modules inside, to a visitor.
template <IsModule T> void walk(T& module, Visitor& visitor) { ModuleRef(module).walk(visitor); }

// n modules made one by one, each with its own initialisation: std::vector<Block> blocks = nn::repeat(6, [] {
// return Block{}; }). A std::vector of n copies does not compile, since modules are not copied.
template <class Make> auto repeat(std::int64_t n, Make make) {
  std::vector<std::invoke_result_t<Make&>> out;
  out.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) out.push_back(make());
  return out;
}

}  // namespace mica::nn
