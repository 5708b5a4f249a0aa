// What few tensors and nodes have: hooks, retained gradients, where they were recorded. For the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include <mica/autograd/hooks.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

// The hooks on the gradient of one tensor. Thread-safe; hooks run outside of the lock, so that they may come
// and go meanwhile.
class GradHooks final : public HooksBase {
 public:
  explicit GradHooks(bool of_leaf) : of_leaf_(of_leaf) {}
  ~GradHooks() override;
  GradHooks(const GradHooks&) = delete;
  GradHooks& operator=(const GradHooks&) = delete;

  std::uint64_t add(std::variant<GradHook, LeafHook> hook);
  void remove(std::uint64_t id) noexcept;
  // What the hooks make of a gradient; retained then, if that was asked for. Errors: a hook gave another
  // shape or dtype.
  Tensor run(Tensor grad, bool recording);
  void run_post_accumulate(const Tensor& leaf);

  void retain();
  bool retains() const;
  Tensor retained() const;
  void set_retained(const Tensor& grad);

  // Whether any leaf in the program has hooks.
  static bool on_any_leaf();

 private:
  struct Entry {
    std::uint64_t id;
    std::variant<GradHook, LeafHook> hook;
  };
  std::vector<std::shared_ptr<const Entry>> entries() const;

  const bool of_leaf_;
  mutable std::mutex mutex_;
  std::uint64_t next_id_ = 0;
  std::vector<std::shared_ptr<const Entry>> entries_;
  bool retains_ = false;
  Tensor retained_;
};

struct NodeExtras {
  std::string made_in;                // path of the module whose forward recorded it, under Anomaly
  std::vector<Ref<GradHooks>> hooks;  // by output; shorter than the outputs, or null, where there are none
  GradHooks* hooks_of(std::size_t output) const {
    return output < hooks.size() ? hooks[output].get() : nullptr;
  }
};

// Held while the gradient or the hooks of a leaf are read and changed, so that passes on several threads may
// share leaves.
std::mutex& leaf_mutex(const TensorImpl& leaf);
// Null if there are none.
Ref<GradHooks> hooks_of_leaf(const TensorImpl& leaf);

}  // namespace mica::autograd
