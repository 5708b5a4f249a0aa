#include <algorithm>
#include <string_view>
#include <utility>

#include <mica/nn/state_hooks.h>
#include <mica/nn/walk.h>

namespace mica::nn {

namespace detail {

StateHooks::StateHooks(const ModuleRef& module) {
  if (!hooks_alive()) return;
  struct V final : Visitor {
    std::vector<Hooked> outer_first, inner_first, around;
    void enter(std::string_view name, const ModuleRef& m) override { begin(m, path(name) + "."); }
    void leave(const ModuleRef&) override { end(); }
    void begin(const ModuleRef& m, std::string prefix) {
      around.push_back({m, std::move(prefix), m.is_container() ? nullptr : hooks_for(m).second});
      if (around.back().hooks != nullptr) outer_first.push_back(around.back());
    }
    void end() {
      if (around.back().hooks != nullptr) inner_first.push_back(std::move(around.back()));
      around.pop_back();
    }
  } v;
  v.begin(module, "");
  module.walk(v);
  v.end();
  outer_first_ = std::move(v.outer_first);
  inner_first_ = std::move(v.inner_first);
}

bool StateHooks::any_after_load() const {
  return std::ranges::any_of(inner_first_, [](const Hooked& h) { return !h.hooks->load.empty(); });
}

void StateHooks::before_state_dict() const {
  for (const Hooked& h : outer_first_) {
    for (const auto& hook : h.hooks->state_dict_pre) hook->fn(h.module, h.prefix);
  }
}

void StateHooks::after_state_dict(StateDict& state) const {
  for (const Hooked& h : inner_first_) {
    for (const auto& hook : h.hooks->state_dict) hook->fn(h.module, state, h.prefix);
  }
}

void StateHooks::before_load(StateDict& state) const {
  for (const Hooked& h : outer_first_) {
    for (const auto& hook : h.hooks->load_pre) hook->fn(h.module, state, h.prefix);
  }
}

void StateHooks::after_load(LoadReport& report) const {
  for (const Hooked& h : inner_first_) {
    for (const auto& hook : h.hooks->load) hook->fn(h.module, report);
  }
}

}  // namespace detail

HookHandle register_state_dict_pre_hook(const ModuleRef& module, detail::StateDictPreHook hook,
                                        const HookOptions& options) {
  return detail::add_hook(&module, &detail::HookSet::state_dict_pre, std::move(hook), options);
}

HookHandle register_state_dict_post_hook(const ModuleRef& module, detail::StateDictHook hook,
                                         const HookOptions& options) {
  return detail::add_hook(&module, &detail::HookSet::state_dict, std::move(hook), options);
}

HookHandle register_load_state_dict_pre_hook(const ModuleRef& module, detail::StateDictHook hook,
                                             const HookOptions& options) {
  return detail::add_hook(&module, &detail::HookSet::load_pre, std::move(hook), options);
}

HookHandle register_load_state_dict_post_hook(const ModuleRef& module, detail::LoadHook hook,
                                              const HookOptions& options) {
  return detail::add_hook(&module, &detail::HookSet::load, std::move(hook), options);
}

}  // namespace mica::nn
