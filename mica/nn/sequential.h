// Chains of modules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <mica/nn/any_module.h>

namespace mica::nn {

// Some stages of a Sequential, which owns them: valid until it gets others. Calling it calls them in turn.
class Stages {
 public:
  Tensor operator()(Tensor x) const;
  std::size_t size() const { return stages_.size(); }
  // for (nn::AnyModule& stage : stages)
  class Iterator {
   public:
    explicit Iterator(AnyModule* const* place) : place_(place) {}
    AnyModule& operator*() const { return **place_; }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    AnyModule* const* place_;
  };
  Iterator begin() const { return Iterator(stages_.data()); }
  Iterator end() const { return Iterator(stages_.data() + stages_.size()); }

 private:
  friend class Sequential;
  std::vector<AnyModule*> stages_;
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
  // Stage i, from the end if negative. Errors: out of range.
  AnyModule& operator[](std::int64_t i);
  // The stages that a Python slice names, which stay in this module: net[Slice{0, -1}](x) is what the last
  // one gets. Errors: the step is not positive.
  Stages operator[](const Slice& which);
  auto begin() { return stages_.begin(); }
  auto end() { return stages_.end(); }

  void push_back(AnyModule module) { stages_.push_back(std::move(module)); }
  // Before stage i, from the end if negative; size() is the end. Errors: out of range.
  void insert(std::int64_t i, AnyModule module);
  // At the end, all of another.
  void extend(Sequential other);
  // Takes a stage out. Errors: out of range.
  AnyModule pop(std::int64_t i = -1);

  NN_MEMBERS(stages_)
  using names_stages_by_index = void;
  std::string extra_repr() const { return {}; }

 private:
  friend Module;
  Tensor forward(Tensor x);
  std::vector<AnyModule> stages_;
};

}  // namespace mica::nn
