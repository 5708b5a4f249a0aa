#include <algorithm>
#include <array>
#include <atomic>
#include <functional>

#include <fmt/format.h>

#include <mica/autograd/grad_hooks.h>
#include <mica/autograd/node.h>
#include <mica/core/error.h>

namespace mica {

namespace autograd {

namespace {

std::atomic<std::int64_t> hooks_on_leaves{0};

// Where hooks on x are kept, made if need be.
GradHooks& hooks_for(const char* operation, const Tensor& x) {
  if (!x.requires_grad()) {
    throw Error(operation, fmt::format("a tensor of shape {} requires no gradient", to_string(x.sizes())),
                "call requires_grad_() on it first, or compute it from tensors that require gradients");
  }
  TensorImpl& impl = *x.impl();
  if (!impl.grad_fn) {
    const std::lock_guard lock(leaf_mutex(impl));
    if (!impl.hooks) impl.hooks = Ref<HooksBase>::adopt(new GradHooks(true));
    return static_cast<GradHooks&>(*impl.hooks);
  }
  auto& hooks = static_cast<Node&>(*impl.grad_fn).make_extras().hooks;
  if (hooks.size() <= impl.output_index) hooks.resize(impl.output_index + 1);
  auto& slot = hooks[impl.output_index];
  if (!slot) slot = Ref<GradHooks>::adopt(new GradHooks(false));
  return *slot;
}

// The hooks on a result; null if there are none.
GradHooks* hooks_on_result(const TensorImpl& impl) {
  const NodeExtras* extras = impl.grad_fn ? static_cast<const Node&>(*impl.grad_fn).extras() : nullptr;
  return extras != nullptr ? extras->hooks_of(impl.output_index) : nullptr;
}

}  // namespace

GradHooks::~GradHooks() {
  if (of_leaf_)
    hooks_on_leaves.fetch_sub(static_cast<std::int64_t>(entries_.size()), std::memory_order_relaxed);
}

std::uint64_t GradHooks::add(std::variant<GradHook, LeafHook> hook) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::make_shared<const Entry>(next_id_, std::move(hook)));
  if (of_leaf_) hooks_on_leaves.fetch_add(1, std::memory_order_relaxed);
  return next_id_++;
}

void GradHooks::remove(std::uint64_t id) noexcept {
  std::shared_ptr<const Entry>
      removed;  // destroyed after the lock: what it captured may have hooks of its own
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find_if(entries_, [id](const auto& entry) { return entry->id == id; });
  if (it == entries_.end()) return;
  removed = std::move(*it);
  entries_.erase(it);
  if (of_leaf_) hooks_on_leaves.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<std::shared_ptr<const GradHooks::Entry>> GradHooks::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

Tensor GradHooks::run(Tensor grad, bool recording) {
  for (const auto& entry : entries()) {
    const auto* hook = std::get_if<GradHook>(&entry->hook);
    if (hook == nullptr) continue;
    Tensor other = (*hook)(grad);
    if (!other.defined()) continue;
    if (other.sizes() != grad.sizes() || other.dtype() != grad.dtype()) {
      throw Error("register_hook",
                  fmt::format("a hook replaced a gradient, {} {}, by one that is {} {}", name(grad.dtype()),
                              to_string(grad.sizes()), name(other.dtype()), to_string(other.sizes())),
                  "a hook returns a gradient of the same shape and dtype, or nothing");
    }
    grad = std::move(other);
  }
  const std::lock_guard lock(mutex_);
  if (retains_) {
    if (!retained_.defined())
      retained_ = recording ? grad : grad.clone();
    else
      retained_ = retained_.clone().add_(grad);
  }
  return grad;
}

void GradHooks::run_post_accumulate(const Tensor& leaf) {
  for (const auto& entry : entries()) {
    if (const auto* hook = std::get_if<LeafHook>(&entry->hook)) (*hook)(leaf);
  }
}

void GradHooks::retain() {
  const std::lock_guard lock(mutex_);
  retains_ = true;
}
bool GradHooks::retains() const {
  const std::lock_guard lock(mutex_);
  return retains_;
}
Tensor GradHooks::retained() const {
  const std::lock_guard lock(mutex_);
  return retained_;
}
void GradHooks::set_retained(const Tensor& grad) {
  const std::lock_guard lock(mutex_);
  retained_ = grad;
}

bool GradHooks::on_any_leaf() { return hooks_on_leaves.load(std::memory_order_relaxed) != 0; }

// A few mutexes for all leaves: two leaves that share one only wait for each other now and then.
std::mutex& leaf_mutex(const TensorImpl& leaf) {
  struct alignas(64) Padded {
    std::mutex mutex;
  };
  static std::array<Padded, 64> mutexes;
  return mutexes[(reinterpret_cast<std::uintptr_t>(&leaf) / 256) % mutexes.size()].mutex;
}

Ref<GradHooks> hooks_of_leaf(const TensorImpl& leaf) {
  const std::lock_guard lock(leaf_mutex(leaf));
  return Ref<GradHooks>::share(static_cast<GradHooks*>(leaf.hooks.get()));
}

void HookHandle::remove() {
  const Ref<HooksBase> hooks = std::move(hooks_);
  if (hooks) static_cast<GradHooks&>(*hooks).remove(id_);
}

HookHandle detail::register_hook(const Tensor& x, GradHook hook) {
  GradHooks& hooks = hooks_for("register_hook", x);
  const std::uint64_t id = hooks.add(std::move(hook));
  return {Ref<HooksBase>::share(&hooks), id};
}

HookHandle detail::register_post_accumulate_grad_hook(const Tensor& leaf, LeafHook hook) {
  if (!leaf.is_leaf()) {
    throw Error("register_post_accumulate_grad_hook",
                fmt::format("a tensor of shape {} is the result of {}, not a leaf", to_string(leaf.sizes()),
                            leaf.grad_fn_name()),
                "gradients are accumulated in leaves only; use register_hook() on results");
  }
  GradHooks& hooks = hooks_for("register_post_accumulate_grad_hook", leaf);
  const std::uint64_t id = hooks.add(std::move(hook));
  return {Ref<HooksBase>::share(&hooks), id};
}

}  // namespace autograd

void Tensor::retain_grad() const {
  if (is_leaf() && requires_grad()) return;  // leaves have their gradient anyway
  autograd::hooks_for("retain_grad", *this).retain();
}

bool Tensor::retains_grad() const {
  const autograd::GradHooks* hooks = autograd::hooks_on_result(checked_impl());
  return hooks != nullptr && hooks->retains();
}

Tensor Tensor::grad() const {
  const TensorImpl& impl = checked_impl();
  const autograd::GradHooks* hooks = autograd::hooks_on_result(impl);
  return hooks != nullptr && hooks->retains() ? hooks->retained() : Tensor(impl.grad);
}

void Tensor::set_grad(const Tensor& grad) {
  TensorImpl& impl = checked_impl();
  if (grad.defined() && (grad.sizes() != impl.sizes || grad.dtype() != impl.dtype)) {
    throw Error("set_grad", fmt::format("gradient is {} {}, the tensor {} {}", name(grad.dtype()),
                                        to_string(grad.sizes()), name(impl.dtype), to_string(impl.sizes)));
  }
  autograd::GradHooks* hooks = autograd::hooks_on_result(impl);
  if (hooks != nullptr && hooks->retains())
    hooks->set_retained(grad);
  else
    impl.grad = grad.impl();
}

}  // namespace mica
