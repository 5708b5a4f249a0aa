#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <typeindex>

#include <cxxabi.h>
#include <fmt/format.h>

#include <mica/autograd/function.h>
#include <mica/core/error.h>

namespace mica::autograd {

namespace {

// Continues a history that has no derivative.
class OpaqueNode final : public ListNode {
 public:
  OpaqueNode(const char* name, std::string what, std::string hint)
      : ListNode(name), what_(std::move(what)), hint_(std::move(hint)) {}
  void connect(std::vector<Edge> edges, const Tensor& result) {
    set_inputs(std::move(edges));
    set_results({&result, 1});
  }
  void backward(std::span<const Tensor>, std::vector<Tensor>&) override { throw Error(name(), what_, hint_); }
  void release() override {}

 private:
  std::string what_, hint_;
};

// The numbers of x, with a history through which backward throws.
Tensor opaque(const char* name, const Tensor& x, std::vector<Edge> edges, std::string what,
              std::string hint) {
  Tensor y = x.detach();
  auto* node = new OpaqueNode(name, std::move(what), std::move(hint));
  const auto owner = Ref<NodeBase>::adopt(node);
  node->connect(std::move(edges), y);
  return y;
}

std::vector<Edge> copy_of(std::span<const Edge> edges) { return {edges.begin(), edges.end()}; }

}  // namespace

// ---- Context ----

Context::Context() = default;
Context::~Context() = default;

void Context::mark_non_differentiable(const Tensor& result) { not_differentiable_.push_back(result); }

void Context::keep(const Tensor& tensor, bool constant) {
  kept_.push_back({tensor, constant ? Kind::constant : Kind::between, {}, {}});
}

Tensor Context::saved(std::size_t i) const {
  if (node_ == nullptr) throw Error("Context", "saved() is for backward; forward has its tensors still");
  if (i >= kept_.size()) {
    throw Error(node_->name(),
                fmt::format("backward asks for saved tensor {}, but forward saved {}", i, kept_.size()),
                "ctx.save(a, b) in forward; numbers start at 0");
  }
  return node_->saved(kept_[i]);
}

void Context::check_count(std::size_t n) const {
  if (n == kept_.size()) return;
  throw Error(node_ != nullptr ? node_->name() : "Context",
              fmt::format("backward asks for {} saved tensors, but forward saved {}", n, kept_.size()),
              "ctx.saved<N>() takes all that ctx.save() kept");
}

bool Context::needs_input_grad(std::size_t i) const {
  if (i < needs_.size()) return needs_[i];
  throw Error("Context", fmt::format("tensor input {} of {} does not exist", i, needs_.size()),
              "inputs are counted from 0, tensors only");
}

// ---- the node ----

namespace detail {

void append_tensors(std::vector<Tensor>& out, const Tensor& x) { out.push_back(x); }
void append_tensors(std::vector<Tensor>& out, const std::optional<Tensor>& x) {
  out.push_back(x.value_or(Tensor()));
}
void append_tensors(std::vector<Tensor>& out, std::span<const Tensor> list) {
  out.insert(out.end(), list.begin(), list.end());
}

FunctionNode::FunctionNode(const char* name, bool once) : ListNode(name), once_(once) {}
FunctionNode::~FunctionNode() = default;

void FunctionNode::begin(Context& context, std::span<const Tensor> inputs) {
  const bool on = recording(inputs);
  std::vector<Edge> edges;
  edges.reserve(inputs.size());
  for (const Tensor& x : inputs) {
    edges.push_back(on ? edge_to(x) : Edge());
    context.needs_.push_back(static_cast<bool>(edges.back()));
    versions_.push_back(x.defined() ? x.version() : 0);
  }
  set_inputs(std::move(edges));
  recorded_ = on;
}

void FunctionNode::finish(Context& context, std::span<const Tensor> inputs,
                          std::span<Tensor* const> results) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || inputs[i].version() == versions_[i]) continue;
    throw Error(
        name(),
        fmt::format("forward changed tensor input {} in place, of shape {}", i, to_string(inputs[i].sizes())),
        "change a clone() and return that");
  }
  if (!recorded_) return;
  const auto any_is = [](const auto& list, const Tensor& x) {
    return std::ranges::any_of(list, [&](const Tensor& other) { return other.is_same(x); });
  };
  std::vector<Tensor> given;  // as forward saved them
  std::vector<Tensor> attached;
  std::vector<bool> constant;
  for (Tensor* y : results) {
    given.push_back(*y);
    constant.push_back(any_is(context.not_differentiable_, *y));
    // A result may be an input, or have a history of its own: that stays with the tensor it belongs to.
    if (y->defined() && y->requires_grad()) *y = y->detach();
    // Changes of what shares memory with an input could not be recorded for both.
    if (y->defined() &&
        std::ranges::any_of(inputs, [&](const Tensor& x) { return x.defined() && y->shares_storage(x); })) {
      *y = y->detach();
      y->impl()->is_view = true;
      y->impl()->view_version = y->version();
    }
    attached.push_back(*y);
  }
  set_results(attached, constant);
  for (Context::Kept& kept : context.kept_) {
    const Tensor x = std::exchange(kept.tensor, Tensor());
    const auto at = std::ranges::find_if(given, [&](const Tensor& y) { return y.defined() && y.is_same(x); });
    if (kept.kind == Context::Kind::constant) {
      kept.saved = Saved(x.defined() ? x.detach() : x);
    } else if (any_is(inputs, x) || !x.defined() || !x.is_floating_point()) {
      kept.kind = Context::Kind::input;
      kept.saved = Saved(x);
    } else if (at != given.end()) {
      const auto index = static_cast<std::size_t>(at - given.begin());
      kept.kind = constant[index] ? Context::Kind::constant : Context::Kind::result;
      if (constant[index])
        kept.saved = Saved(x.detach());
      else
        kept.result.emplace(attached[index], static_cast<std::uint32_t>(index));
    } else {
      kept.saved = Saved(x.detach());
    }
  }
  context.not_differentiable_.clear();
  context.node_ = this;
}

Tensor FunctionNode::saved(const Context::Kept& kept) const {
  if (kept.result) return kept.result->get(*this);
  Tensor x = kept.saved.get(*this);
  if (kept.kind != Context::Kind::between || !grad_enabled()) return x;
  return opaque(
      name(), x, copy_of(edges()),
      fmt::format("a second derivative goes through a saved tensor of shape {} that is neither an input nor "
                  "a result",
                  to_string(x.sizes())),
      "save the inputs and compute it again in backward, return it as a result, or, if it does not depend "
      "on the inputs, use ctx.save_constant()");
}

void FunctionNode::backward_of(const Context& context, std::span<const Tensor> grad_outputs,
                               std::vector<Tensor>& grad_inputs) {
  std::vector<Tensor> grads(grad_outputs.begin(), grad_outputs.end());
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined() && context.materialize_grads_)
      grads[i] = empty(outputs()[i].sizes, outputs()[i].dtype).fill_(0);
  }
  const bool record = grad_enabled();
  if (once_) {
    const NoGrad unrecorded;
    grad_inputs = call(grads);
  } else {
    grad_inputs = call(grads);
  }
  if (grad_inputs.size() != edges().size()) {
    throw Error(name(),
                fmt::format("backward returned {} gradients for {} tensor inputs", grad_inputs.size(),
                            edges().size()),
                "return one per tensor that apply() was given, an undefined Tensor where there is none");
  }
  if (!once_ || !record) return;
  std::vector<Edge> edges = copy_of(this->edges());
  for (const Tensor& grad : grads) edges.push_back(edge_to(grad));
  for (Tensor& grad : grad_inputs) {
    if (!grad.defined()) continue;
    grad =
        opaque(name(), grad, edges, "it is declared once_differentiable, so its gradient has no derivative",
               "write its backward with differentiable operations to have one");
  }
}

const char* function_name(const std::type_info& type) {
  static std::mutex mutex;
  static auto* names = new std::map<std::type_index, std::string>;  // nodes may outlive static objects
  const std::lock_guard lock(mutex);
  const auto [it, added] = names->try_emplace(std::type_index(type));
  if (added) {
    int status = 0;
    char* full = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    std::string name = full != nullptr ? full : type.name();
    std::free(full);
    // Qualifiers end before the template arguments.
    std::size_t depth = 0, start = 0;
    for (std::size_t i = 0; i + 1 < name.size(); ++i) {
      if (name[i] == '<' || name[i] == '(') ++depth;
      if (name[i] == '>' || name[i] == ')') --depth;
      if (depth == 0 && name[i] == ':' && name[i + 1] == ':') start = i + 2;
    }
    it->second = name.substr(start);
  }
  return it->second.c_str();
}

}  // namespace detail
}  // namespace mica::autograd
