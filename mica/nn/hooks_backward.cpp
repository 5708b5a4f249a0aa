#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <mica/autograd/after_pass.h>
#include <mica/autograd/list_node.h>
#include <mica/core/error.h>
#include <mica/nn/watched_call.h>

namespace mica::nn::detail {

namespace {

// Passes gradients on after showing them to a call. It saves nothing, so it can be run again.
class WatchNode final : public autograd::ListNode {
 public:
  using See = Gradients (WatchedCall::*)(std::span<const Tensor>);
  WatchNode(const char* name, std::shared_ptr<WatchedCall> call, See see)
      : ListNode(name), call_(std::move(call)), see_(see) {}
  void connect(std::vector<autograd::Edge> edges, std::span<const Tensor> results) {
    set_inputs(std::move(edges));
    set_results(results);
  }
  void backward(std::span<const Tensor> grad_outputs, std::vector<Tensor>& grad_inputs) override {
    grad_inputs = ((*call_).*see_)(grad_outputs);
  }
  void release() override {}

 private:
  std::shared_ptr<WatchedCall> call_;
  See see_;
};

// Another tensor for the same numbers. A change in place would have to be recorded for both: as a view, it
// throws.
Tensor same_numbers(const Tensor& x) {
  Tensor y = x.detach();
  y.impl()->is_view = true;
  y.impl()->view_version = y.version();
  return y;
}

}  // namespace

WatchedCall::WatchedCall(const ModuleRef& module, std::span<const HookSet* const> sets) : module_(module) {
  for (const HookSet* set : sets) {
    pre_hooks_.insert(pre_hooks_.end(), set->backward_pre.begin(), set->backward_pre.end());
    hooks_.insert(hooks_.end(), set->backward.begin(), set->backward.end());
  }
}

bool WatchedCall::watch(const char* name, See see, std::span<Tensor* const> tensors) {
  std::vector<autograd::Edge> edges;
  std::vector<Tensor> watched;
  for (const Tensor* x : tensors) {
    const bool wanted = x != nullptr && autograd::recording(*x);
    edges.push_back(wanted ? autograd::edge_to(*x) : autograd::Edge());
    watched.push_back(wanted ? same_numbers(*x) : Tensor());
  }
  if (std::ranges::none_of(watched, &Tensor::defined)) return false;
  auto* node = new WatchNode(name, shared_from_this(), see);
  const auto owner = Ref<NodeBase>::adopt(node);
  node->connect(std::move(edges), watched);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (watched[i].defined()) *tensors[i] = std::move(watched[i]);
  }
  return true;
}

void WatchedCall::watch_arguments(std::span<Tensor* const> arguments) {
  argument_count_ = arguments.size();
  if (hooks_.empty()) return;
  watches_arguments_ = watch("full_backward_hook", &WatchedCall::argument_gradients, arguments);
}

void WatchedCall::watch_result(std::span<Tensor* const> parts) {
  watch("full_backward_pre_hook", &WatchedCall::result_gradients, parts);
}

void WatchedCall::replace(Gradients& grads, std::optional<Gradients> other, const char* hook) const {
  if (!other) return;
  const auto fail = [&](const std::string& what) {
    throw Error(hook, fmt::format("a hook of {} returned {}", module_.then().type(), what),
                "a hook returns all gradients that it was given, changed or not, or nothing");
  };
  if (other->size() != grads.size())
    fail(fmt::format("{} gradients, expected {}", other->size(), grads.size()));
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Tensor &before = grads[i], &after = (*other)[i];
    if (!before.defined() || !after.defined()) continue;
    if (before.sizes() == after.sizes() && before.dtype() == after.dtype()) continue;
    fail(fmt::format("{} {} for gradient {}, which is {} {}", name(after.dtype()), to_string(after.sizes()),
                     i, name(before.dtype()), to_string(before.sizes())));
  }
  grads = std::move(*other);
}

Gradients WatchedCall::result_gradients(std::span<const Tensor> grads) {
  Gradients grad_output(grads.begin(), grads.end());
  const std::optional<ModuleRef> module = module_.now();
  if (!module) return grad_output;
  for (const auto& known : pre_hooks_) {
    if (const auto hook = known.lock())
      replace(grad_output, hook->fn(*module, grad_output), "full_backward_pre_hook");
  }
  if (watches_arguments_) {
    const std::lock_guard lock(mutex_);
    grad_output_[std::this_thread::get_id()] = grad_output;
    // A pass may end without coming to the arguments. With create_graph, what is kept belongs to a graph that
    // keeps this call.
    autograd::after_pass([call = weak_from_this()] {
      if (const auto self = call.lock()) self->forget();
    });
    return grad_output;
  }
  const Gradients none(argument_count_);
  for (const auto& known : hooks_) {
    const auto hook = known.lock();
    if (hook == nullptr) continue;
    Gradients grad_input = none;
    replace(grad_input, hook->fn(*module, none, grad_output), "full_backward_hook");
    if (std::ranges::none_of(grad_input, &Tensor::defined)) continue;
    throw Error("full_backward_hook",
                fmt::format("a hook of {} returned a gradient, but no argument of that call requires one",
                            module->type()),
                "return nothing, or undefined tensors");
  }
  return grad_output;
}

void WatchedCall::forget() {
  std::map<std::thread::id, Gradients>::node_type forgotten;  // whose end may be that of a graph
  const std::lock_guard lock(mutex_);
  forgotten = grad_output_.extract(std::this_thread::get_id());
}

Gradients WatchedCall::argument_gradients(std::span<const Tensor> grads) {
  Gradients grad_input(grads.begin(), grads.end());
  Gradients grad_output;
  {
    const std::lock_guard lock(mutex_);
    const auto node = grad_output_.extract(std::this_thread::get_id());
    if (node.empty()) return grad_input;  // these gradients have not come through the result
    grad_output = std::move(node.mapped());
  }
  const std::optional<ModuleRef> module = module_.now();
  if (!module) return grad_input;
  for (const auto& known : hooks_) {
    if (const auto hook = known.lock())
      replace(grad_input, hook->fn(*module, grad_input, grad_output), "full_backward_hook");
  }
  return grad_input;
}

HookHandle add_backward_pre_hook(const ModuleRef* module, BackwardPreHook hook, const HookOptions& options) {
  return add_hook(module, &HookSet::backward_pre, std::move(hook), options);
}

HookHandle add_backward_hook(const ModuleRef* module, BackwardHook hook, const HookOptions& options) {
  return add_hook(module, &HookSet::backward, std::move(hook), options);
}

}  // namespace mica::nn::detail
