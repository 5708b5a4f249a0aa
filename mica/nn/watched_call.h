// A call whose gradients backward hooks see. For the sources of hooks.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include <mica/nn/followed_module.h>
#include <mica/nn/hook_table.h>

namespace mica::nn::detail {

// Lives with the graph of the call: a node around the arguments and one around the result show it the
// gradients that pass through them. It does not keep the hooks alive.
class WatchedCall : public std::enable_shared_from_this<WatchedCall> {
 public:
  WatchedCall(const ModuleRef& module, std::span<const HookSet* const> sets);
  // Each tensor that requires a gradient is replaced by one that is the same, but comes from the node around
  // them.
  void watch_arguments(std::span<Tensor* const> arguments);
  void watch_result(std::span<Tensor* const> parts);

  // What the hooks make of gradients, in the backward pass.
  Gradients result_gradients(std::span<const Tensor> grads);
  Gradients argument_gradients(std::span<const Tensor> grads);

 private:
  using See = Gradients (WatchedCall::*)(std::span<const Tensor>);
  void forget();
  bool watch(const char* name, See see, std::span<Tensor* const> tensors);
  void replace(Gradients& grads, std::optional<Gradients> other, const char* hook) const;

  FollowedModule module_;
  std::vector<std::weak_ptr<const Hook<BackwardPreHook>>> pre_hooks_;
  std::vector<std::weak_ptr<const Hook<BackwardHook>>> hooks_;
  std::size_t argument_count_ = 0;
  bool watches_arguments_ = false;
  std::mutex mutex_;
  std::map<std::thread::id, Gradients> grad_output_;  // of passes that have not come to the arguments yet
};

}  // namespace mica::nn::detail
