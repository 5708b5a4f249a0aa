#include <ostream>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/nn/module.h>
#include <mica/tensor/impl.h>

namespace mica::nn {

std::ostream& print(std::ostream& out, const std::string& text) { return out << text; }

namespace detail {

namespace {

// Visits each parameter once, however often it is tied.
template <class Fn> struct ParameterVisitor : Visitor {
  explicit ParameterVisitor(Fn f) : fn(std::move(f)) {}
  Fn fn;
  std::unordered_set<const TensorImpl*> seen;
  void parameter(std::string_view name, Parameter& p) override {
    if (seen.insert(p.impl().get()).second) fn(*this, name, p);
  }
};
template <class Fn> void each_parameter(const ModuleView& module, Fn fn) {
  ParameterVisitor<Fn> v(std::move(fn));
  module.walk(v);
}

struct BufferVisitor final : Visitor {
  std::vector<NamedTensor> found;
  void buffer(std::string_view name, Buffer& b) override { found.emplace_back(path(name), b); }
};

// New numbers for the same tensor: whoever holds a handle sees them.
void convert_in_place(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return;
  const NoGrad no_grad;
  const Tensor converted = x.detach().to(dtype);
  TensorImpl& impl = *x.impl();
  impl.storage = converted.impl()->storage;
  impl.dtype = dtype;
  impl.offset = 0;
  impl.set_geometry(converted.sizes(), converted.strides());
}

}  // namespace

std::vector<Tensor> parameters(const ModuleView& module) {
  std::vector<Tensor> out;
  each_parameter(module, [&](Visitor&, std::string_view, Parameter& p) { out.push_back(p); });
  return out;
}

std::vector<NamedTensor> named_parameters(const ModuleView& module) {
  std::vector<NamedTensor> out;
  each_parameter(module,
                 [&](Visitor& v, std::string_view name, Parameter& p) { out.emplace_back(v.path(name), p); });
  return out;
}

std::vector<NamedTensor> named_buffers(const ModuleView& module) {
  BufferVisitor v;
  module.walk(v);
  return std::move(v.found);
}

std::vector<Tensor> buffers(const ModuleView& module) {
  std::vector<Tensor> out;
  for (auto& [name, buffer] : named_buffers(module)) out.push_back(buffer);
  return out;
}

std::vector<std::pair<std::string, ModuleInfo>> named_modules(const ModuleView& module) {
  struct V final : Visitor {
    std::vector<std::pair<std::string, ModuleInfo>> found;
    void enter(std::string_view name, const ModuleInfo& info) override {
      found.emplace_back(path(name), info);
    }
  } v;
  v.found.emplace_back("", module.info());
  module.walk(v);
  return std::move(v.found);
}

std::int64_t num_parameters(const ModuleView& module, bool trainable_only) {
  std::int64_t n = 0;
  each_parameter(module, [&](Visitor&, std::string_view, Parameter& p) {
    if (!trainable_only || p.requires_grad()) n += p.numel();
  });
  return n;
}

void set_training(const ModuleView& module, bool on) {
  struct V final : Visitor {
    bool training = true;
    void mode(std::string_view, Mode& m) override { m.training = training; }
  } v;
  v.training = on;
  module.walk(v);
}

void set_requires_grad(const ModuleView& module, bool on) {
  each_parameter(module, [&](Visitor&, std::string_view, Parameter& p) { p.requires_grad_(on); });
}

void zero_grad(const ModuleView& module, bool set_to_none) {
  each_parameter(module, [&](Visitor&, std::string_view, Parameter& p) {
    if (set_to_none)
      p.set_grad({});
    else if (p.grad().defined())
      p.set_grad(p.grad().detach().zero_());
  });
}

void convert(const ModuleView& module, DType dtype) {
  if (!is_floating_point(dtype)) {
    throw Error("Module::to", fmt::format("a model cannot be converted to {}", name(dtype)),
                "use f32, f64, bf16 or f16");
  }
  each_parameter(module, [&](Visitor&, std::string_view, Parameter& p) {
    if (!p.is_floating_point()) return;
    const Tensor grad = p.grad();
    convert_in_place(p, dtype);
    if (grad.defined()) {
      const NoGrad no_grad;
      p.set_grad(grad.to(dtype));
    }
  });
  for (auto& buffer : buffers(module)) {
    if (buffer.is_floating_point()) convert_in_place(buffer, dtype);
  }
}

void trace(Error& error, const ModuleView& module) {
  struct Finder final : Visitor {
    const void* address = nullptr;
    const void* type = nullptr;
    std::string found;
    void enter(std::string_view name, const ModuleInfo& info) override {
      if (found.empty() && info.address == address && info.type_tag == type) found = path(name);
    }
  };
  Error::Trail& trail = error.trail();
  if (trail.module == nullptr) {
    trail.thrower = module.info().type;
    error.set_module_path(trail.thrower);
  } else {
    Finder finder;
    finder.address = trail.module;
    finder.type = trail.type;
    module.walk(finder);
    // A module that is no member (called through a reference) has no path; its type must do.
    std::string step = finder.found.empty() ? fmt::format("({})", trail.type_name) : finder.found;
    trail.path = trail.path.empty() ? std::move(step) : fmt::format("{}.{}", step, trail.path);
    error.set_module_path(fmt::format("{}.{} ({})", module.info().type, trail.path, trail.thrower));
  }
  trail.module = module.info().address;
  trail.type = module.info().type_tag;
  trail.type_name = module.info().type;
}

Parameter CloneContext::parameter(const Parameter& original) {
  if (!original.defined()) return {};
  const auto [it, added] = parameters_.try_emplace(original.impl().get());
  if (added) it->second = Parameter(original.detach().clone(), original.requires_grad());
  return tied(it->second);
}

Buffer CloneContext::buffer(const Buffer& original) {
  if (!original.defined()) return {};
  return Buffer(original.detach().clone(),
                original.persistent() ? Persistence::persistent : Persistence::transient);
}

}  // namespace detail
}  // namespace mica::nn
