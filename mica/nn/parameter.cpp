#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/parameter.h>
#include <mica/tensor/impl.h>

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

void detail::replace_memory(const Tensor& target, const Tensor& source, const char* operation) {
  const NoGrad no_grad;
  TensorImpl& impl = *target.impl();
  const TensorImpl& from = *source.impl();
  const Tensor grad = target.grad();
  const std::uint32_t version = target.version();
  impl.storage = from.storage;
  impl.dtype = from.dtype;
  impl.offset = from.offset;
  impl.set_geometry(from.sizes, from.strides);
  while (target.version() <= version) impl.storage->changed(operation);
  if (grad.defined()) Tensor(target).set_grad(grad.to(from.dtype));
}

}  // namespace mica::nn
