// Models with shapes and no memory.
//
//   Net model = nn::meta([] { return Net{.depth = 96}; });   // any size, at once
//   std::cout << nn::summary(model);                         // its structure and parameter counts
//   load(model, "net.safetensors", {.assign = true});        // straight from the file's pages
//
// Parameters and persistent buffers have sizes and dtypes; what needs their numbers is an error that says
// what to do. Names, printing, ties, freezing, conversion, clones and loading work. Nothing is drawn from the
// generator.
#pragma once

#include <concepts>
#include <utility>

#include <mica/nn/module.h>
#include <mica/tensor/meta.h>

namespace mica::nn {

namespace detail {
// While one lives, the parameters and persistent buffers that this thread makes have no memory.
class MetaScope {
 public:
  MetaScope();
  ~MetaScope();
  MetaScope(const MetaScope&) = delete;
  MetaScope& operator=(const MetaScope&) = delete;

 private:
  bool before_;
};
}  // namespace detail

// What make() returns, a module, without memory for its parameters and persistent buffers (PyTorch: `with
// torch.device("meta")`). The initial values of members that the struct itself computes (randn(...) * 0.02)
// are made and dropped, one at a time. Transient buffers keep theirs, as no file has them.
template <std::invocable Make> auto meta(Make&& make) {
  const detail::MetaScope scope;
  return std::forward<Make>(make)();
}

// Gives memory to what has none; the numbers are anything (torch.nn.Module.to_empty). Then apply()
// reset_parameters of your own, or load.
void to_empty(const ModuleRef& module);

// What make() returns, a module, with memory and without initial values (torch.nn.utils.skip_init): for
// models whose numbers are set or loaded next.
template <std::invocable Make> auto skip_init(Make&& make) {
  auto module = meta(std::forward<Make>(make));
  to_empty(module);
  return module;
}

}  // namespace mica::nn
