#include <mica/autograd/grad_mode.h>
#include <mica/nn/hooked_call.h>
#include <mica/nn/watched_call.h>

namespace mica::nn::detail {

HookedCall::HookedCall(const ModuleRef& module) : module_(module) {
  std::tie(global_, own_) = hooks_for(module);
}

HookedCall::~HookedCall() = default;

void HookedCall::before(Arguments& args) {
  std::vector<const HookSet*> watching;
  for (const HookSet* set : {global_.get(), own_.get()}) {
    if (set == nullptr) continue;
    for (const auto& hook : set->forward_pre) hook->fn(module_, args);
    if (!set->backward_pre.empty() || !set->backward.empty()) watching.push_back(set);
  }
  if (watching.empty() || !autograd::grad_enabled()) return;
  watched_ = std::make_shared<WatchedCall>(module_, watching);
  std::vector<Tensor*> tensors;
  tensors.reserve(args.size());
  for (std::size_t i = 0; i < args.size(); ++i) tensors.push_back(args[i].get_if<Tensor>());
  watched_->watch_arguments(tensors);
}

void HookedCall::after(Arguments& args, Value result, bool threw) const {
  for (const HookSet* set : {global_.get(), own_.get()}) {
    if (set == nullptr) continue;
    for (const auto& hook : set->forward) {
      if (!threw || hook->options.always_call) hook->fn(module_, args, result);
    }
  }
}

void HookedCall::watch_result(const std::vector<Tensor*>& parts) const {
  if (watched_ != nullptr) watched_->watch_result(parts);
}

}  // namespace mica::nn::detail
