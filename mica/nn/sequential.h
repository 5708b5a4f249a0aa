// Chains of modules.
#pragma once

#include <utility>
#include <vector>

#include <mica/nn/any_module.h>

namespace mica::nn {

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
