#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/nn/blueprint.h>
#include <mica/nn/module.h>
#include <mica/nn/rebuild.h>

namespace mica::nn {

namespace {

struct Describe final : Visitor {
  Blueprint out;
  std::map<const TensorImpl*, std::vector<std::string>> names;  // of parameters
  std::vector<const TensorImpl*> order;

  void add(std::string path, const ModuleRef& module) {
    out.parts[std::move(path)] = {.type = std::string(module.type()), .version = module.version()};
  }
  void enter(std::string_view name, const ModuleRef& module) override { add(path(name), module); }
  void field(std::string_view name, const FieldRef& field) override {
    detail::add_entry(out.parts[prefix()].fields, name, field.get());
  }
  void parameter(std::string_view name, Parameter& p) override {
    std::vector<std::string>& same = names[p.impl().get()];
    if (same.empty()) order.push_back(p.impl().get());
    same.push_back(path(name));
  }
};

// Compares a model with a blueprint, and then, if nothing is wrong, changes it.
struct Apply final : Visitor {
  explicit Apply(const Blueprint& b) : wanted(b) {}
  const Blueprint& wanted;
  bool changes = false;
  std::vector<std::string> misfits = {};
  std::map<std::string, std::vector<std::string>> seen = {};  // the fields of each module
  std::map<std::string, Parameter*> parameters = {};

  void check(const std::string& path, const ModuleRef& module) {
    seen[path];
    const Blueprint::Part* part = wanted.find(path);
    if (part != nullptr && part->type != module.type()) {
      misfits.push_back(
          fmt::format("\"{}\" is a {} in the file, a {} in the program", path, part->type, module.type()));
    }
  }
  void enter(std::string_view name, const ModuleRef& module) override {
    if (!changes) check(path(name), module);
  }
  void field(std::string_view name, const FieldRef& field) override {
    static const Plain none;
    const Blueprint::Part* part = wanted.find(prefix());
    detail::Misfit misfit;
    misfit.enter(path(name));
    const Plain& value = detail::read_entry(part != nullptr ? part->fields : none, name, misfit);
    if (!misfit.found() && changes) field.set(value, misfit);
    if (!misfit.found() && !changes) field.check(value, misfit);
    if (misfit.found()) misfits.push_back(misfit.text());
    seen[prefix()].emplace_back(name);
  }
  void parameter(std::string_view name, Parameter& p) override { parameters[path(name)] = &p; }

  void check_unknown() {
    for (const auto& [path, part] : wanted.parts) {
      const auto it = seen.find(path);
      if (it == seen.end()) {
        misfits.push_back(fmt::format("\"{}\", a {} in the file, is not in the program", path, part.type));
        continue;
      }
      detail::Misfit misfit;
      if (!path.empty()) misfit.enter(path);
      const std::vector<std::string_view> names(it->second.begin(), it->second.end());
      detail::expect_names(part.fields, names.data(), names.size(), misfit);
      if (misfit.found()) misfits.push_back(misfit.text());
    }
  }
  // Parameters that were one when the model was saved are one again, even where a module was made anew.
  void tie() {
    for (const auto& names : wanted.ties) {
      Parameter* first = nullptr;
      for (const std::string& name : names) {
        const auto it = parameters.find(name);
        if (it == parameters.end()) continue;
        if (first == nullptr)
          first = it->second;
        else if (!first->is_same(*it->second))
          *it->second = tied(*first);
      }
    }
  }
};

}  // namespace

const Blueprint::Part* Blueprint::find(std::string_view path) const {
  const auto it = parts.find(path);
  return it != parts.end() ? &it->second : nullptr;
}

std::vector<std::string> Blueprint::children(std::string_view path) const {
  const std::string prefix = path.empty() ? std::string() : std::string(path) + ".";
  std::vector<std::string> out;
  for (auto it = parts.lower_bound(prefix); it != parts.end() && it->first.starts_with(prefix); ++it) {
    const std::string_view rest = std::string_view(it->first).substr(prefix.size());
    if (!rest.empty() && rest.find('.') == rest.npos) out.emplace_back(rest);
  }
  return out;
}

Blueprint blueprint(const ModuleRef& model) {
  Describe v;
  v.add("", model);
  model.walk(v);
  for (const TensorImpl* parameter : v.order) {
    if (v.names[parameter].size() > 1) v.out.ties.push_back(v.names[parameter]);
  }
  return std::move(v.out);
}

void apply_blueprint(const ModuleRef& model, const Blueprint& blueprint) {
  Apply v(blueprint);
  v.check("", model);
  model.walk(v);
  v.check_unknown();
  if (!v.misfits.empty()) detail::throw_misfits(model.type(), v.misfits);
  v.changes = true;
  model.walk(v);
  v.tie();
}

namespace detail {

std::string join_path(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

const Blueprint::Part& part_at(const Blueprint& b, const std::string& path, std::string_view type) {
  const Blueprint::Part* part = b.find(path);
  if (part != nullptr && part->type == type) return *part;
  const std::string there = part != nullptr ? fmt::format("a {}", part->type) : "nothing";
  throw_misfits(
      type, {path.empty() ? fmt::format("the file holds {}, not a {}", there, type)
                          : fmt::format("\"{}\" is {} in the file, a {} in the program", path, there, type)});
}

void throw_misfits(std::string_view type, const std::vector<std::string>& misfits) {
  throw Error("rebuild",
              fmt::format("the members saved in the file do not fit the program's {}:\n    {}", type,
                          fmt::join(misfits, "\n    ")),
              "construct the model with the members that it has now, and load(model, path) its weights");
}

}  // namespace detail
}  // namespace mica::nn
