#include <utility>

#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/meta.h>
#include <mica/nn/parameter.h>
#include <mica/tensor/impl.h>
#include <mica/tensor/meta.h>

namespace mica::nn {

bool Uninitialized::fits(const Shape& shape) const {
  if (shape.size() != sizes.size()) return false;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != -1 && sizes[i] != shape[i]) return false;
  }
  return true;
}

std::string Uninitialized::to_string() const {
  std::string out;
  for (const std::int64_t n : sizes) out += (out.empty() ? "" : ", ") + (n == -1 ? "?" : std::to_string(n));
  return fmt::format("{} [{}]", name(dtype), out);
}

void StateTensor::materialize(const Shape& sizes) {
  if (pending_ == nullptr) throw Error("materialize", "this tensor has its shape already");
  if (!pending_->fits(sizes)) {
    throw Error("materialize", fmt::format("shape {} for a tensor that is to be {}", mica::to_string(sizes),
                                           pending_->to_string()));
  }
  const InferenceMode ordinary(
      false);  // a first call that only predicts must not make what cannot be trained
  Tensor made = empty(sizes, pending_->dtype);
  made.requires_grad_(pending_->requires_grad);
  static_cast<Tensor&>(*this) = std::move(made);
  pending_.reset();
}

void StateTensor::make_uninitialized(const Uninitialized& known) {
  pending_ = Owned(new Uninitialized(known));
  static_cast<Tensor&>(*this) = Tensor();
}

void detail::throw_uninitialized(const char* operation, std::string_view path, const StateTensor& tensor) {
  throw Error(
      operation,
      fmt::format("\"{}\" has no shape yet ({}): its lazy layer was never called", path,
                  tensor.pending()->to_string()),
      "run one forward first, on an input of the right size, or load a state; then count parameters and "
      "make the optimizer");
}

Parameter Parameter::uninitialized(const Shape& sizes, DType dtype) {
  Parameter out;
  out.make_uninitialized({.sizes = sizes, .dtype = dtype, .requires_grad = true});
  return out;
}

Buffer Buffer::uninitialized(const Shape& sizes, DType dtype) {
  Buffer out;
  out.make_uninitialized({.sizes = sizes, .dtype = dtype});
  return out;
}

namespace {
thread_local bool without_memory = false;

// What a member holds of the tensor it is made from.
Tensor held(const Tensor& value) {
  return without_memory ? empty_meta(value.sizes(), value.dtype()) : value.detach();
}
}  // namespace

detail::MetaScope::MetaScope() : before_(std::exchange(without_memory, true)) {}
detail::MetaScope::~MetaScope() { without_memory = before_; }

Parameter::Parameter(const Tensor& value, bool requires_grad) : StateTensor(held(value)) {
  detail::forbid_construction_inside_forward("nn::Parameter");
  requires_grad_(requires_grad);
}

Parameter tied(const Parameter& other) {
  if (other.is_uninitialized()) detail::throw_uninitialized("tied", "the parameter", other);
  return Parameter(other, Parameter::Share{});
}

Buffer::Buffer(const Tensor& value, Persistence persistence)
    : StateTensor(persistence == Persistence::persistent ? held(value) : value.detach()),
      persistence_(persistence) {
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
