#include <algorithm>
#include <array>
#include <optional>
#include <ostream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/autograd/node.h>
#include <mica/nn/find_tensors.h>
#include <mica/nn/lint.h>
#include <mica/nn/preserve.h>
#include <mica/ops/creation.h>
#include <mica/tensor/impl.h>

namespace mica::nn {

namespace {

struct Member {
  std::string path;
  Tensor tensor;
  bool is_parameter;
};

// What one walk finds out: the members, a tied one once, and what needs no second look.
struct LintVisitor final : Visitor {
  std::vector<Member> members, bare;  // bare tensors, which are no members of the state
  std::vector<Finding> findings;
  std::unordered_set<const TensorImpl*> seen;

  // The module that is being shown, for the question whether it is a frozen batch norm.
  struct Facts {
    std::string path;
    bool trains = false, has_mean = false, has_variance = false;
    std::int64_t parameters = 0, frozen = 0;
  };
  std::vector<Facts> around{Facts{}};

  void enter(std::string_view name, const ModuleRef&) override { around.push_back({.path = path(name)}); }
  void leave(const ModuleRef&) override {
    judge_batch_norm(around.back());
    around.pop_back();
  }
  void mode(std::string_view, Mode& m) override { around.back().trains = m.training; }
  void parameter(std::string_view name, Parameter& p) override {
    ++around.back().parameters;
    if (!p.requires_grad()) ++around.back().frozen;
    if (seen.insert(p.impl().get()).second) members.push_back({path(name), p, true});
  }
  void buffer(std::string_view name, Buffer& b) override {
    around.back().has_mean |= name == "running_mean";
    around.back().has_variance |= name == "running_var";
    if (seen.insert(b.impl().get()).second) members.push_back({path(name), b, false});
  }

  // A tensor with a history is what some forward left there; anything else was put there to stay.
  void tensor(std::string_view name, Tensor& x) override {
    if (x.defined() && x.is_floating_point() && x.is_leaf()) bare.push_back({path(name), x, false});
  }

  // By its members, so that a user's own is one too.
  void judge_batch_norm(const Facts& module) {
    if (!module.has_mean || !module.has_variance || !module.trains) return;
    if (module.parameters == 0 || module.frozen < module.parameters) return;
    findings.push_back(
        {Finding::Kind::frozen_batch_norm, module.path,
         "its weights are frozen, but in train mode it normalises by the batch and goes on "
         "changing its running statistics: call eval() on it, after each train() of the model"});
  }
};

// First and last byte that a tensor covers in its block of memory.
struct Extent {
  std::int64_t low, high;
};
Extent extent(const Tensor& x) {
  std::int64_t low = x.storage_offset(), high = low;
  for (int i = 0; i < x.dim(); ++i) {
    const std::int64_t reach = (x.sizes()[i] - 1) * x.strides()[i];
    (reach < 0 ? low : high) += reach;
  }
  const auto item = static_cast<std::int64_t>(item_size(x.dtype()));
  return {low * item, (high + 1) * item};
}

// Do they have an element in common? Columns of one matrix, for example, lie between each other and do not.
bool overlap(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) return true;
  const Extent ours = extent(a), theirs = extent(b);
  const auto item = static_cast<std::int64_t>(item_size(a.dtype()));
  const std::int64_t low = std::min(ours.low, theirs.low) / item;
  const Tensor marks = zeros(Shape((std::max(ours.high, theirs.high) / item) - low), boolean);
  alias(marks, a.sizes(), a.strides(), a.storage_offset() - low).fill_(1);
  return alias(marks, b.sizes(), b.strides(), b.storage_offset() - low).any().item<bool>();
}

void find_shared_memory(const std::vector<Member>& members, std::vector<Finding>& findings) {
  struct Part {
    Extent at;
    const Member* member;
  };
  std::unordered_map<const Storage*, std::vector<Part>> blocks;
  for (const Member& m : members) {
    if (m.tensor.numel() > 0) blocks[m.tensor.impl()->storage.get()].push_back({extent(m.tensor), &m});
  }
  const NoGrad no_grad;
  for (const Member& m : members) {  // in order, each block at its first member
    const auto it = blocks.find(m.tensor.impl()->storage.get());
    if (it == blocks.end()) continue;
    std::vector<Part> parts = std::move(it->second);
    blocks.erase(it);
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
      return std::pair(a.at.low, a.member) < std::pair(b.at.low, b.member);
    });
    for (std::size_t i = 0; i < parts.size(); ++i) {
      for (std::size_t j = i + 1; j < parts.size() && parts[j].at.low < parts[i].at.high; ++j) {
        const Member *first = parts[i].member, *second = parts[j].member;
        if (first > second) std::swap(first, second);
        if (!first->is_parameter && !second->is_parameter) continue;
        if (!overlap(first->tensor, second->tensor)) continue;
        findings.push_back(
            {Finding::Kind::shared_memory, second->path,
             fmt::format("it lies in the memory of {}, but the two are not tied, so an optimizer changes the "
                         "same numbers twice: declare it as nn::tied, or clone() the tensor that it is made "
                         "of",
                         first->path)});
      }
    }
  }
}

void find_forgotten(LintVisitor& v) {
  for (const Member& m : v.bare) {
    if (v.seen.contains(m.tensor.impl().get())) continue;  // another handle of what is declared
    const std::string kind =
        fmt::format("a Tensor {} {}", name(m.tensor.dtype()), to_string(m.tensor.sizes()));
    v.findings.push_back(
        {Finding::Kind::forgotten_parameter, m.path,
         m.tensor.requires_grad()
             ? fmt::format("{} that requires a gradient, but no optimizer and no file will see it: declare "
                           "it as nn::Parameter",
                           kind)
             : fmt::format("{} is neither trained nor saved nor converted: declare it as nn::Parameter if "
                           "the model learns it, as nn::Buffer if it is a constant; what only lasts until "
                           "the next forward may stay",
                           kind)});
  }
}

void find_mixed_dtypes(const std::vector<Member>& members, std::vector<Finding>& findings) {
  struct Group {
    DType dtype;
    std::vector<const Member*> members;
  };
  std::vector<Group> groups;
  for (const Member& m : members) {
    if (!m.tensor.is_floating_point()) continue;
    auto it = std::ranges::find(groups, m.tensor.dtype(), &Group::dtype);
    if (it == groups.end()) it = groups.insert(it, {m.tensor.dtype(), {}});
    it->members.push_back(&m);
  }
  if (groups.size() < 2) return;
  const auto most = std::ranges::max_element(groups, {}, [](const Group& g) { return g.members.size(); });
  for (const Group& group : groups) {
    if (group.dtype == most->dtype) continue;
    const Member& first = *group.members.front();
    const std::size_t others = group.members.size() - 1;
    const std::string and_others =
        others == 0 ? "" : fmt::format(", as {} other{}", others, others == 1 ? " is" : "s are");
    findings.push_back(
        {Finding::Kind::mixed_dtypes, first.path,
         fmt::format("it is {}{}, where most are {}: call to({}) on the model, unless that is intended",
                     name(group.dtype), and_others, name(most->dtype), name(most->dtype))});
  }
}

using Leaves = std::unordered_set<const TensorImpl*>;

// The leaves whose gradients a backward from these tensors would compute.
void add_leaves(const std::vector<Tensor>& results, Leaves& leaves) {
  std::vector<const autograd::Node*> todo;
  std::unordered_set<const autograd::Node*> seen;
  const auto follow = [&](const autograd::Edge& edge) {
    if (edge.leaf) leaves.insert(edge.leaf.get());
    const auto* node = static_cast<const autograd::Node*>(edge.node.get());
    if (node != nullptr && seen.insert(node).second) todo.push_back(node);
  };
  for (const Tensor& x : results) follow(autograd::edge_to(x));
  while (!todo.empty()) {
    const autograd::Node* node = todo.back();
    todo.pop_back();
    for (const autograd::Edge& edge : node->edges()) follow(edge);
  }
}

// `used`: the parameters that a forward used; null if none was run.
Findings findings_of(const ModuleRef& model, const Leaves* used) {
  LintVisitor v;
  model.walk(v);
  v.judge_batch_norm(v.around.front());
  find_forgotten(v);
  const bool had_backward = std::ranges::any_of(
      v.members, [](const Member& m) { return m.is_parameter && m.tensor.grad().defined(); });
  for (const Member& m : v.members) {
    if (!m.is_parameter || !m.tensor.requires_grad()) continue;
    if (used != nullptr && !used->contains(m.tensor.impl().get())) {
      v.findings.push_back({Finding::Kind::unused_parameter, m.path,
                            "the result of forward does not depend on it: use it there, remove it, or freeze "
                            "it with requires_grad_(false)"});
    } else if (had_backward && !m.tensor.grad().defined()) {
      v.findings.push_back({Finding::Kind::no_gradient, m.path,
                            "it has no gradient, though others have one: see whether forward uses it, and "
                            "whether detach() or NoGrad is in between; freeze it with requires_grad_(false) "
                            "if it is not to be trained"});
    }
  }
  find_shared_memory(v.members, v.findings);
  find_mixed_dtypes(v.members, v.findings);
  return {std::move(v.findings)};
}

}  // namespace

struct detail::LintRun::State {
  explicit State(const ModuleRef& root) : model(root) {}
  ModuleRef model;
  std::optional<Leaves> used;  // once a result of a known type was seen
  EnableGrad grad;
  std::optional<Preserve> preserve;
  HookHandle hook;
};

detail::LintRun::LintRun(const ModuleRef& model) : state_(new State(model)) {
  state_->preserve.emplace(model);
  state_->hook =
      register_forward_hook(model, [state = state_.get()](const ModuleRef&, Arguments&, Value& result) {
        const std::vector<Tensor> results = find_tensors(result);
        if (results.empty()) return;
        if (!state->used) state->used.emplace();
        add_leaves(results, *state->used);
      });
}

detail::LintRun::~LintRun() = default;

Findings detail::LintRun::finish() {
  state_->hook.remove();
  state_->preserve.reset();
  return findings_of(state_->model, state_->used ? &*state_->used : nullptr);
}

Findings lint(const ModuleRef& model) { return findings_of(model, nullptr); }

std::string_view to_string(Finding::Kind kind) {
  constexpr std::array<std::string_view, 6> names{"forgotten parameter", "unused parameter",  "no gradient",
                                                  "shared memory",       "frozen batch norm", "mixed dtypes"};
  return names.at(static_cast<std::size_t>(kind));
}

std::string Findings::to_string() const {
  std::string out;
  for (const Finding& f : list) {
    out +=
        fmt::format("{}: {}: {}\n", f.path.empty() ? "the model" : f.path, nn::to_string(f.kind), f.message);
  }
  return out;
}

std::ostream& operator<<(std::ostream& out, const Findings& findings) { return out << findings.to_string(); }

}  // namespace mica::nn
