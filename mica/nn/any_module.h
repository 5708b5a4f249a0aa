// A module of any type behind one.
#pragma once

#include <memory>
#include <utility>

#include <mica/core/owned.h>
#include <mica/nn/module.h>

namespace mica::nn {

// Owns a module. Movable, and copied by clone() of the model around it; its path is that of the member that
// it is.
class AnyModule {
 public:
  template <IsModule M>
    requires(!std::is_lvalue_reference_v<M>)
  AnyModule(M&& module) : self_(new Holder<std::remove_cvref_t<M>>(std::forward<M>(module))) {}

  // Errors: the module's forward takes something else than a tensor, or returns something else.
  Tensor operator()(Tensor x) { return self_->call(std::move(x)); }
  ModuleRef ref() const;
  // The module itself if it is a T, else null.
  template <IsModule T> T* get_if() { return ref().get_if<T>(); }

  // For walks and copies.
  void walk(std::string_view name, Visitor& v);
  AnyModule clone(detail::CloneContext& context) const { return AnyModule(self_->clone(context)); }
  // Moves the module into another of the same type; false if that is of another type.
  bool move_to(const ModuleRef& target);

 private:
  struct Base {
    virtual ~Base() = default;
    virtual Tensor call(Tensor x) = 0;
    virtual ModuleRef ref() = 0;
    virtual void move_to(const ModuleRef& target) = 0;
    virtual Owned<Base> clone(detail::CloneContext& context) const = 0;
  };
  template <class M> struct Holder final : Base {
    explicit Holder(M m) : module(std::move(m)) {}
    Tensor call(Tensor x) override {
      if constexpr (Module::maps_tensor_to_tensor<M>())
        return module(std::move(x));
      else
        throw_not_callable(reflect::type_name<M>());
    }
    ModuleRef ref() override { return ModuleRef(module); }
    void move_to(const ModuleRef& target) override { *target.get_if<M>() = std::move(module); }
    Owned<Base> clone(detail::CloneContext& context) const override {
      return Owned<Base>(new Holder(detail::clone_module(module, context)));
    }
    M module;
  };
  [[noreturn]] static void throw_not_callable(std::string_view type);
  explicit AnyModule(Owned<Base> self) : self_(std::move(self)) {}
  Owned<Base> self_;
};

}  // namespace mica::nn
