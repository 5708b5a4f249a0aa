#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/module.h>
#include <mica/nn/state.h>
#include <mica/nn/state_hooks.h>
#include <mica/tensor/meta.h>

namespace mica::nn {

namespace {

struct StateVisitor final : Visitor {
  explicit StateVisitor(const Filter& filter) : where(filter) {}
  const Filter& where;
  StateDict state = {};
  void parameter(std::string_view name, Parameter& p) override { add(path(name), p); }
  void buffer(std::string_view name, Buffer& b) override {
    if (b.persistent()) add(path(name), b);
  }
  void uninitialized_parameter(std::string_view name, Parameter& p) override {
    if (where.takes(path(name), owner())) detail::throw_uninitialized("state_dict", path(name), p);
  }
  void uninitialized_buffer(std::string_view name, Buffer& b) override {
    if (where.takes(path(name), owner())) detail::throw_uninitialized("state_dict", path(name), b);
  }
  void add(std::string name, const Tensor& x) {
    if (where.takes(name, owner())) state.insert(std::move(name), x.detach());
  }
};

// "a" (did you mean "b"?), "c"
std::string listed(const std::vector<std::string>& names, const std::vector<std::string>& candidates) {
  constexpr std::size_t most = 20;
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    if (parts.size() == most) {
      parts.push_back(fmt::format("and {} more", names.size() - most));
      break;
    }
    const std::string closest = closest_name(name, views);
    parts.push_back(closest.empty() ? fmt::format("\"{}\"", name)
                                    : fmt::format("\"{}\" (did you mean \"{}\"?)", name, closest));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

using ExtraState = std::pair<std::string, ModuleRef>;

// The modules that keep state of their own making, with the names of it.
std::vector<ExtraState> extra_states(const ModuleRef& module) {
  std::vector<ExtraState> out;
  for (auto& [path, inner] : module.named_modules()) {
    if (inner.has_extra_state())
      out.emplace_back(path.empty() ? "_extra_state" : path + "._extra_state", inner);
  }
  return out;
}

// The entries of a state under the names that the model has for them.
StateDict renamed(const StateDict& state, const LoadOptions& options) {
  StateDict out;
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with(options.prefix)) continue;
    const std::string_view rest = std::string_view(name).substr(options.prefix.size());
    std::string own = options.rename ? options.rename(rest) : std::string(rest);
    if (own.empty()) continue;
    if (out.contains(own)) {
      throw Error(
          "load_state_dict",
          fmt::format("two entries of the state are renamed to \"{}\", the second is \"{}\"", own, name));
    }
    out.insert(std::move(own), tensor);
  }
  return out;
}

// A parameter or buffer of a model, perhaps one that has no shape yet.
using Member = std::pair<std::string, StateTensor*>;

// A state of older modules as the present ones have it, from the outermost on.
StateDict migrated(const ModuleRef& model, StateDict state, const LoadOptions& options) {
  for (const auto& [path, module] : model.named_modules()) {
    const int version = options.version_of(path);
    if (version > module.version()) {
      throw Error("load_state_dict",
                  fmt::format("\"{}\" ({}) was saved by version {}, and this program has version {}", path,
                              module.type(), version, module.version()),
                  "load it with the program that saved it, or a newer one");
    }
    if (version == module.version() || !module.migrates()) continue;
    const std::string prefix = path.empty() ? std::string() : path + ".";
    StateDict next;
    for (const auto& [name, tensor] : state) {
      if (!name.starts_with(prefix)) next.insert(name, tensor);
    }
    next.insert_all(prefix, module.migrate(state.with_prefix(prefix), version));
    state = std::move(next);
  }
  return state;
}

// Why a tensor cannot be loaded into another; empty if it can.
std::string misfit(const std::string& name, const Tensor& source, const StateTensor& target,
                   const LoadOptions& options) {
  if (!source.defined()) return fmt::format("\"{}\" is undefined in the state", name);
  const Uninitialized* lazy = target.pending();
  if (lazy != nullptr ? !lazy->fits(source.sizes()) : source.sizes() != target.sizes()) {
    return fmt::format("\"{}\" has shape {} in the state, {} in the model", name, to_string(source.sizes()),
                       lazy != nullptr ? lazy->to_string() : to_string(target.sizes()));
  }
  const DType dtype = lazy != nullptr ? lazy->dtype : target.dtype();
  const bool fits =
      options.same_dtype ? source.dtype() == dtype : source.is_floating_point() == is_floating_point(dtype);
  if (fits) return {};
  return fmt::format("\"{}\" is {} in the state, {} in the model", name, mica::name(source.dtype()),
                     mica::name(dtype));
}

// What loading a state into a module comes to, found out before anything is changed.
struct LoadPlan {
  std::vector<Member> members;    // that the state has numbers for
  std::vector<ExtraState> extra;  // that the state has
  LoadReport report;
  std::vector<std::string> problems;  // entries that do not fit
};

LoadPlan plan_load(const ModuleRef& module, const StateDict& state, const LoadOptions& options) {
  struct V final : Visitor {
    std::vector<Member> found;
    void parameter(std::string_view name, Parameter& p) override { found.emplace_back(path(name), &p); }
    void buffer(std::string_view name, Buffer& b) override {
      if (b.persistent()) found.emplace_back(path(name), &b);
    }
    void uninitialized_parameter(std::string_view name, Parameter& p) override { parameter(name, p); }
    void uninitialized_buffer(std::string_view name, Buffer& b) override { buffer(name, b); }
  } own;
  module.walk(own);

  LoadPlan plan;
  LoadReport& report = plan.report;
  std::set<std::string_view> known;
  for (const auto& [name, target] : own.found) {
    known.insert(name);
    const Tensor* source = state.find(name);
    if (source == nullptr) {
      report.missing.push_back(name);
      continue;
    }
    std::string problem = misfit(name, *source, *target, options);
    if (problem.empty()) {
      report.applied.push_back(name);
      plan.members.emplace_back(name, target);
    } else {
      report.mismatched.push_back(name);
      if (!options.skip_mismatched) plan.problems.push_back(std::move(problem));
    }
  }
  const std::vector<ExtraState> extra = extra_states(module);
  for (const auto& [name, inner] : extra) {
    known.insert(name);
    const bool given = state.contains(name);
    (given ? report.applied : report.missing).push_back(name);
    if (given) plan.extra.emplace_back(name, inner);
  }
  for (const auto& [name, source] : state) {
    if (!known.contains(name)) report.unexpected.push_back(name);
  }
  return plan;
}

// Errors: entries that do not fit; if strict, missing and unexpected names.
void check(const ModuleRef& module, const LoadPlan& plan, bool strict) {
  std::vector<std::string> problems = plan.problems;
  std::string hint;
  const auto& [applied, missing, unexpected, mismatched] = plan.report;
  if (strict && !missing.empty()) problems.push_back(fmt::format("missing: {}", listed(missing, unexpected)));
  if (strict && !unexpected.empty())
    problems.push_back(fmt::format("unexpected: {}", listed(unexpected, missing)));
  if (problems.empty()) return;
  if (problems.size() > plan.problems.size())
    hint = "{.strict = false} loads the names that match and reports the others";
  throw Error("load_state_dict",
              fmt::format("the state does not fit {}:\n    {}", module.type(), fmt::join(problems, "\n    ")),
              hint);
}

void load(const LoadPlan& plan, const StateDict& state, const LoadOptions& options) {
  // First, as modules may refuse it.
  for (const auto& [name, module] : plan.extra) module.set_extra_state(*state.find(name));
  const NoGrad no_grad;
  for (const auto& [name, target] : plan.members) {
    const Tensor& source = *state.find(name);
    if (target->is_uninitialized()) target->materialize(source.sizes());
    if (options.assign)
      detail::replace_memory(*target, source, "load_state_dict");
    else if (is_meta(*target))
      detail::replace_memory(*target, source.to(target->dtype()).clone(), "load_state_dict");
    else
      target->copy_(source);
  }
}

// What a plan will change, as it is now.
class Before {
 public:
  // Without tensors if only the extra state may be refused, before any tensor is changed.
  Before(const LoadPlan& plan, const LoadOptions& options, bool with_tensors) : assign_(options.assign) {
    for (const auto& [name, module] : plan.extra) extra_.push_back(module.get_extra_state());
    if (!with_tensors) return;
    for (const auto& [name, target] : plan.members) {
      const Uninitialized* lazy = target->pending();
      lazy_.push_back(lazy != nullptr ? std::optional(*lazy) : std::nullopt);
      if (lazy != nullptr)
        tensors_.emplace_back();
      else
        tensors_.push_back(assign_ || is_meta(*target) ? target->detach() : target->detach().clone());
    }
  }
  void put_back(const LoadPlan& plan) const {
    const NoGrad no_grad;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      StateTensor& target = *plan.members[i].second;
      if (lazy_[i])
        target.make_uninitialized(*lazy_[i]);
      else if (assign_ || is_meta(tensors_[i]))
        detail::replace_memory(target, tensors_[i], "load_state_dict");
      else
        target.copy_(tensors_[i]);
    }
    for (std::size_t i = 0; i < extra_.size(); ++i) plan.extra[i].second.set_extra_state(extra_[i]);
  }

 private:
  bool assign_;
  std::vector<std::optional<Uninitialized>> lazy_;
  std::vector<Tensor> tensors_, extra_;
};

}  // namespace

StateDict ModuleRef::state_dict(const Filter& where) const {
  const detail::StateHooks hooks(*this);
  hooks.before_state_dict();
  StateVisitor v(where);
  walk(v);
  for (const auto& [name, module] : extra_states(*this)) {
    if (where.takes(name, module)) v.state.insert(name, module.get_extra_state());
  }
  hooks.after_state_dict(v.state);
  return std::move(v.state);
}

LoadReport ModuleRef::load_state_dict(const StateDict& given, const LoadOptions& options) const {
  StateDict state = renamed(given, options);
  if (options.version_of) state = migrated(*this, std::move(state), options);
  const detail::StateHooks hooks(*this);
  hooks.before_load(state);
  LoadPlan plan = plan_load(*this, state, options);
  // Hooks want to see the loaded model, and may let pass what strict loading would not.
  const bool hooked = hooks.any_after_load();
  check(*this, plan, options.strict && !hooked);
  const Before before(plan, options, hooked);
  try {
    load(plan, state, options);
    hooks.after_load(plan.report);
    check(*this, plan, options.strict);
  } catch (...) {
    before.put_back(plan);
    throw;
  }
  return plan.report;
}

}  // namespace mica::nn
