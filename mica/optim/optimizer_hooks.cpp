#include <algorithm>

#include <mica/optim/detail.h>
#include <mica/optim/optimizer_hooks.h>

namespace mica::optim {
namespace detail {

std::uint64_t OptimizerHooks::add(HookKind kind, StateHook hook) {
  const std::scoped_lock lock(mutex_);
  entries_.push_back({next_id_, kind, std::make_shared<const StateHook>(std::move(hook))});
  return next_id_++;
}

void OptimizerHooks::remove(std::uint64_t id) noexcept {
  std::shared_ptr<const StateHook> removed;  // its captures are destroyed outside of the lock
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find(entries_, id, &Entry::id);
  if (found == entries_.end()) return;
  removed = std::move(found->hook);
  entries_.erase(found);
}

void OptimizerHooks::run(HookKind kind, Optimizer& optimizer, StateDict& state) const {
  std::vector<std::shared_ptr<const StateHook>> hooks;
  {
    const std::scoped_lock lock(mutex_);
    hooks.reserve(entries_.size());
    for (const Entry& entry : entries_) {
      if (entry.kind == kind) hooks.push_back(entry.hook);
    }
  }
  for (const auto& hook : hooks) (*hook)(optimizer, state);
}

const std::shared_ptr<OptimizerHooks>& global_hooks() {
  static const auto hooks = std::make_shared<OptimizerHooks>();
  return hooks;
}

}  // namespace detail

using detail::HookKind;

namespace {

StateHook without_state(StepHook hook) {
  return [hook = std::move(hook)](Optimizer& optimizer, StateDict&) { hook(optimizer); };
}

StepHookHandle add(const std::shared_ptr<detail::OptimizerHooks>& hooks, HookKind kind, StateHook hook) {
  return {hooks, hooks->add(kind, std::move(hook))};
}

}  // namespace

StepHookHandle& StepHookHandle::operator=(StepHookHandle&& other) noexcept {
  if (this != &other) {
    remove();
    hooks_ = std::move(other.hooks_);
    id_ = other.id_;
  }
  return *this;
}

void StepHookHandle::remove() {
  if (const auto hooks = hooks_.lock()) hooks->remove(id_);
  hooks_.reset();
}

StepHookHandle register_optimizer_step_pre_hook(StepHook hook) {
  return add(detail::global_hooks(), HookKind::step_pre, without_state(std::move(hook)));
}
StepHookHandle register_optimizer_step_post_hook(StepHook hook) {
  return add(detail::global_hooks(), HookKind::step_post, without_state(std::move(hook)));
}

StepHookHandle Optimizer::register_step_pre_hook(StepHook hook) {
  return add(hooks_, HookKind::step_pre, without_state(std::move(hook)));
}
StepHookHandle Optimizer::register_step_post_hook(StepHook hook) {
  return add(hooks_, HookKind::step_post, without_state(std::move(hook)));
}
StepHookHandle Optimizer::register_state_dict_pre_hook(StateHook hook) {
  return add(hooks_, HookKind::state_pre, std::move(hook));
}
StepHookHandle Optimizer::register_state_dict_post_hook(StateHook hook) {
  return add(hooks_, HookKind::state_post, std::move(hook));
}
StepHookHandle Optimizer::register_load_state_dict_pre_hook(StateHook hook) {
  return add(hooks_, HookKind::load_pre, std::move(hook));
}
StepHookHandle Optimizer::register_load_state_dict_post_hook(StateHook hook) {
  return add(hooks_, HookKind::load_post, std::move(hook));
}

}  // namespace mica::optim
