#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include <mica/autograd/after_pass.h>
#include <mica/autograd/autocast.h>
#include <mica/autograd/engine.h>
#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_hooks.h>
#include <mica/autograd/node.h>
#include <mica/autograd/segment.h>
#include <mica/core/error.h>

namespace mica::autograd {

namespace {

Node& as_node(const Ref<NodeBase>& node) { return static_cast<Node&>(*node); }

// True when nothing else sees this tensor's memory, so it may be added to or kept as it is. Not if it is
// expanded: its elements share memory among themselves.
bool exclusively_owned(const Tensor& t) {
  const auto& impl = t.impl();
  return impl.unique() && impl->storage.unique() && is_dense(impl->sizes, impl->strides);
}

Tensor accumulate(Tensor into, Tensor grad, bool recording) {
  if (!into.defined()) return grad;
  if (recording) return into.clone().add_(grad);
  if (exclusively_owned(into)) return into.add_(grad);
  if (exclusively_owned(grad)) return grad.add_(into);
  return into.clone().add_(grad);
}

// Backward rules may return gradients that are still broadcast or promoted: bring them to the input's shape
// and dtype.
Tensor fit(Tensor grad, const Shape& sizes, DType dtype, const char* operation) {
  if (grad.sizes() != sizes) {
    const Shape& s = grad.sizes();
    bool expandable = sizes.size() <= s.size();
    for (int i = 0; expandable && i < sizes.size(); ++i) {
      const std::int64_t want = sizes[sizes.size() - 1 - i];
      expandable = want == s[s.size() - 1 - i] || want == 1;
    }
    if (!expandable) {
      throw Error(operation,
                  fmt::format("its backward rule gave a gradient of shape {} for an input of shape {}",
                              to_string(s), to_string(sizes)));
    }
    grad = grad.sum_to_size(sizes);
  }
  return grad.dtype() == dtype ? grad : grad.to(dtype);
}

// Recording during the pass is on exactly when second derivatives are wanted. Rules go by the dtypes that
// forward chose.
class PassMode {
 public:
  explicit PassMode(bool create_graph) : previous_(grad_enabled()) { set_grad_enabled(create_graph); }
  ~PassMode() { set_grad_enabled(previous_); }
  PassMode(const PassMode&) = delete;
  PassMode& operator=(const PassMode&) = delete;

 private:
  bool previous_;
  NoAutocast chosen_;
};

class BackwardPass {
 public:
  BackwardPass(bool retain_graph, bool create_graph)
      : retain_(retain_graph || create_graph), create_(create_graph) {}

  void seed(const Tensor& output, Tensor grad) { deliver(edge_to(output), std::move(grad), "backward"); }

  // Called before the seeds of backward(): which leaves have hooks, and when their gradients will be whole.
  void expect_hooked_leaves(std::span<const Tensor> outputs);

  // Restricts the pass to what leads to `ends` and collects their gradients. A closed pass does not go on
  // from an end to others before it, and calls no hooks there.
  void capture(std::span<const Tensor> outputs, std::span<const Edge> ends, bool closed);
  std::vector<Tensor> captured(std::span<const Edge> ends);

  void run();

 private:
  struct Pending {
    Ref<NodeBase> node;
    std::vector<Tensor> grads;
  };
  // A leaf with hooks, whose gradient is held back until no operation to come can add to it.
  struct HookedLeaf {
    Ref<TensorImpl> leaf;
    Ref<GradHooks> hooks;
    std::uint64_t first_use;  // by the earliest operation, whose backward comes last
    Tensor grad;
  };
  void deliver(const Edge& edge, Tensor grad, const char* from);
  void accumulate_leaf(const Ref<TensorImpl>& leaf, Tensor grad);
  void settle_hooked_leaves();
  void run_hooks(const Node& node, std::vector<Tensor>& grads);
  void backward_of(Node& node, std::span<const Tensor> grads, std::vector<Tensor>& grad_inputs);
  static bool earlier(const Node* a, const Node* b) { return a->sequence() < b->sequence(); }

  bool retain_, create_;
  std::unordered_map<const Node*, Pending> pending_;
  std::vector<const Node*> ready_;  // a heap, the latest operation on top
  std::unordered_map<const TensorImpl*, HookedLeaf> hooked_;
  std::vector<HookedLeaf*> unsettled_;  // ordered by first_use
  // For grad(): leaves and (node, output) pairs whose gradient is asked for, and the nodes on the way.
  bool capturing_ = false, closed_ = false;
  std::unordered_map<const TensorImpl*, Tensor> captured_leaves_;
  std::unordered_map<const Node*, std::vector<std::pair<std::uint32_t, Tensor>>> captured_nodes_;
  std::unordered_set<const Node*> needed_;
};

void BackwardPass::deliver(const Edge& edge, Tensor grad, const char* from) {
  if (edge.leaf) {
    grad = fit(std::move(grad), edge.leaf->sizes, edge.leaf->dtype, from);
    if (!capturing_) {
      const auto hooked = hooked_.find(edge.leaf.get());
      if (hooked == hooked_.end()) return accumulate_leaf(edge.leaf, std::move(grad));
      Tensor& sum = hooked->second.grad;
      sum = accumulate(std::move(sum), std::move(grad), create_);
      return;
    }
    const auto it = captured_leaves_.find(edge.leaf.get());
    if (it != captured_leaves_.end())
      it->second = accumulate(std::move(it->second), std::move(grad), create_);
    return;
  }
  if (!edge.node) return;
  const Node* node = &as_node(edge.node);
  if (capturing_ && !needed_.contains(node)) return;
  const Node::Output& output = node->outputs()[edge.index];
  grad = fit(std::move(grad), output.sizes, output.dtype, from);
  auto [it, added] = pending_.try_emplace(node);
  if (added) {
    it->second.node = edge.node;
    it->second.grads.resize(node->outputs().size());
    ready_.push_back(node);
    std::push_heap(ready_.begin(), ready_.end(), earlier);
  }
  Tensor& slot = it->second.grads[edge.index];
  slot = accumulate(std::move(slot), std::move(grad), create_);
}

void BackwardPass::accumulate_leaf(const Ref<TensorImpl>& leaf, Tensor grad) {
  Tensor old;  // outlives the lock, since its end may be that of a graph
  const std::lock_guard lock(leaf_mutex(*leaf));
  old = Tensor(leaf->grad);
  if (!old.defined()) {
    // The optimizer walks parameter and gradient side by side, so the gradient takes the parameter's strides.
    const bool keep = exclusively_owned(grad) && grad.strides() == leaf->strides;
    if (!keep) {
      const bool dense = is_dense(leaf->sizes, leaf->strides);
      Tensor own =
          empty_strided(leaf->sizes, dense ? leaf->strides : contiguous_strides(leaf->sizes), leaf->dtype);
      own.copy_(grad);
      grad = std::move(own);
    }
    leaf->grad = grad.impl();
  } else if (create_) {
    leaf->grad = old.clone().add_(grad).impl();
  } else {
    old.add_(grad);
  }
}

void BackwardPass::settle_hooked_leaves() {
  // Operations that still come are no later than the one on top of the heap.
  const std::uint64_t bound = ready_.empty() ? 0 : ready_.front()->sequence() + 1;
  while (!unsettled_.empty() && unsettled_.back()->first_use >= bound) {
    HookedLeaf& hooked = *unsettled_.back();
    unsettled_.pop_back();
    if (!hooked.grad.defined()) continue;
    accumulate_leaf(hooked.leaf, hooked.hooks->run(std::move(hooked.grad), create_));
    hooked.hooks->run_post_accumulate(Tensor(hooked.leaf));
  }
}

void BackwardPass::run_hooks(const Node& node, std::vector<Tensor>& grads) {
  for (std::size_t i = 0; i < grads.size(); ++i) {
    GradHooks* hooks = node.extras()->hooks_of(i);
    if (hooks != nullptr && grads[i].defined()) grads[i] = hooks->run(std::move(grads[i]), create_);
  }
}

bool has_nan(const Tensor& x) {
  return std::ranges::any_of(x.detach().to_vector<double>(), [](double value) { return std::isnan(value); });
}

// Under Anomaly: errors learn where forward ran, and NaN is one.
void BackwardPass::backward_of(Node& node, std::span<const Tensor> grads, std::vector<Tensor>& grad_inputs) {
  if (!anomaly_enabled()) return node.backward(grads, grad_inputs);
  const std::string made_in = node.extras() != nullptr ? node.extras()->made_in : std::string();
  try {
    node.backward(grads, grad_inputs);
    const PassMode unrecorded(false);
    for (std::size_t i = 0; i < node.edges().size() && i < grad_inputs.size(); ++i) {
      const Tensor& grad = grad_inputs[i];
      if (!node.needs(i) || !grad.defined() || !has_nan(grad)) continue;
      throw Error(
          node.name(),
          fmt::format("its backward gave NaN as the gradient of input {}, of shape {}", i,
                      to_string(grad.sizes())),
          "the gradients that came to it had none: look for 0/0, inf - inf, or a slope that is infinite "
          "at 0, as those of sqrt, pow and norm");
    }
  } catch (Error& error) {
    if (error.module_path().empty()) error.set_module_path(made_in);
    throw;
  }
}

void BackwardPass::run() {
  const PassScope scope;
  std::vector<Tensor> grad_inputs;
  while (!ready_.empty()) {
    std::pop_heap(ready_.begin(), ready_.end(), earlier);
    auto taken = pending_.extract(ready_.back());
    ready_.pop_back();
    const Ref<NodeBase> owner = std::move(taken.mapped().node);
    std::vector<Tensor> grads = std::move(taken.mapped().grads);
    Node& node = as_node(owner);
    const auto end = captured_nodes_.find(&node);
    const bool closed = closed_ && end != captured_nodes_.end();
    if (node.extras() != nullptr && !closed) run_hooks(node, grads);
    if (end != captured_nodes_.end()) {
      for (auto& [index, grad] : end->second) grad = grads[index];
    }
    if (closed) continue;
    const auto wants = [&](const Edge& e) {
      return e && (!capturing_ ||
                   (e.node ? needed_.contains(&as_node(e.node)) : captured_leaves_.contains(e.leaf.get())));
    };
    if (capturing_ && std::none_of(node.edges().begin(), node.edges().end(), wants)) continue;
    backward_of(node, grads, grad_inputs);
    if (!retain_) node.release();
    grads.clear();  // their memory may be that of grad_inputs, which then is nobody else's
    for (std::size_t i = 0; i < node.edges().size() && i < grad_inputs.size(); ++i) {
      if (node.needs(i) && grad_inputs[i].defined())
        deliver(node.edges()[i], std::move(grad_inputs[i]), node.name());
    }
    if (!unsettled_.empty()) settle_hooked_leaves();
  }
  settle_hooked_leaves();
}

// The operations that the outputs were made by, in no order. Those that `ends` holds are not looked through.
std::vector<const Node*> reachable(std::span<const Tensor> outputs, const auto& ends) {
  std::vector<const Node*> nodes;
  std::unordered_set<const Node*> seen;
  const auto visit = [&](const Edge& edge) {
    if (edge.node && seen.insert(&as_node(edge.node)).second) nodes.push_back(&as_node(edge.node));
  };
  for (const Tensor& output : outputs) visit(edge_to(output));
  std::size_t visited = 0;
  while (visited < nodes.size()) {  // which grows meanwhile
    const Node* node = nodes[visited++];
    if (ends.contains(node)) continue;
    for (const Edge& edge : node->edges()) visit(edge);
  }
  return nodes;
}

void BackwardPass::expect_hooked_leaves(std::span<const Tensor> outputs) {
  if (!GradHooks::on_any_leaf()) return;
  const auto add = [&](const Edge& edge, std::uint64_t use) {
    if (!edge.leaf) return;
    const auto it = hooked_.find(edge.leaf.get());
    if (it != hooked_.end()) {
      it->second.first_use = std::min(it->second.first_use, use);
    } else if (auto hooks = hooks_of_leaf(*edge.leaf)) {
      hooked_.try_emplace(edge.leaf.get(), edge.leaf, std::move(hooks), use, Tensor());
    }
  };
  for (const Tensor& output : outputs) add(edge_to(output), std::numeric_limits<std::uint64_t>::max());
  for (const Node* node : reachable(outputs, std::unordered_set<const Node*>())) {
    for (const Edge& edge : node->edges()) add(edge, node->sequence());
  }
  for (auto& [leaf, hooked] : hooked_) unsettled_.push_back(&hooked);
  std::ranges::sort(unsettled_, {}, &HookedLeaf::first_use);
}

void BackwardPass::capture(std::span<const Tensor> outputs, std::span<const Edge> ends, bool closed) {
  capturing_ = true;
  closed_ = closed;
  for (const Edge& end : ends) {
    if (end.leaf) captured_leaves_.try_emplace(end.leaf.get());
    if (end.node) {
      auto& wanted = captured_nodes_[&as_node(end.node)];
      if (std::none_of(wanted.begin(), wanted.end(), [&](auto& w) { return w.first == end.index; })) {
        wanted.emplace_back(end.index, Tensor());
      }
    }
  }
  std::vector<const Node*> nodes =
      closed ? reachable(outputs, captured_nodes_) : reachable(outputs, std::unordered_set<const Node*>());
  std::sort(nodes.begin(), nodes.end(), earlier);  // inputs before the operations that use them
  for (const Node* node : nodes) {
    bool needed = captured_nodes_.contains(node);
    for (const Edge& edge : node->edges()) {
      needed |= edge.leaf && captured_leaves_.contains(edge.leaf.get());
      needed |= edge.node && needed_.contains(&as_node(edge.node));
    }
    if (needed) needed_.insert(node);
  }
}

std::vector<Tensor> BackwardPass::captured(std::span<const Edge> ends) {
  if (!closed_ && GradHooks::on_any_leaf()) {
    std::unordered_set<const TensorImpl*> done;
    for (const Edge& end : ends) {
      if (!end.leaf || !done.insert(end.leaf.get()).second) continue;
      Tensor& grad = captured_leaves_.at(end.leaf.get());
      const auto hooks = hooks_of_leaf(*end.leaf);
      if (hooks && grad.defined()) grad = hooks->run(std::move(grad), create_);
    }
  }
  std::vector<Tensor> out;
  for (const Edge& end : ends) {
    Tensor found;
    if (end.leaf) found = captured_leaves_.at(end.leaf.get());
    if (end.node) {
      for (const auto& [index, grad] : captured_nodes_.at(&as_node(end.node))) {
        if (index == end.index) found = grad;
      }
    }
    out.push_back(std::move(found));
  }
  return out;
}

void seed_all(BackwardPass& pass, const char* operation, std::span<const Tensor> outputs,
              std::span<const Tensor> grad_outputs) {
  if (!grad_outputs.empty() && grad_outputs.size() != outputs.size()) {
    throw Error(operation,
                fmt::format("{} outputs, but {} gradients for them", outputs.size(), grad_outputs.size()));
  }
  for (const Tensor& output : outputs) {
    if (!output.requires_grad()) {
      throw Error(
          operation,
          fmt::format("a tensor of shape {} depends on nothing that requires a gradient",
                      to_string(output.sizes())),
          "was it computed under NoGrad, or from detached tensors? Parameters require gradients by default");
    }
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& output = outputs[i];
    Tensor grad = grad_outputs.empty() ? Tensor() : grad_outputs[i];
    if (!grad.defined()) {
      if (output.numel() != 1) {
        throw Error(operation, fmt::format("a tensor of shape {} is no scalar", to_string(output.sizes())),
                    "reduce it with sum() or mean(), or give backward() a gradient of its shape");
      }
      grad = empty(output.sizes(), output.dtype()).fill_(1);
    } else if (grad.sizes() != output.sizes()) {
      throw Error(operation, fmt::format("gradient of shape {} for an output of shape {}",
                                         to_string(grad.sizes()), to_string(output.sizes())));
    }
    pass.seed(output, std::move(grad));
  }
}

}  // namespace

void backward(std::span<const Tensor> outputs, std::span<const Tensor> grad_outputs,
              Tensor::BackwardOptions options) {
  forbid_inside_forward(
      "backward", "backward() was called",
      "training belongs outside the model: compute the loss from the model's result and call "
      "backward() on that; autograd::grad() is allowed, since it is computation");
  const PassMode mode(options.create_graph);
  BackwardPass pass(options.retain_graph, options.create_graph);
  pass.expect_hooked_leaves(outputs);
  seed_all(pass, "backward", outputs, grad_outputs);
  pass.run();
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> grad_outputs, GradOptions options) {
  for (const Tensor& input : inputs) {
    if (!input.requires_grad()) {
      throw Error("grad", fmt::format("an input of shape {} requires no gradient", to_string(input.sizes())),
                  "call requires_grad_() on it before computing the outputs");
    }
  }
  const PassMode mode(options.create_graph);
  BackwardPass pass(options.retain_graph, options.create_graph);
  std::vector<Edge> ends;
  ends.reserve(inputs.size());
  for (const Tensor& input : inputs) ends.push_back(edge_to(input));
  pass.capture(outputs, ends, false);
  seed_all(pass, "grad", outputs, grad_outputs);
  pass.run();
  std::vector<Tensor> result = pass.captured(ends);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!result[i].defined() && !options.allow_unused) {
      throw Error(
          "grad",
          fmt::format("the outputs do not depend on input {} (shape {})", i, to_string(inputs[i].sizes())),
          "set allow_unused to get an undefined gradient for it");
    }
  }
  return result;
}

std::vector<Tensor> grad_of_segment(std::span<const Tensor> outputs, std::span<const Edge> ends,
                                    std::span<const Tensor> grad_outputs, bool create_graph) {
  const PassMode mode(create_graph);
  BackwardPass pass(create_graph, create_graph);
  pass.capture(outputs, ends, true);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (grad_outputs[i].defined() && outputs[i].requires_grad()) pass.seed(outputs[i], grad_outputs[i]);
  }
  pass.run();
  return pass.captured(ends);
}

Tensor grad(const Tensor& output, const Tensor& input, GradOptions options) {
  return grad({&output, 1}, {&input, 1}, {}, options)[0];
}

}  // namespace mica::autograd

namespace mica {

void Tensor::backward(const Tensor& gradient) const { backward(gradient, {}); }

void Tensor::backward(const Tensor& gradient, BackwardOptions options) const {
  autograd::backward({this, 1}, {&gradient, 1}, options);
}

}  // namespace mica
