// Hooks on the state of modules. For the sources of state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <mica/nn/hook_table.h>

namespace mica::nn::detail {

// The hooks of a module and of those inside, taken together when its state is asked for or loaded.
class StateHooks {
 public:
  explicit StateHooks(const ModuleRef& module);
  bool any_after_load() const;
  void before_state_dict() const;
  void after_state_dict(StateDict& state) const;
  void before_load(StateDict& state) const;
  void after_load(LoadReport& report) const;

 private:
  struct Hooked {
    ModuleRef module;
    std::string prefix;
    std::shared_ptr<const HookSet> hooks;
  };
  std::vector<Hooked> outer_first_, inner_first_;
};

}  // namespace mica::nn::detail
