#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
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
    if (t.sizes() != sizes || t.is_floating_point() != is_floating_point(dtype)) {
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
  const auto own = slots();
  std::vector<std::vector<Tensor>> loaded(own.size(), std::vector<Tensor>(parameters_.size()));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i];
    const auto key = [i](const Slot& slot) { return fmt::format("state.{}.{}", i, slot.name); };
    // All or none; where steps are counted, the count says which.
    const bool stepped =
        counts.empty() ? std::ranges::any_of(own, [&](const Slot& slot) { return state.contains(key(slot)); })
                       : counts[i] > 0;
    if (!stepped) continue;
    for (std::size_t s = 0; s < own.size(); ++s) {
      loaded[s][i] = take(key(own[s]), p.sizes(), p.dtype()).clone();
    }
  }
  if (used != state.size()) {
    throw Error(
        name_,
        fmt::format("the state has {} entries, of which {} belong to this optimizer and its {} parameters",
                    state.size(), used, parameters_.size()),
        "was it saved by another optimizer, with other options, or for another model?");
  }
  set_lr(lr);
  if (step_counts() != nullptr) *step_counts() = std::move(counts);
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

std::vector<Update> begin_updates(const std::vector<Tensor>& parameters) {
  std::vector<Update> updates;
  updates.reserve(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& p = parameters[i];
    if (!p.grad().defined()) continue;
    Tensor grad = p.grad().detach();
    const DType dtype = ops::compute_type(p.dtype());
    const bool in_place = p.dtype() == dtype && is_dense(p.sizes(), p.strides());
    Tensor param = in_place ? p : p.detach().to(dtype).contiguous();
    match(grad, param);
    updates.push_back({i, std::move(param), std::move(grad)});
  }
  return updates;
}

void finish_updates(const char* operation, const std::vector<Update>& updates,
                    std::vector<Tensor>& parameters) {
  for (const Update& u : updates) {
    Tensor& p = parameters[u.index];
    if (!u.param.is_same(p)) p.copy_(u.param);
    p.impl()->storage->changed(operation);
  }
}

void match(Tensor& state, const Tensor& param) {
  if (state.dtype() == param.dtype() && state.strides() == param.strides()) return;
  state = empty_like(param).copy_(state);
}

}  // namespace detail
}  // namespace mica::optim
