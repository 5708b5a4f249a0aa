// Hooks on gradients.
//
//   auto clip = w.register_hook([](const Tensor& grad) { return grad.clamp(-1, 1); });
//   auto spy = h.register_hook([](const Tensor& grad) { std::cout << grad; });
//   auto step = w.register_post_accumulate_grad_hook([&](const Tensor& leaf) { ... });
//
// A hook sees the whole gradient that one backward pass (or autograd::grad()) brings to its tensor: for a
// leaf the sum over all its uses, before it is added to grad(); for a result of an operation what that
// operation is about to take back. It must not change the gradient in place; to replace it, it returns
// another one of the same shape and dtype. Hooks run in the order in which they were registered, on the
// thread of the pass, and recorded when the pass has create_graph. A hook on a result belongs to the value
// that the tensor has now.
//
// The handle owns the hook: when it dies, before the tensor or after it, the hook is gone. detach() leaves
// the hook with the tensor; one that captures its own tensor then keeps it alive for ever. Tensors without
// hooks pay one comparison with null.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <mica/core/any_function.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

// Owns a hook. Safe to destroy on any thread.
class [[nodiscard]] HookHandle {
 public:
  HookHandle() = default;
  HookHandle(Ref<HooksBase> hooks, std::uint64_t id) : hooks_(std::move(hooks)), id_(id) {}
  HookHandle(HookHandle&&) noexcept = default;
  HookHandle& operator=(HookHandle&& other) noexcept {
    if (this != &other) {
      remove();
      hooks_ = std::move(other.hooks_);
      id_ = other.id_;
    }
    return *this;
  }
  HookHandle(const HookHandle&) = delete;
  HookHandle& operator=(const HookHandle&) = delete;
  ~HookHandle() { remove(); }
  // Removes the hook now. A pass on another thread may still be running it.
  void remove();
  // Leaves the hook in place as long as the tensor's gradients are computed.
  void detach() { hooks_.reset(); }

 private:
  Ref<HooksBase> hooks_;
  std::uint64_t id_ = 0;
};

// Returns the gradient to go on with; undefined: the one it was given.
using GradHook = AnyFunction<Tensor(const Tensor& grad)>;
using LeafHook = AnyFunction<void(const Tensor& leaf)>;

namespace detail {
HookHandle register_hook(const Tensor& x, GradHook hook);
HookHandle register_post_accumulate_grad_hook(const Tensor& leaf, LeafHook hook);
}  // namespace detail

}  // namespace mica::autograd

namespace mica {

template <class Hook> autograd::HookHandle Tensor::register_hook(Hook hook) const {
  static_assert(std::invocable<Hook&, const Tensor&>,
                "a gradient hook is called as hook(const Tensor& grad)");
  if constexpr (std::is_void_v<std::invoke_result_t<Hook&, const Tensor&>>) {
    return autograd::detail::register_hook(*this, [hook = std::move(hook)](const Tensor& grad) mutable {
      hook(grad);
      return Tensor();
    });
  } else {
    return autograd::detail::register_hook(*this, std::move(hook));
  }
}

template <class Hook> autograd::HookHandle Tensor::register_post_accumulate_grad_hook(Hook hook) const {
  static_assert(std::invocable<Hook&, const Tensor&>,
                "a post-accumulate hook is called as hook(const Tensor& leaf)");
  return autograd::detail::register_post_accumulate_grad_hook(*this, std::move(hook));
}

}  // namespace mica
