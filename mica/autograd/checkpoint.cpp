#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/autograd/autocast.h>
#include <mica/autograd/checkpoint.h>
#include <mica/autograd/segment.h>
#include <mica/core/error.h>
#include <mica/core/random.h>

namespace mica::autograd {

namespace {

using GeneratorState = decltype(std::declval<Generator&>().state());

// Draws the numbers of an earlier state for a while.
class EarlierGenerator {
 public:
  explicit EarlierGenerator(const GeneratorState* state) : active_(state != nullptr) {
    if (!active_) return;
    now_ = default_generator().state();
    default_generator().set_state(*state);
  }
  ~EarlierGenerator() {
    if (active_) default_generator().set_state(now_);
  }
  EarlierGenerator(const EarlierGenerator&) = delete;
  EarlierGenerator& operator=(const EarlierGenerator&) = delete;

 private:
  bool active_;
  GeneratorState now_;
};

bool same(const Edge& a, const Edge& b) { return a.node == b.node && a.leaf == b.leaf && a.index == b.index; }

// One run of the function, with its graph.
struct Run {
  std::vector<Tensor> inputs;  // each at the end of the segment's graph: its history is one operation
  std::vector<Tensor> results;
  std::vector<Edge> captured;  // where else the graph of the segment leaves it
};

Run run(const ListFunction& fn, std::span<const Tensor> inputs) {
  const EnableGrad enable;
  Run out;
  const std::uint64_t start = Node::next_sequence();
  std::unordered_set<const NodeBase*> seen;
  for (const Tensor& x : inputs) {
    const bool wanted = x.defined() && x.requires_grad();
    out.inputs.push_back(x);
    if (!wanted) continue;
    out.inputs.back() =
        record("checkpoint_input", x.detach(), {&x}, [](const Node&, const Tensor& g) { return g; });
    seen.insert(out.inputs.back().impl()->grad_fn.get());
  }
  out.results = fn(out.inputs);

  std::vector<const Node*> nodes;
  const auto visit = [&](const Edge& edge) {
    const Node* node = static_cast<const Node*>(edge.node.get());
    if (edge.leaf || (node != nullptr && node->sequence() < start)) {
      if (std::ranges::none_of(out.captured, [&](const Edge& other) { return same(edge, other); }))
        out.captured.push_back(edge);
    } else if (node != nullptr && seen.insert(node).second) {
      nodes.push_back(node);
    }
  };
  for (const Tensor& y : out.results) visit(edge_to(y));
  while (!nodes.empty()) {
    const Node* node = nodes.back();
    nodes.pop_back();
    for (const Edge& edge : node->edges()) visit(edge);
  }
  return out;
}

class CheckpointNode final : public ListNode {
 public:
  CheckpointNode(ListFunction fn, std::span<const Tensor> inputs, const GeneratorState* state)
      : ListNode("checkpoint") {
    auto& kept = kept_.emplace();
    kept.fn = std::move(fn);
    kept.autocast = autocast_options();
    for (const Tensor& x : inputs) kept.inputs.emplace_back(x);
    if (state != nullptr) kept.state = std::make_unique<GeneratorState>(*state);
  }

  void connect(std::span<const Tensor> inputs, const std::vector<Edge>& captured,
               std::span<const Tensor> results) {
    std::vector<Edge> edges;
    for (const Tensor& x : inputs) edges.push_back(edge_to(x));
    edges.insert(edges.end(), captured.begin(), captured.end());
    for (const Edge& edge : captured) {
      if (edge.leaf) kept_->leaves.emplace_back(Tensor(edge.leaf));
    }
    set_inputs(std::move(edges));
    set_results(results);
  }

  void backward(std::span<const Tensor> grad_outputs, std::vector<Tensor>& grad_inputs) override {
    if (!kept_) throw_freed();
    for (const Saved& leaf : kept_->leaves) leaf.get(*this);  // throws if it was changed
    std::vector<Tensor> inputs;
    for (const Saved& x : kept_->inputs) inputs.push_back(x.get(*this));
    const bool create_graph = grad_enabled();
    Run again;
    {
      const EarlierGenerator generator(kept_->state.get());
      const Autocast autocast(kept_->autocast);
      again = run(kept_->fn, inputs);
    }
    check_same(again);
    std::vector<Edge> ends;
    ends.reserve(std::max(again.inputs.size(), edges().size()));
    for (const Tensor& x : again.inputs) ends.push_back(edge_to(x));
    for (std::size_t i = ends.size(); i < edges().size(); ++i) ends.push_back(edges()[i]);
    grad_inputs = grad_of_segment(again.results, ends, grad_outputs, create_graph);
  }

  void release() override { kept_.reset(); }

 private:
  struct Kept {
    ListFunction fn;
    std::vector<Saved> inputs, leaves;
    AutocastOptions autocast;
    std::unique_ptr<GeneratorState> state;
  };

  void check_same(const Run& again) const {
    const auto fail = [](const std::string& what) {
      throw Error(
          "checkpoint", what,
          "the function must compute the same from the same inputs: look for state that it changes, and "
          "numbers drawn from generators other than the default one");
    };
    if (again.results.size() != outputs().size())
      fail(fmt::format("{} results the first time, {} when run again", outputs().size(),
                       again.results.size()));
    for (std::size_t i = 0; i < outputs().size(); ++i) {
      const Tensor& y = again.results[i];
      if (y.defined() && y.sizes() == outputs()[i].sizes && y.dtype() == outputs()[i].dtype) continue;
      fail(fmt::format(
          "result {} was {} {}, and when run again {}", i, mica::name(outputs()[i].dtype),
          to_string(outputs()[i].sizes),
          y.defined() ? fmt::format("{} {}", mica::name(y.dtype()), to_string(y.sizes())) : "undefined"));
    }
    const auto known = edges().subspan(kept_->inputs.size());
    for (const Edge& edge : again.captured) {
      if (std::ranges::none_of(known, [&](const Edge& other) { return same(edge, other); }))
        fail(
            "when run again, the function uses a tensor that requires a gradient and that it did not use "
            "before");
    }
  }

  std::optional<Kept> kept_;
};

}  // namespace

std::vector<Tensor> checkpoint_list(ListFunction fn, std::span<const Tensor> inputs,
                                    const CheckpointOptions& options) {
  if (!grad_enabled()) return fn(inputs);
  std::optional<GeneratorState> state;
  if (options.preserve_rng_state) state = default_generator().state();
  std::vector<Tensor> results;
  std::vector<Edge> captured;
  bool wanted = false;
  {
    Run first = run(fn, inputs);
    captured = std::move(first.captured);
    for (const Tensor& y : first.results) {
      if (!y.defined()) throw Error("checkpoint", "the function returned an undefined tensor");
      wanted |= y.requires_grad();
      results.push_back(y.detach());
    }
  }  // here the graph of the segment ends
  if (!wanted) return results;
  auto* node = new CheckpointNode(std::move(fn), inputs, state ? &*state : nullptr);
  const auto owner = Ref<NodeBase>::adopt(node);
  node->connect(inputs, captured, results);
  return results;
}

}  // namespace mica::autograd
