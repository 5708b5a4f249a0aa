// The parameters and buffers of an ensemble in one place.
//
//   std::vector<Net> models = nn::repeat(5, [] { return Net{}; });
//   nn::StackedState ensemble = nn::stack_module_state(models);
//   for (std::int64_t i = 0; i < ensemble.size; ++i)
//     loss = loss + nn::mse_loss(nn::functional_call(models[0], ensemble.member(i), x), y);
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <mica/nn/module.h>

namespace mica::nn {

// The tensors of several models by name, with a leading dimension that numbers the models.
struct StackedState {
  StateDict parameters, buffers;
  std::int64_t size = 0;  // how many models

  // Views of the tensors of model i, for functional_call() or load_state_dict(): gradients flow to the
  // stacked ones, and what changes a buffer changes it here. Errors: out of range.
  StateDict member(std::int64_t i) const;
};

// Stacks copies of what models of one type hold (torch.func.stack_module_state). The stacked parameters are
// leaves that require a gradient if the models' do. Errors: no models, or models that differ in type, names,
// shapes, dtypes, mode, or in which parameters require a gradient.
StackedState stack_module_state(std::span<const ModuleRef> models);
// For a range of modules, or of pointers to them.
template <class Models> StackedState stack_module_state(Models& models) {
  std::vector<ModuleRef> refs;
  for (auto& model : models) {
    if constexpr (requires { ModuleRef(model); })
      refs.emplace_back(model);
    else
      refs.emplace_back(*model);
  }
  return stack_module_state(std::span<const ModuleRef>(refs.data(), refs.size()));
}

}  // namespace mica::nn
