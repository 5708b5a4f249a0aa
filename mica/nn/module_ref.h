// Any module, seen without its type.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/nn/filter.h>
#include <mica/nn/state.h>
#include <mica/tensor/state_dict.h>
#include <mica/tensor/tensor.h>

namespace mica::nn {

struct Module;
class AnyModule;
class Arguments;
class Buffer;
class Parameter;
class Value;
class Visitor;

template <class T>
concept IsModule = std::derived_from<std::remove_cvref_t<T>, Module>;

namespace detail {
template <class T> inline constexpr char type_tag = 0;
template <class T> std::string describe(const void* module);
template <class T> void walk_contents(void* module, Visitor& v);
struct ExtraState {
  Tensor (*get)(const void* module);
  void (*set)(void* module, const Tensor& state);
};
// Null for types without.
template <class T> constexpr const ExtraState* extra_state();
using FlopsFunction = std::int64_t (*)(const void* module, const Arguments& args, const Value& result);
template <class T> constexpr FlopsFunction flops_function();
struct Evolution {
  int version = 1;
  StateDict (*migrate)(const StateDict& state, int version) = nullptr;
};
// What a ModuleRef knows of a type; null where the type has no such thing.
struct ModuleType {
  std::string_view name = {};
  // The name, of types that tell it themselves.
  std::string_view (*printed_type)(const void* module) = nullptr;
  const void* tag = nullptr;
  std::string (*describe)(const void* module) = nullptr;  // null for containers
  void (*walk)(void* module, Visitor& v) = nullptr;
  const ExtraState* extra = nullptr;
  FlopsFunction flops = nullptr;
  Evolution evolution = {};
};
// Not inline: for the layers in module_types.h it is compiled once, with all that it refers to.
template <class T> const ModuleType& module_type();
}  // namespace detail

using NamedTensor = std::pair<std::string, Tensor>;

// Which members a traversal reports.
struct Traversal {
  std::string prefix = {};       // put before each path
  bool recurse = true;           // also those of the modules inside
  bool remove_duplicate = true;  // a tied parameter once, under its first name
  Filter where = {};
};

// A module of any type, or a std container of modules ("ModuleList", "ModuleDict"). Does not own it: valid
// until the module is moved or destroyed. All that nn::Module offers and needs no type is here; nn::Module's
// members forward to it.
class ModuleRef {
 public:
  template <IsModule T> ModuleRef(T& module);
  template <class Container> static ModuleRef to_container(Container& container);

  std::string_view type() const;
  // The module itself if it is a T, else null.
  template <IsModule T> T* get_if() const {
    return about_->tag == &detail::type_tag<std::remove_const_t<T>> ? static_cast<T*>(address_) : nullptr;
  }
  bool is_container() const { return about_->describe == nullptr; }
  const void* address() const { return address_; }
  // The module as its base class, which tells it from every other; null for containers.
  const Module* base() const { return base_; }
  const void* type_tag() const { return about_->tag; }
  // The same module after it was moved to where its base class now is.
  ModuleRef moved_to(const Module* base) const;
  // "in_features=4, out_features=5, bias=True"; empty for containers.
  std::string describe() const;
  // Shows every member, and those of the modules inside, to a visitor.
  void walk(Visitor& v) const;
  // The same inside of a walk, as a member of that name.
  void walk_as(std::string_view name, Visitor& v) const;

  std::vector<Tensor> parameters(const Traversal& which = {}) const;
  std::vector<NamedTensor> named_parameters(const Traversal& which = {}) const;
  std::vector<Tensor> buffers(const Traversal& which = {}) const;
  std::vector<NamedTensor> named_buffers(const Traversal& which = {}) const;
  std::vector<ModuleRef> children() const;
  std::vector<std::pair<std::string, ModuleRef>> named_children() const;
  std::vector<ModuleRef> modules() const;
  std::vector<std::pair<std::string, ModuleRef>> named_modules(std::string_view prefix = "") const;
  std::int64_t num_parameters(bool trainable_only = false) const;

  ModuleRef get_submodule(std::string_view path) const;
  Tensor get_parameter(std::string_view path) const;
  Tensor get_buffer(std::string_view path) const;
  void set_submodule(std::string_view path, AnyModule module) const;

  // State that is no parameter or buffer, which a module saves by having
  //   Tensor get_extra_state() const;  void set_extra_state(const Tensor& state);
  // It is "_extra_state" in state dicts.
  bool has_extra_state() const { return about_->extra != nullptr; }
  Tensor get_extra_state() const;
  void set_extra_state(const Tensor& state) const;

  // The floating-point operations of a call, a multiplication with an addition counting as two, of a module
  // that knows them by having
  //   std::int64_t flops(const nn::Arguments& args, const nn::Value& result) const;
  bool has_flops() const { return about_->flops != nullptr; }
  std::int64_t flops(const Arguments& args, const Value& result) const;
  // The version of what the module saves: a module whose names or shapes changed since declares
  //   static constexpr int version = 2;
  //   static StateDict migrate(const StateDict& state, int version);
  // Loading a file of an older version calls migrate with the entries of the module and those inside, under
  // names that start there, and loads what it returns. Version 0: the file does not say (PyTorch's).
  int version() const { return about_->evolution.version; }
  bool migrates() const { return about_->evolution.migrate != nullptr; }
  StateDict migrate(const StateDict& state, int version) const;

  void apply(const AnyFunction<void(ModuleRef)>& fn) const;
  void train(bool on = true) const;
  void requires_grad_(bool on = true, const Filter& where = {}) const;
  void to(DType dtype) const;
  void zero_grad(bool set_to_none = true) const;
  StateDict state_dict(const Filter& where = {}) const;
  LoadReport load_state_dict(const StateDict& state, const LoadOptions& options = {}) const;
  std::string to_string() const;

 private:
  friend AnyModule;
  ModuleRef(const detail::ModuleType& about, void* address, const Module* base)
      : address_(address), base_(base), about_(&about) {}

  void* address_;
  const Module* base_;
  const detail::ModuleType* about_;
  AnyModule* slot_ = nullptr;  // what owns the module, if that may own one of another type
};

}  // namespace mica::nn
