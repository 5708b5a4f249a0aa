// Which parameters and buffers: for freezing, parameter groups and partial saves.
//
//   model.requires_grad_(false, nn::matching("backbone.*"));
//   auto decayed = model.parameters(!nn::matching("*bias") && !nn::inside<nn::LayerNorm>());
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <mica/core/any_function.h>

namespace mica::nn {

class ModuleRef;

// A test of a member by its dotted path and the module that declares it. An empty filter takes everything.
class Filter {
 public:
  using Test = AnyFunction<bool(std::string_view path, const ModuleRef& owner)>;
  Filter() = default;
  explicit Filter(Test test) : test_(std::move(test)) {}

  explicit operator bool() const { return static_cast<bool>(test_); }
  bool takes(std::string_view path, const ModuleRef& owner) const { return !test_ || test_(path, owner); }

  friend Filter operator!(Filter a);
  friend Filter operator&&(Filter a, Filter b);
  friend Filter operator||(Filter a, Filter b);

 private:
  Test test_;
};

// Members whose whole path fits the pattern: * stands for any characters, dots too, and ? for one.
Filter matching(std::string pattern);

// Members that a module of type T declares itself.
template <class T> Filter inside();

}  // namespace mica::nn
