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

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/autograd/forward_scope.h>
#include <mica/core/error.h>
#include <mica/nn/clone.h>
#include <mica/nn/parameter.h>
#include <mica/nn/state.h>
#include <mica/nn/walk.h>
#include <mica/tensor/state_dict.h>
#include <mica/tensor/tensor.h>

namespace mica::nn {

using NamedTensor = std::pair<std::string, Tensor>;

namespace detail {
// A module with its walk, for the functions compiled once.
class ModuleView {
 public:
  template <class T>
  explicit ModuleView(T& module)
      : info_(info_of(module)), walk_([](void* m, Visitor& v) { walk_members(*static_cast<T*>(m), v); }) {}
  // Visitors take members by reference; those of const functions change nothing.
  template <class T> explicit ModuleView(const T& module) : ModuleView(const_cast<T&>(module)) {}

  const ModuleInfo& info() const { return info_; }
  void walk(Visitor& v) const { walk_(info_.address, v); }

 private:
  ModuleInfo info_;
  void (*walk_)(void*, Visitor&);
};

std::vector<Tensor> parameters(const ModuleView& module);
std::vector<NamedTensor> named_parameters(const ModuleView& module);
std::vector<Tensor> buffers(const ModuleView& module);
std::vector<NamedTensor> named_buffers(const ModuleView& module);
std::vector<std::pair<std::string, ModuleInfo>> named_modules(const ModuleView& module);
void set_training(const ModuleView& module, bool on);
void set_requires_grad(const ModuleView& module, bool on);
void zero_grad(const ModuleView& module, bool set_to_none);
void convert(const ModuleView& module, DType dtype);
std::int64_t num_parameters(const ModuleView& module, bool trainable_only);
std::string to_string(const ModuleView& module);
// Adds the module that the error is leaving to the path in its message.
void trace(Error& error, const ModuleView& module);
}  // namespace detail

// An empty base class: no data, no virtual functions, so that a subclass stays an aggregate whose members
// reflection can read. A module holds exactly what it declares. Members register by their type: modules,
// Parameter, Buffer, Mode, and std containers of them; anything else is plain data. A class with constructors
// or private members lists its members with NN_MEMBERS(a, b, c), all of them if it is to be cloned.
// Move-only: clone() copies.
struct Module {
  using reflect_base = Module;
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Calls forward(args...), which may be private if nn::Module is a friend. An Error thrown inside learns the
  // path of the module that threw.
  template <class Self, class... Args> decltype(auto) operator()(this Self& self, Args&&... args) {
    const autograd::ForwardScope scope(reflect::type_name<Self>());
    try {
      return self.forward(std::forward<Args>(args)...);
    } catch (Error& error) {
      detail::trace(error, detail::ModuleView(self));
      throw;
    }
  }

  // All parameters in order of declaration, depth first; a tied one once.
  std::vector<Tensor> parameters(this const auto& self) {
    return detail::parameters(detail::ModuleView(self));
  }
  // With their dotted paths, PyTorch's; a tied one under its first name.
  std::vector<NamedTensor> named_parameters(this const auto& self) {
    return detail::named_parameters(detail::ModuleView(self));
  }
  std::vector<Tensor> buffers(this const auto& self) { return detail::buffers(detail::ModuleView(self)); }
  std::vector<NamedTensor> named_buffers(this const auto& self) {
    return detail::named_buffers(detail::ModuleView(self));
  }
  // This module ("") and all inside, parents first.
  std::vector<std::pair<std::string, ModuleInfo>> named_modules(this const auto& self) {
    return detail::named_modules(detail::ModuleView(self));
  }
  // Number of elements of all parameters; a tied one counts once.
  std::int64_t num_parameters(this const auto& self, bool trainable_only = false) {
    return detail::num_parameters(detail::ModuleView(self), trainable_only);
  }

  // Sets every Mode inside. Returns the module, as the next three do.
  auto& train(this auto& self, bool on = true) {
    detail::set_training(detail::ModuleView(self), on);
    return self;
  }
  auto& eval(this auto& self) { return self.train(false); }
  // Freezes (false) or unfreezes every parameter.
  auto& requires_grad_(this auto& self, bool on = true) {
    detail::set_requires_grad(detail::ModuleView(self), on);
    return self;
  }
  // Converts floating-point parameters, their gradients and buffers in place; integers stay.
  // Parameters keep their identity, so optimizers and ties keep working. Errors: not a floating-point dtype.
  auto& to(this auto& self, DType dtype) {
    detail::convert(detail::ModuleView(self), dtype);
    return self;
  }
  // Forgets the gradients of all parameters, or sets them to zero.
  void zero_grad(this const auto& self, bool set_to_none = true) {
    detail::zero_grad(detail::ModuleView(self), set_to_none);
  }

  // Parameters and persistent buffers by path, sharing the module's memory; a tied parameter under each of
  // its names.
  StateDict state_dict(this const auto& self) { return detail::state_dict(detail::ModuleView(self)); }
  // Copies tensors into the parameters and buffers of the same names. Nothing changes if it throws.
  // Errors: shapes that differ; with options.strict also missing and unexpected names. All offenders at once.
  LoadReport load_state_dict(this auto& self, const StateDict& state, const LoadOptions& options = {}) {
    return detail::load_state_dict(detail::ModuleView(self), state, options);
  }

  // A deep copy that shares nothing with the original; what was tied is tied in the copy. Gradients are not
  // copied.
  template <class Self> Self clone(this const Self& self) {
    detail::CloneContext context;
    return detail::clone_module(self, context);
  }

  // PyTorch's print(model).
  std::string to_string(this const auto& self) { return detail::to_string(detail::ModuleView(self)); }

 private:
  template <class T> friend T detail::make_empty();
  template <class T> static T make_empty() {
    static_assert(
        requires { T(); },
        "clone(): a class with NN_MEMBERS is copied member by member into an empty one: give it a default "
        "constructor (private, with `friend mica::nn::Module`, is fine) and list all its members");
    return T();
  }
};

template <class T> T detail::make_empty() { return Module::make_empty<T>(); }

std::ostream& print(std::ostream& out, const std::string& text);
template <IsModule T> std::ostream& operator<<(std::ostream& out, const T& module) {
  return print(out, module.to_string());
}

// Shows every member of a module, and of the modules inside, to a visitor.
template <IsModule T> void walk(T& module, Visitor& visitor) { detail::walk_members(module, visitor); }

// n modules made one by one, each with its own initialisation: std::vector<Block> blocks = nn::repeat(6, [] {
// return Block{}; }). A std::vector of n copies does not compile, since modules are not copied.
template <class Make> auto repeat(std::int64_t n, Make make) {
  std::vector<std::invoke_result_t<Make&>> out;
  out.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) out.push_back(make());
  return out;
}

}  // namespace mica::nn
