// The graph that operations record, and how they record it.
//
// An operation computes its result and then says how to come back:
//
//   Tensor tanh(const Tensor& x) {
//     Tensor y = ...;                                       // forward
//     if (!autograd::recording(x)) return y;
//     return autograd::record("tanh", y, {&x}, [y = SavedOutput(y)](const Node& node, const Tensor& grad) {
//       return tanh_backward(grad, y.get(node));            // backward, written with differentiable
//       operations
//     });
//   }
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <mica/autograd/grad_mode.h>
#include <mica/core/owned.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/tensor.h>

namespace mica::autograd {

class Node;
struct NodeExtras;

// Where a gradient goes: into output `index` of `node`, or into the grad() of `leaf`, or nowhere (both null).
struct Edge {
  Ref<NodeBase> node;
  Ref<TensorImpl> leaf;
  std::uint32_t index = 0;
  explicit operator bool() const { return node || leaf; }
};
// The end of the graph at `x`: empty when x needs no gradient.
Edge edge_to(const Tensor& x);

// One recorded operation.
class Node : public NodeBase {
 public:
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  struct Output {
    Shape sizes;
    DType dtype;
  };
  const char* name() const { return name_; }
  // Later operations have larger numbers, so descending order is an order for the backward pass.
  std::uint64_t sequence() const { return sequence_; }
  // A number that is larger than those of all operations recorded so far, and no larger than later ones.
  static std::uint64_t next_sequence();
  std::span<const Edge> edges() const { return edges_; }
  std::span<const Output> outputs() const { return outputs_; }
  // Does input i want a gradient?
  bool needs(std::size_t i) const { return static_cast<bool>(edges_[i]); }
  // Gradients of the inputs from those of the outputs; undefined stands for zero. Sizes may still be
  // broadcast and dtypes promoted: the engine reduces and converts them to the input's own. Errors: the graph
  // was freed.
  virtual void backward(std::span<const Tensor> grad_outputs, std::vector<Tensor>& grad_inputs) = 0;
  // Frees what was saved; backward() throws from then on.
  virtual void release() = 0;

  // Hooks on the results and where forward ran; null for most.
  NodeExtras* extras() const { return extras_.get(); }
  NodeExtras& make_extras();

 protected:
  explicit Node(const char* name);
  [[noreturn]] void throw_freed() const;
  std::span<Edge> edges_;  // storage in the derived class
  std::span<Output> outputs_;

 private:
  const char* name_;
  std::uint64_t sequence_;
  Owned<NodeExtras> extras_;
};

// An input kept for backward. get() checks that nobody changed it in place since.
class Saved {
 public:
  Saved() = default;
  explicit Saved(const Tensor& x);
  bool defined() const { return tensor_.defined(); }
  // Errors: changed in place since it was saved.
  Tensor get(const Node& node) const;

 private:
  Tensor tensor_;
  std::uint32_t version_ = 0;
};

// A result kept for backward, without the cycle that a handle to it would make.
class SavedOutput {
 public:
  explicit SavedOutput(const Tensor& y, std::uint32_t index = 0);
  // Errors: changed in place since it was saved.
  Tensor get(const Node& node) const;

 private:
  Tensor tensor_;
  std::uint32_t version_ = 0;
  std::uint32_t index_ = 0;
};

namespace detail {

[[noreturn]] void throw_stale_view(const Tensor& x);
[[noreturn]] void throw_inference(const char* operation, const TensorImpl& impl);

// Makes a tensor output `index` of the node.
inline void attach(Node& node, TensorImpl& result, std::size_t index) {
  if (result.storage->inference) [[unlikely]]
    throw_inference(node.name(), result);
  result.grad_fn = Ref<NodeBase>::share(&node);
  result.output_index = static_cast<std::uint32_t>(index);
  result.requires_grad = false;
}

// Views taken before a recorded in-place change of their base have lost their history.
inline bool needs_record(const Tensor& x) {
  const TensorImpl* impl = x.impl().get();
  if (impl == nullptr) return false;
  if (impl->is_view && impl->storage->recorded_version.load(std::memory_order_relaxed) > impl->view_version)
      [[unlikely]] {
    throw_stale_view(x);
  }
  return impl->needs_grad();
}

template <class F>
concept SingleGrad = std::is_invocable_v<F&, const Node&, const Tensor&>;

// N inputs (0: counted at run time), M outputs, and the function from gradients to gradients. A function
// without saved tensors is kept after backward, so such nodes can be run again.
template <class F, std::size_t N, std::size_t M> class OpNode final : public Node {
 public:
  OpNode(const char* name, F f) : Node(name), f_(std::move(f)) {}

  void connect(std::span<const Tensor* const> inputs, std::span<const Tensor> results) {
    for (std::size_t i = 0; i < inputs.size(); ++i) edge_storage_[i] = edge_to(*inputs[i]);
    connect_results(results);
  }
  void connect_list(std::span<const Tensor> inputs, std::span<const Tensor> results) {
    edge_storage_.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) edge_storage_[i] = edge_to(inputs[i]);
    connect_results(results);
  }

  void backward(std::span<const Tensor> grad_outputs, std::vector<Tensor>& grad_inputs) override {
    if (!f_) throw_freed();
    if constexpr (SingleGrad<F>)
      store((*f_)(static_cast<const Node&>(*this), grad_outputs[0]), grad_inputs);
    else
      store((*f_)(static_cast<const Node&>(*this), grad_outputs), grad_inputs);
  }

  void release() override {
    if constexpr (!std::is_trivially_destructible_v<F>) f_.reset();
  }

 private:
  void connect_results(std::span<const Tensor> results) {
    edges_ = edge_storage_;
    for (std::size_t i = 0; i < M; ++i) {
      output_storage_[i] = {results[i].impl()->sizes, results[i].impl()->dtype};
      TensorImpl& impl = *results[i].impl();
      if (mica::is_floating_point(impl.dtype)) attach(*this, impl, i);
    }
    outputs_ = output_storage_;
  }
  static void store(Tensor grad, std::vector<Tensor>& out) {
    out.clear();
    out.push_back(std::move(grad));
  }
  template <std::size_t K> static void store(std::array<Tensor, K> grads, std::vector<Tensor>& out) {
    static_assert(K == N, "one gradient per input");
    out.assign(std::make_move_iterator(grads.begin()), std::make_move_iterator(grads.end()));
  }
  static void store(std::vector<Tensor> grads, std::vector<Tensor>& out) { out = std::move(grads); }

  std::optional<F> f_;
  std::conditional_t<N == 0, std::vector<Edge>, std::array<Edge, N>> edge_storage_;
  std::array<Output, M> output_storage_;
};

}  // namespace detail

// True when gradients are wanted of any of these: recording is on and one of them needs a gradient.
template <std::derived_from<Tensor>... T> bool recording(const T&... inputs) {
  return grad_enabled() && (static_cast<int>(detail::needs_record(inputs)) | ...) != 0;
}
bool recording(std::span<const Tensor> inputs);

// Makes `result` the outcome of an operation on `inputs`. `backward(node, grad)` returns the gradient of the
// input, a std::array with one per input, or undefined ones for inputs without. `name` must be a string
// literal.
template <std::size_t N, class F>
Tensor record(const char* name, Tensor result, const Tensor* const (&inputs)[N], F backward) {
  auto* node = new detail::OpNode<F, N, 1>(name, std::move(backward));
  const auto owner = Ref<NodeBase>::adopt(node);
  node->connect(inputs, {&result, 1});
  return result;
}

// The same for several results; `backward(node, grads)` gets a span with one gradient per result, undefined
// where none arrived.
template <std::size_t M, std::size_t N, class F>
void record_several(const char* name, const std::array<Tensor, M>& results, const Tensor* const (&inputs)[N],
                    F backward) {
  auto* node = new detail::OpNode<F, N, M>(name, std::move(backward));
  const auto owner = Ref<NodeBase>::adopt(node);
  node->connect(inputs, results);
}

// The same for a number of inputs known at run time; `backward` returns a std::vector.
template <class F>
Tensor record_list(const char* name, Tensor result, std::span<const Tensor> inputs, F backward) {
  auto* node = new detail::OpNode<F, 0, 1>(name, std::move(backward));
  const auto owner = Ref<NodeBase>::adopt(node);
  node->connect_list(inputs, {&result, 1});
  return result;
}

// Marks `result` as made by an operation without a derivative: backward through it throws, by name.
Tensor record_not_differentiable(const char* name, Tensor result, std::span<const Tensor> inputs);

}  // namespace mica::autograd

namespace mica {
using autograd::Node;
using autograd::Saved;
using autograd::SavedOutput;
}  // namespace mica
