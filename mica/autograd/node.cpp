#include <atomic>
#include <memory>

#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_hooks.h>
#include <mica/autograd/node.h>
#include <mica/core/error.h>

namespace mica {

// A node owns its inputs' nodes, so dropping the last handle of a deep graph would recurse through all of it.
// Instead, the outermost call destroys the nodes one after the other, and the inner ones only queue.
void NodeBase::destroy(NodeBase* node) {
  static thread_local std::vector<NodeBase*>* queue = nullptr;
  if (queue != nullptr) {
    queue->push_back(node);
    return;
  }
  std::vector<NodeBase*> pending{node};
  queue = &pending;
  while (!pending.empty()) {
    NodeBase* next = pending.back();
    pending.pop_back();
    delete next;
  }
  queue = nullptr;
}

std::string Tensor::grad_fn_name() const {
  const TensorImpl& impl = checked_impl();
  return impl.grad_fn ? static_cast<const autograd::Node&>(*impl.grad_fn).name() : "";
}

namespace autograd {

namespace {
std::atomic<std::uint64_t> next_sequence_number{0};

[[noreturn]] void throw_changed(const Node& node, const Tensor& saved, std::uint32_t version,
                                const char* what) {
  const Storage& storage = *saved.impl()->storage;
  const char* changed_by = storage.changed_by.load(std::memory_order_relaxed);
  throw Error(
      node.name(),
      fmt::format("the {} that it saved for backward, {} {}, was changed in place afterwards by {} (version "
                  "{}, saved at {})",
                  what, name(saved.dtype()), to_string(saved.sizes()),
                  changed_by != nullptr ? changed_by : "an in-place operation",
                  storage.version.load(std::memory_order_relaxed), version),
      "change a clone(), use the form of the operation that is not in place, or call backward() first");
}
}  // namespace

Node::Node(const char* name)
    : name_(name), sequence_(next_sequence_number.fetch_add(1, std::memory_order_relaxed)) {
  if (anomaly_enabled()) [[unlikely]]
    make_extras().made_in = ForwardScope::current_path();
}

Node::~Node() = default;

std::uint64_t Node::next_sequence() { return next_sequence_number.load(std::memory_order_relaxed); }

NodeExtras& Node::make_extras() {
  if (!extras_) extras_ = Owned(new NodeExtras());
  return *extras_;
}

void Node::throw_freed() const {
  throw Error("backward",
              fmt::format("the graph was freed by an earlier backward pass (at operation {})", name_),
              "call backward({}, {.retain_graph = true}) the first time if you need a second one");
}

Edge edge_to(const Tensor& x) {
  TensorImpl* impl = x.impl().get();
  if (impl == nullptr) return {};
  if (impl->grad_fn) return {impl->grad_fn, {}, impl->output_index};
  if (impl->requires_grad) return {{}, x.impl(), 0};
  return {};
}

Saved::Saved(const Tensor& x) : tensor_(x), version_(x.defined() ? x.version() : 0) {
  if (x.defined() && x.impl()->storage->inference) detail::throw_inference("autograd", *x.impl());
}

Tensor Saved::get(const Node& node) const {
  if (tensor_.defined() && tensor_.version() != version_) throw_changed(node, tensor_, version_, "input");
  return tensor_;
}

SavedOutput::SavedOutput(const Tensor& y, std::uint32_t index)
    : tensor_(y.detach()), version_(y.version()), index_(index) {}

Tensor SavedOutput::get(const Node& node) const {
  if (tensor_.version() != version_) throw_changed(node, tensor_, version_, "result");
  if (!grad_enabled()) return tensor_;
  Tensor y = tensor_.detach();  // second derivatives: the result with its history
  y.impl()->grad_fn = Ref<NodeBase>::share(const_cast<Node*>(&node));
  y.impl()->output_index = index_;
  return y;
}

void detail::throw_stale_view(const Tensor& x) {
  throw Error(
      "autograd",
      fmt::format("a view of shape {} is used after its base was changed in place by a recorded {}",
                  to_string(x.sizes()), x.impl()->storage->changed_by.load(std::memory_order_relaxed)),
      "take the view again after the change, or avoid the in-place operation");
}

void detail::throw_inference(const char* operation, const TensorImpl& impl) {
  throw Error(
      operation,
      fmt::format("a tensor made under InferenceMode, {} {}, cannot be kept for backward: its changes are "
                  "not counted",
                  name(impl.dtype), to_string(impl.sizes)),
      "clone() it outside of InferenceMode, or make it under NoGrad instead");
}

bool recording(std::span<const Tensor> inputs) {
  if (!grad_enabled()) return false;
  bool any = false;
  for (const Tensor& x : inputs) any |= detail::needs_record(x);
  return any;
}

Tensor record_not_differentiable(const char* name, Tensor result, std::span<const Tensor> inputs) {
  const std::size_t count = inputs.size();
  return record_list(
      name, std::move(result), inputs, [count](const Node& node, const Tensor&) -> std::vector<Tensor> {
        throw Error("backward", fmt::format("operation {} has no derivative ({} inputs)", node.name(), count),
                    "detach() its input if no gradient should flow through it");
      });
}

}  // namespace autograd
}  // namespace mica
