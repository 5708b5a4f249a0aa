#include <fmt/format.h>

#include <mica/nn/any_module.h>

namespace mica::nn {

ModuleRef AnyModule::ref() const { return self_->ref(); }

void AnyModule::walk(std::string_view name, Visitor& v) {
  ModuleRef module = ref();
  module.slot_ = this;
  module.walk_as(name, v);
}

bool AnyModule::move_to(const ModuleRef& target) {
  if (target.type_tag() != ref().type_tag()) return false;
  self_->move_to(target);
  return true;
}

void AnyModule::throw_not_callable(std::string_view type) {
  throw Error("AnyModule", fmt::format("the forward of {} does not map a Tensor to a Tensor", type),
              "get_if<T>() gives the module with its own type");
}

}  // namespace mica::nn
