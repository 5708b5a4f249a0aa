#include <map>
#include <ostream>

#include <fmt/format.h>

#include <mica/core/random.h>
#include <mica/nn/module.h>
#include <mica/tensor/meta.h>

namespace mica::nn {

std::ostream& print(std::ostream& out, const std::string& text) { return out << text; }

namespace detail {

std::string path_between(const ModuleRef& module, const void* address, const void* type) {
  struct Finder final : Visitor {
    const void* address = nullptr;
    const void* type = nullptr;
    std::string found;
    void enter(std::string_view name, const ModuleRef& m) override {
      if (found.empty() && m.address() == address && m.type_tag() == type) found = path(name);
    }
  };
  Finder finder;
  finder.address = address;
  finder.type = type;
  module.walk(finder);
  return finder.found;
}

void trace(Error& error, const ModuleRef& module) {
  Error::Trail& trail = error.trail();
  if (trail.module == nullptr) {
    trail.thrower = module.type();
    error.set_module_path(trail.thrower);
  } else {
    // A module that is no member (called through a reference) has no path; its type must do.
    std::string step = path_between(module, trail.module, trail.type);
    if (step.empty()) step = fmt::format("({})", trail.type_name);
    trail.path = trail.path.empty() ? std::move(step) : fmt::format("{}.{}", step, trail.path);
    error.set_module_path(fmt::format("{}.{} ({})", module.type(), trail.path, trail.thrower));
  }
  trail.module = module.address();
  trail.type = module.type_tag();
  trail.type_name = module.type();
}

namespace {
Tensor copy_of(const Tensor& x) { return is_meta(x) ? empty_meta(x.sizes(), x.dtype()) : x.detach().clone(); }
}  // namespace

struct CloneContext::State {
  std::map<const TensorImpl*, Parameter> parameters;
  Generator generator;
};

CloneContext::CloneContext() : state_(new State{.parameters = {}, .generator = default_generator()}) {}
CloneContext::~CloneContext() { default_generator() = state_->generator; }

Parameter CloneContext::parameter(const Parameter& original) {
  if (original.is_uninitialized()) {
    Parameter copy;
    copy.make_uninitialized(*original.pending());
    return copy;
  }
  if (!original.defined()) return {};
  const auto [it, added] = state_->parameters.try_emplace(original.impl().get());
  if (added) it->second = Parameter(copy_of(original), original.requires_grad());
  return tied(it->second);
}

Buffer CloneContext::buffer(const Buffer& original) {
  if (original.is_uninitialized()) {
    Buffer copy;
    copy.make_uninitialized(*original.pending());
    return copy;
  }
  if (!original.defined()) return {};
  return Buffer(copy_of(original), original.persistent() ? Persistence::persistent : Persistence::transient);
}

}  // namespace detail
}  // namespace mica::nn
