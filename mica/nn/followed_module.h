// Finding a module again that may have been moved or destroyed meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include <mica/nn/module_ref.h>

namespace mica::nn::detail {

class HookList;

// How many modules are followed because they have hooks or calls that a backward pass comes back to. While
// there are none, moving and destroying a module cost one relaxed atomic load.
inline std::atomic<std::int64_t> followed_modules{0};
inline bool modules_followed() { return followed_modules.load(std::memory_order_relaxed) != 0; }
void follow_move(const Module* from, const Module* to);
void follow_end(const Module* module);

// Knows where a module is as long as that lives. Safe to destroy on any thread.
class FollowedModule {
 public:
  // Errors: a container of modules.
  explicit FollowedModule(const ModuleRef& module);
  ~FollowedModule();
  FollowedModule(const FollowedModule&) = delete;
  FollowedModule& operator=(const FollowedModule&) = delete;
  // Where it is now; nothing once it is destroyed or another was assigned to it.
  std::optional<ModuleRef> now() const;
  const ModuleRef& then() const { return then_; }

 private:
  ModuleRef then_;
  std::shared_ptr<HookList> list_;
};

}  // namespace mica::nn::detail
