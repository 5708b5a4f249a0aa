// Modules of any type behind one, and chains of them.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <mica/nn/module.h>

namespace mica::nn {

// Owns a module of any type that maps a Tensor to a Tensor.
class AnyModule {
 public:
  template <IsModule M>
    requires(!std::is_lvalue_reference_v<M>)
  AnyModule(M&& module) : self_(std::make_unique<Holder<std::remove_cvref_t<M>>>(std::forward<M>(module))) {}

  Tensor operator()(Tensor x) { return self_->call(std::move(x)); }
  const ModuleInfo info() const { return self_->info(); }
  // The module itself if it is a T, else null.
  template <IsModule T> T* get_if() {
    return info().type_tag == &detail::type_tag<T> ? &static_cast<Holder<T>&>(*self_).module : nullptr;
  }
  void walk(std::string_view name, Visitor& v) { self_->walk(name, v); }
  AnyModule clone(detail::CloneContext& context) const { return AnyModule(self_->clone(context)); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual Tensor call(Tensor x) = 0;
    virtual void walk(std::string_view name, Visitor& v) = 0;
    virtual ModuleInfo info() = 0;
    virtual std::unique_ptr<Base> clone(detail::CloneContext& context) const = 0;
  };
  template <class M> struct Holder final : Base {
    explicit Holder(M m) : module(std::move(m)) {}
    Tensor call(Tensor x) override { return module(std::move(x)); }
    void walk(std::string_view name, Visitor& v) override { detail::walk_module(name, module, v); }
    ModuleInfo info() override { return detail::info_of(module); }
    std::unique_ptr<Base> clone(detail::CloneContext& context) const override {
      return std::make_unique<Holder>(detail::clone_module(module, context));
    }
    M module;
  };
  explicit AnyModule(std::unique_ptr<Base> self) : self_(std::move(self)) {}
  std::unique_ptr<Base> self_;
};

// A chain of modules, each called with the result of the one before (torch.nn.Sequential); an empty one
// returns its input. Paths: "0.weight", "2.bias"...
//   nn::Sequential net{nn::Linear{8, 4}, nn::ReLU{}, nn::Linear{4, 2}};
class Sequential : public Module {
 public:
  Sequential() = default;
  template <IsModule... M>
    requires(sizeof...(M) > 0 && (!std::is_lvalue_reference_v<M> && ...) &&
             !(sizeof...(M) == 1 && (std::same_as<std::remove_cvref_t<M>, Sequential> && ...)))
  explicit Sequential(M&&... modules) {
    stages_.reserve(sizeof...(M));
    (stages_.emplace_back(std::forward<M>(modules)), ...);
  }

  std::size_t size() const { return stages_.size(); }
  // Errors: out of range.
  AnyModule& operator[](std::size_t i);
  template <IsModule M> void push_back(M module) { stages_.emplace_back(std::move(module)); }
  auto begin() { return stages_.begin(); }
  auto end() { return stages_.end(); }

  NN_MEMBERS(stages_)
  using names_stages_by_index = void;
  std::string extra_repr() const { return {}; }

 private:
  friend Module;
  Tensor forward(Tensor x);
  std::vector<AnyModule> stages_;
};

}  // namespace mica::nn
