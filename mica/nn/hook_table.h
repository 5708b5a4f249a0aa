// Where the hooks of the program are kept. For the sources of hooks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include <mica/core/any_function.h>
#include <mica/nn/hooks.h>

namespace mica::nn::detail {

template <class Fn> struct Hook {
  std::uint64_t id;
  Fn fn;
  HookOptions options;
};
// Shared with the calls that run them, and known to graphs that will.
template <class Fn> using Hooks = std::vector<std::shared_ptr<const Hook<Fn>>>;

// The hooks of one module, or the global ones. It never changes: a change makes another, so that a call takes
// the hooks of its moment without copying them.
class HookSet {
 public:
  Hooks<PreHook> forward_pre;
  Hooks<ForwardHook> forward;
  Hooks<BackwardPreHook> backward_pre;
  Hooks<BackwardHook> backward;
  Hooks<StateDictPreHook> state_dict_pre;
  Hooks<StateDictHook> state_dict, load_pre;
  Hooks<LoadHook> load;

  template <class Self> auto kinds(this Self& self) {
    return std::tie(self.forward_pre, self.forward, self.backward_pre, self.backward, self.state_dict_pre,
                    self.state_dict, self.load_pre, self.load);
  }
  std::size_t size() const {
    return std::apply([](const auto&... hooks) { return (hooks.size() + ...); }, kinds());
  }
};

// Adds a hook to a module, or to all if there is none, by changing a copy of its set.
HookHandle add_to_set(const ModuleRef* module, const AnyFunction<void(HookSet&, std::uint64_t id)>& change);

template <class Fn>
HookHandle add_hook(const ModuleRef* module, Hooks<Fn> HookSet::* kind, Fn fn, const HookOptions& options) {
  return add_to_set(module, [&](HookSet& set, std::uint64_t id) {
    auto& hooks = set.*kind;
    hooks.insert(options.prepend ? hooks.begin() : hooks.end(),
                 std::make_shared<const Hook<Fn>>(id, std::move(fn), options));
  });
}

// The global hooks and those of a module. Null where there are none.
std::pair<std::shared_ptr<const HookSet>, std::shared_ptr<const HookSet>> hooks_for(const ModuleRef& module);

}  // namespace mica::nn::detail
