#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/optimizer.h>

namespace mica::optim {

Optimizer::Optimizer(const char* name, std::vector<Tensor> parameters)
    : name_(name), parameters_(std::move(parameters)) {
  if (parameters_.empty()) {
    throw Error(name, "the list of parameters is empty",
                "pass model.parameters(); does the model declare any layers?");
  }
  std::unordered_set<const TensorImpl*> seen;
  for (const Tensor& p : parameters_) {
    if (!p.is_leaf()) {
      throw Error(name, fmt::format("a tensor of shape {} is the result of {}, not a parameter",
                                    to_string(p.sizes()), p.grad_fn_name()));
    }
    if (!seen.insert(p.impl().get()).second) {
      throw Error(name, fmt::format("a parameter of shape {} was given twice", to_string(p.sizes())));
    }
  }
}

void Optimizer::step() {
  autograd::forbid_inside_forward(name_, "step() was called", "training belongs outside the model");
  const NoGrad no_grad;
  update();
}

void Optimizer::zero_grad(bool set_to_none) {
  for (Tensor& p : parameters_) {
    if (set_to_none)
      p.set_grad({});
    else if (p.grad().defined())
      p.set_grad(p.grad().detach().zero_());
  }
}

StateDict Optimizer::state_dict() const {
  auto& self = const_cast<Optimizer&>(*this);  // slots() is shared with load_state_dict(), which writes
  StateDict out;
  out.insert("lr", full({}, lr(), f64));
  if (const auto* counts = self.step_counts()) out.insert("step", from_vector(*counts));
  for (const Slot& slot : self.slots()) {
    for (std::size_t i = 0; i < slot.tensors->size(); ++i) {
      const Tensor& t = (*slot.tensors)[i];
      if (t.defined()) out.insert(fmt::format("state.{}.{}", i, slot.name), t);
    }
  }
  return out;
}

void Optimizer::load_state_dict(const StateDict& state) {
  std::size_t used = 0;
  const auto take = [&](const std::string& key, const Shape& sizes, DType dtype) {
    const Tensor& t = state.at(key);
    ++used;
    if (t.sizes() != sizes || t.dtype() != dtype) {
      throw Error(name_,
                  fmt::format("\"{}\" is {} {} in the state, expected {} {}", key, name(t.dtype()),
                              to_string(t.sizes()), name(dtype), to_string(sizes)),
                  "was it saved for another model?");
    }
    return t;
  };
  const double lr = take("lr", {}, f64).item();
  detail::check_option(name_, "lr", lr, 0);
  std::vector<std::int64_t> counts;
  const auto n = static_cast<std::int64_t>(parameters_.size());
  if (step_counts() != nullptr) {
    counts = take("step", Shape(n), i64).to_vector<std::int64_t>();
    for (const std::int64_t count : counts) {
      if (count < 0) throw Error(name_, fmt::format("a step count of {}", count));
    }
  }
  std::vector<std::vector<Tensor>> loaded;
  for (const Slot& slot : slots()) {
    auto& tensors = loaded.emplace_back(parameters_.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::string key = fmt::format("state.{}.{}", i, slot.name);
      if (!state.contains(key)) continue;
      const Tensor& p = parameters_[i];
      tensors[i] = empty_like(p).copy_(take(key, p.sizes(), p.dtype()));
    }
  }
  if (used != state.size()) {
    throw Error(
        name_,
        fmt::format("the state has {} entries, of which {} belong to this optimizer and its {} parameters",
                    state.size(), used, parameters_.size()),
        "was it saved by another optimizer, or for another model?");
  }
  set_lr(lr);
  if (step_counts() != nullptr) *step_counts() = std::move(counts);
  const auto own = slots();
  for (std::size_t s = 0; s < own.size(); ++s) *own[s].tensors = std::move(loaded[s]);
}

namespace detail {

void check_option(const char* optimizer, const char* option, double value, double least) {
  if (std::isfinite(value) && value >= least) return;
  throw Error(optimizer, fmt::format("{} is {}, which is below {} or not finite", option, value, least));
}

void check_fraction(const char* optimizer, const char* option, double value) {
  if (value >= 0 && value < 1) return;
  throw Error(optimizer, fmt::format("{} is {}, which is not in [0, 1)", option, value));
}

Tensor gradient_of(const Tensor& parameter) {
  Tensor grad = parameter.grad().detach();
  if (grad.strides() == parameter.strides()) return grad;
  return empty_like(parameter).copy_(grad);
}

}  // namespace detail
}  // namespace mica::optim
