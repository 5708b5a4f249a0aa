// What a walk over a module can answer and change.
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory_resource>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/module.h>
#include <mica/nn/sequential.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/meta.h>

namespace mica::nn {

namespace {

// What is done with members that have no shape yet.
using Lazy = AnyFunction<void(const std::string& path, StateTensor&)>;
Lazy refuse(const char* operation) {
  return [operation](const std::string& path, StateTensor& x) {
    detail::throw_uninitialized(operation, path, x);
  };
}

// More parameters than most models have: room for them is made at once.
constexpr std::size_t ordinary_count = 128;

// Reports the parameters or buffers that a Traversal asks for.
template <class Fn> struct MemberVisitor : Visitor {
  MemberVisitor(const Traversal& traversal, bool parameters, Fn f, Lazy l)
      : which(traversal), wants_parameters(parameters), fn(std::move(f)), lazy(std::move(l)) {
    seen.reserve(ordinary_count);
  }
  const Traversal& which;
  bool wants_parameters;
  Fn fn;
  Lazy lazy;
  // Those of ordinary models need no allocation.
  std::array<std::byte, 8192> block;
  std::pmr::monotonic_buffer_resource memory{block.data(), block.size()};
  std::pmr::unordered_set<const TensorImpl*> seen{&memory};

  void parameter(std::string_view name, Parameter& p) override {
    if (wants_parameters) report(name, p);
  }
  void buffer(std::string_view name, Buffer& b) override {
    if (!wants_parameters) report(name, b);
  }
  void uninitialized_parameter(std::string_view name, Parameter& p) override {
    if (wants_parameters && wanted(name)) lazy(path(name), p);
  }
  void uninitialized_buffer(std::string_view name, Buffer& b) override {
    if (!wants_parameters && wanted(name)) lazy(path(name), b);
  }
  bool wanted(std::string_view name) {
    if (!which.recurse && depth() > 0) return false;
    if (which.where) return which.where.takes(path(name), owner());  // filters have operators of their own
    return true;
  }
  void report(std::string_view name, Tensor& x) {
    if (!wanted(name)) return;
    if (which.remove_duplicate && !seen.insert(x.impl().get()).second) return;
    fn(*this, name, x);
  }
};

template <class Fn>
void each_parameter(const ModuleRef& module, const Traversal& which, Fn fn,
                    Lazy lazy = refuse("parameters")) {
  MemberVisitor<Fn> v(which, true, std::move(fn), std::move(lazy));
  module.walk(v);
}
template <class Fn>
void each_buffer(const ModuleRef& module, const Traversal& which, Fn fn, Lazy lazy = refuse("buffers")) {
  MemberVisitor<Fn> v(which, false, std::move(fn), std::move(lazy));
  module.walk(v);
}

std::string join(std::string_view prefix, std::string path) {
  if (prefix.empty()) return path;
  return path.empty() ? std::string(prefix) : fmt::format("{}.{}", prefix, path);
}

// New numbers for the same tensor: whoever holds a handle sees them.
void convert_in_place(const Tensor& x, DType dtype) {
  if (!x.is_floating_point() || x.dtype() == dtype) return;
  const NoGrad no_grad;
  detail::replace_memory(x, is_meta(x) ? empty_meta(x.sizes(), dtype) : x.detach().to(dtype), "Module::to");
}

// Finds one member by its path and remembers the others for a suggestion.
template <class Member>
const Member& found(const std::vector<std::pair<std::string, Member>>& members, std::string_view path,
                    const ModuleRef& module, const char* operation, const char* kind) {
  std::vector<std::string_view> candidates;
  for (const auto& [name, member] : members) {
    if (name == path) return member;
    candidates.push_back(name);
  }
  const std::string closest = closest_name(path, candidates);
  throw Error(operation, fmt::format("{} has no {} \"{}\"", module.type(), kind, path),
              closest.empty()
                  ? fmt::format("it has {} of them; named_{}s() lists their paths", members.size(), kind)
                  : fmt::format("did you mean \"{}\"?", closest));
}

}  // namespace

std::vector<Tensor> ModuleRef::parameters(const Traversal& which) const {
  std::vector<Tensor> out;
  out.reserve(ordinary_count);
  each_parameter(*this, which, [&](Visitor&, std::string_view, Tensor& p) { out.push_back(p); });
  return out;
}

std::vector<NamedTensor> ModuleRef::named_parameters(const Traversal& which) const {
  std::vector<NamedTensor> out;
  out.reserve(ordinary_count);
  each_parameter(*this, which, [&](Visitor& v, std::string_view name, Tensor& p) {
    out.emplace_back(join(which.prefix, v.path(name)), p);
  });
  return out;
}

std::vector<Tensor> ModuleRef::buffers(const Traversal& which) const {
  std::vector<Tensor> out;
  each_buffer(*this, which, [&](Visitor&, std::string_view, Tensor& b) { out.push_back(b); });
  return out;
}

std::vector<NamedTensor> ModuleRef::named_buffers(const Traversal& which) const {
  std::vector<NamedTensor> out;
  each_buffer(*this, which, [&](Visitor& v, std::string_view name, Tensor& b) {
    out.emplace_back(join(which.prefix, v.path(name)), b);
  });
  return out;
}

std::vector<std::pair<std::string, ModuleRef>> ModuleRef::named_children() const {
  struct V final : Visitor {
    std::vector<std::pair<std::string, ModuleRef>> found;
    void enter(std::string_view name, const ModuleRef& module) override {
      if (depth() == 0) found.emplace_back(name, module);
    }
  } v;
  walk(v);
  return std::move(v.found);
}

std::vector<std::pair<std::string, ModuleRef>> ModuleRef::named_modules(std::string_view prefix) const {
  struct V final : Visitor {
    std::string_view prefix;
    std::vector<std::pair<std::string, ModuleRef>> found;
    void enter(std::string_view name, const ModuleRef& module) override {
      found.emplace_back(join(prefix, path(name)), module);
    }
  } v;
  v.prefix = prefix;
  v.found.emplace_back(prefix, *this);
  walk(v);
  return std::move(v.found);
}

std::vector<ModuleRef> ModuleRef::children() const {
  std::vector<ModuleRef> out;
  for (const auto& [name, child] : named_children()) out.push_back(child);
  return out;
}

std::vector<ModuleRef> ModuleRef::modules() const {
  std::vector<ModuleRef> out;
  for (const auto& [name, module] : named_modules()) out.push_back(module);
  return out;
}

std::int64_t ModuleRef::num_parameters(bool trainable_only) const {
  std::int64_t n = 0;
  each_parameter(
      *this, {},
      [&](Visitor&, std::string_view, Tensor& p) {
        if (!trainable_only || p.requires_grad()) n += p.numel();
      },
      refuse("num_parameters"));
  return n;
}

ModuleRef ModuleRef::get_submodule(std::string_view path) const {
  return found(named_modules(), path, *this, "get_submodule", "module");
}

Tensor ModuleRef::get_parameter(std::string_view path) const {
  return found(named_parameters({.remove_duplicate = false}), path, *this, "get_parameter", "parameter");
}

Tensor ModuleRef::get_buffer(std::string_view path) const {
  return found(named_buffers({.remove_duplicate = false}), path, *this, "get_buffer", "buffer");
}

void ModuleRef::set_submodule(std::string_view path, AnyModule module) const {
  const ModuleRef old = get_submodule(path);
  if (old.slot_ != nullptr) {
    *old.slot_ = std::move(module);
    return;
  }
  if (!module.move_to(old)) {
    throw Error("set_submodule",
                fmt::format("\"{}\" in {} is a {}, not a {}", path, type(), old.type(), module.ref().type()),
                "declare the member as nn::AnyModule or nn::Sequential if it may hold modules of any type");
  }
}

void ModuleRef::apply(const AnyFunction<void(ModuleRef)>& fn) const {
  struct V final : Visitor {
    const AnyFunction<void(ModuleRef)>* fn = nullptr;
    void leave(const ModuleRef& module) override { (*fn)(module); }
  } v;
  v.fn = &fn;
  walk(v);
  fn(*this);
}

void ModuleRef::train(bool on) const {
  struct V final : Visitor {
    bool training = true;
    void mode(std::string_view, Mode& m) override { m.training = training; }
  } v;
  v.training = on;
  walk(v);
}

void ModuleRef::requires_grad_(bool on, const Filter& where) const {
  each_parameter(
      *this, {.where = where}, [&](Visitor&, std::string_view, Tensor& p) { p.requires_grad_(on); },
      [&](const std::string&, StateTensor& p) { p.pending()->requires_grad = on; });
}

void ModuleRef::zero_grad(bool set_to_none) const {
  each_parameter(
      *this, {.remove_duplicate = false},
      [&](Visitor&, std::string_view, Tensor& p) {
        if (set_to_none)
          p.set_grad({});
        else if (p.grad().defined())
          p.set_grad(p.grad().detach().zero_());
      },
      [](const std::string&, StateTensor&) {});
}

void ModuleRef::to(DType dtype) const {
  if (!is_floating_point(dtype)) {
    throw Error("Module::to", fmt::format("a model cannot be converted to {}", name(dtype)),
                "use f32, f64, bf16 or f16");
  }
  const auto convert = [&](Visitor&, std::string_view, Tensor& x) { convert_in_place(x, dtype); };
  const auto later = [&](const std::string&, StateTensor& x) {
    if (is_floating_point(x.pending()->dtype)) x.pending()->dtype = dtype;
  };
  each_parameter(*this, {}, convert, later);
  each_buffer(*this, {}, convert, later);
}

void zip(ModuleRef a, ModuleRef b, const AnyFunction<void(std::string_view, Tensor&, const Tensor&)>& fn) {
  const auto members = [](const ModuleRef& module) {
    std::vector<NamedTensor> all = module.named_parameters();
    std::vector<NamedTensor> more = module.named_buffers();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  std::vector<NamedTensor> left = members(a);
  const std::vector<NamedTensor> right = members(b);
  const auto described = [](const std::vector<NamedTensor>& all, std::size_t i) {
    return i < all.size() ? fmt::format("\"{}\" {}", all[i].first, to_string(all[i].second.sizes()))
                          : "nothing";
  };
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    if (i < left.size() && i < right.size() && left[i].first == right[i].first &&
        left[i].second.sizes() == right[i].second.sizes())
      continue;
    throw Error(
        "zip",
        fmt::format("{} has {} where {} has {}", a.type(), described(left, i), b.type(), described(right, i)),
        "both models must have the same structure");
  }
  const NoGrad no_grad;
  for (std::size_t i = 0; i < left.size(); ++i) fn(left[i].first, left[i].second, right[i].second);
}

}  // namespace mica::nn
