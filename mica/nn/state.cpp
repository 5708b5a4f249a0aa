#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/module.h>
#include <mica/nn/state.h>

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

}  // namespace

StateDict ModuleRef::state_dict(const Filter& where) const {
  StateVisitor v(where);
  walk(v);
  return std::move(v.state);
}

LoadReport ModuleRef::load_state_dict(const StateDict& state, const LoadOptions& options) const {
  const StateDict own = state_dict();
  LoadReport report;
  std::vector<std::string> problems;
  for (const auto& [name, target] : own) {
    const Tensor* source = state.find(name);
    if (source == nullptr) {
      report.missing.push_back(name);
    } else if (!source->defined()) {
      problems.push_back(fmt::format("\"{}\" is undefined in the state", name));
    } else if (source->sizes() != target.sizes()) {
      problems.push_back(fmt::format("\"{}\" has shape {} in the state, {} in the model", name,
                                     mica::to_string(source->sizes()), mica::to_string(target.sizes())));
    } else if (source->is_floating_point() != target.is_floating_point()) {
      problems.push_back(fmt::format("\"{}\" is {} in the state, {} in the model", name,
                                     mica::name(source->dtype()), mica::name(target.dtype())));
    } else {
      report.applied.push_back(name);
    }
  }
  for (const auto& [name, source] : state) {
    if (!own.contains(name)) report.unexpected.push_back(name);
  }
  std::string hint;
  if (options.strict) {
    if (!report.missing.empty()) {
      problems.push_back(fmt::format("missing: {}", listed(report.missing, report.unexpected)));
    }
    if (!report.unexpected.empty()) {
      problems.push_back(fmt::format("unexpected: {}", listed(report.unexpected, report.missing)));
    }
    if (!report.missing.empty() || !report.unexpected.empty()) {
      hint = "{.strict = false} loads the names that match and reports the others";
    }
  }
  if (!problems.empty()) {
    throw Error("load_state_dict",
                fmt::format("the state does not fit {}:\n    {}", type(), fmt::join(problems, "\n    ")),
                hint);
  }
  const NoGrad no_grad;
  for (const std::string& name : report.applied) Tensor(own.at(name)).copy_(state.at(name));
  return report;
}

}  // namespace mica::nn
