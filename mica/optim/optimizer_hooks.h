// The hooks of one optimizer, or the global ones.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <mica/optim/optimizer.h>

namespace mica::optim::detail {

enum class HookKind { step_pre, step_post, state_pre, state_post, load_pre, load_post };

// Thread-safe; hooks run outside of the lock, so that they may come and go meanwhile.
class OptimizerHooks {
 public:
  std::uint64_t add(HookKind kind, StateHook hook);
  void remove(std::uint64_t id) noexcept;
  void run(HookKind kind, Optimizer& optimizer, StateDict& state) const;

 private:
  struct Entry {
    std::uint64_t id;
    HookKind kind;
    std::shared_ptr<const StateHook> hook;
  };
  mutable std::mutex mutex_;
  std::uint64_t next_id_ = 0;
  std::vector<Entry> entries_;
};

const std::shared_ptr<OptimizerHooks>& global_hooks();

}  // namespace mica::optim::detail
