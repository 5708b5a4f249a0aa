#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/core/error.h>
#include <mica/nn/parameter.h>

namespace mica::nn {

Parameter::Parameter(const Tensor& value, bool requires_grad) : Tensor(value.detach()) {
  detail::forbid_construction_inside_forward("nn::Parameter");
  requires_grad_(requires_grad);
}

Parameter tied(const Parameter& other) { return Parameter(other, Parameter::Share{}); }

Buffer::Buffer(const Tensor& value, Persistence persistence)
    : Tensor(value.detach()), persistence_(persistence) {
  detail::forbid_construction_inside_forward("nn::Buffer");
}

void detail::forbid_construction_inside_forward(const char* type) {
  if (autograd::ForwardScope::current().empty()) return;
  autograd::forbid_inside_forward(
      type, fmt::format("{} was made", type),
      "it would be new at every call, out of reach of optimizers and eval(): declare it as a member");
}

}  // namespace mica::nn
