// A model called with other tensors in place of its own.
//
//   Tensor y = nn::functional_call(model, {{"fc.weight", w}}, x);
//
// For models whose weights are computed: by another network, by a step of gradient descent that is
// differentiated itself (meta-learning), or picked from an ensemble (stacked_state.h).
#pragma once

#include <utility>
#include <vector>

#include <mica/nn/module.h>

namespace mica::nn {

struct FunctionalCallOptions {
  bool strict = false;      // every parameter and buffer must be given
  bool tie_weights = true;  // what is given for one name of a tied parameter stands for all its names
};

namespace detail {
// Puts other tensors in the places of members, for a scope.
class Substitution {
 public:
  Substitution(const ModuleRef& model, const StateDict& tensors, const FunctionalCallOptions& options);
  ~Substitution() { exchange(); }
  Substitution(const Substitution&) = delete;
  Substitution& operator=(const Substitution&) = delete;

 private:
  void exchange() noexcept;
  std::vector<std::pair<Tensor*, Tensor>> places_;  // and what is not in them now
};
}  // namespace detail

// model(args...) with the given tensors in place of the parameters and buffers of those names
// (torch.func.functional_call). Gradients flow to the given tensors; a buffer that the model changes is the
// given one. The model has its own tensors back when the call returns or throws; no other thread may use it
// meanwhile. Errors, before anything is exchanged: unknown names, shapes that differ, floating point for
// integers or the reverse, different tensors for a tied parameter; with options.strict also missing names.
// All of them at once.
template <IsModule M, class... Args>
decltype(auto) functional_call(M& model, const StateDict& tensors, FunctionalCallOptions options,
                               Args&&... args) {
  const detail::Substitution scope(ModuleRef(model), tensors, options);
  return model(std::forward<Args>(args)...);
}
template <IsModule M, class... Args>
decltype(auto) functional_call(M& model, const StateDict& tensors, Args&&... args) {
  return functional_call(model, tensors, FunctionalCallOptions{}, std::forward<Args>(args)...);
}

}  // namespace mica::nn
