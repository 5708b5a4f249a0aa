#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include <mica/autograd/forward_scope.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/detail.h>
#include <mica/optim/detail.h>
#include <mica/optim/optimizer_hooks.h>

namespace mica::optim {

using detail::HookKind;
using detail::ParameterState;
using detail::Slot;
using detail::Update;

Optimizer::Optimizer(const char* name, std::vector<Tensor> parameters, ParameterCheck check)
    : name_(name), check_parameter_(check), hooks_(std::make_shared<detail::OptimizerHooks>()) {
  add_parameters(std::move(parameters));
}

Optimizer::~Optimizer() = default;

void Optimizer::add_parameters(std::vector<Tensor> parameters) {
  if (parameters.empty()) {
    throw Error(name_, "the list of parameters is empty",
                "pass model.parameters(); does the model declare any layers?");
  }
  std::unordered_set<const TensorImpl*> seen;
  for (const Tensor& p : parameters_) seen.insert(p.impl().get());
  for (const Tensor& p : parameters) {
    if (!p.is_leaf()) {
      throw Error(name_, fmt::format("a tensor of shape {} is the result of {}, not a parameter",
                                     to_string(p.sizes()), p.grad_fn_name()));
    }
    if (check_parameter_ != nullptr) check_parameter_(name_, p);
    if (!seen.insert(p.impl().get()).second) {
      throw Error(name_, fmt::format("a parameter of shape {} was given twice", to_string(p.sizes())));
    }
  }
  groups_.push_back({parameters_.size(), parameters_.size() + parameters.size()});
  parameters_.insert(parameters_.end(), parameters.begin(), parameters.end());
  state_.resize(parameters_.size());
}

void Optimizer::check_group(std::size_t group) const {
  if (group < groups_.size()) return;
  throw Error(name_, fmt::format("there is no group {} among {}", group, groups_.size()));
}

std::size_t Optimizer::group_of(std::size_t parameter) const {
  std::size_t group = 0;
  while (groups_[group].last <= parameter) ++group;
  return group;
}

std::vector<Tensor> Optimizer::parameters(std::size_t group) const {
  check_group(group);
  const auto first = parameters_.begin();
  return {first + static_cast<std::ptrdiff_t>(groups_[group].first),
          first + static_cast<std::ptrdiff_t>(groups_[group].last)};
}

double Optimizer::lr(std::size_t group) const { return *const_cast<Optimizer*>(this)->option(group, "lr"); }

void Optimizer::set_lr(double lr) {
  for (std::size_t group = 0; group < groups_.size(); ++group) set_lr(group, lr);
}

void Optimizer::set_lr(std::size_t group, double lr) { *option(group, "lr") = lr; }

Tensor Optimizer::step_with(const Closure* closure) {
  autograd::forbid_inside_forward(name_, "step() was called", "training belongs outside the model");
  StateDict none;
  detail::global_hooks()->run(HookKind::step_pre, *this, none);
  hooks_->run(HookKind::step_pre, *this, none);
  Tensor loss = run_step(closure);
  detail::global_hooks()->run(HookKind::step_post, *this, none);
  hooks_->run(HookKind::step_post, *this, none);
  return loss;
}

Tensor Optimizer::run_step(const Closure* closure) {
  Tensor loss;
  if (closure != nullptr) {
    const EnableGrad enable_grad;
    loss = (*closure)();
  }
  const NoGrad no_grad;
  update();
  return loss;
}

void Optimizer::zero_grad(bool set_to_none) {
  for (Tensor& p : parameters_) {
    if (set_to_none)
      p.set_grad({});
    else if (p.grad().defined())
      p.set_grad(p.grad().detach().zero_());
  }
}

std::vector<Update> Optimizer::begin_updates() {
  std::vector<Update> updates;
  updates.reserve(parameters_.size());
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (std::size_t i = groups_[group].first; i < groups_[group].last; ++i) {
      const Tensor& p = parameters_[i];
      if (!p.grad().defined()) continue;
      Tensor grad = p.grad().detach();
      const DType dtype = ops::compute_type(p.dtype());
      const bool in_place = p.dtype() == dtype && is_dense(p.sizes(), p.strides());
      Tensor param = in_place ? p.detach() : p.detach().to(dtype).contiguous();
      detail::match(grad, param);
      updates.push_back({i, group, std::move(param), std::move(grad)});
    }
  }
  return updates;
}

void Optimizer::finish_updates(const std::vector<Update>& updates) {
  for (const Update& u : updates) {
    Tensor& p = parameters_[u.index];
    if (!u.param.shares_storage(p)) p.copy_(u.param);
    p.impl()->storage->changed(name_);
  }
}

ParameterState& Optimizer::begin_state(const Update& update) {
  ParameterState& state = state_[update.index];
  ++state.step;
  state.fresh = false;
  const std::vector<Slot> all = slots(update.index);
  state.tensors.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == nullptr) continue;
    Tensor& t = state.tensors[i];
    if (t.defined()) {
      if (all[i].sizes)
        t = t.to(update.param.dtype());
      else
        detail::match(t, update.param);
      continue;
    }
    state.fresh = true;
    t = all[i].sizes ? full(*all[i].sizes, all[i].initial, update.param.dtype())
                     : full_like(update.param, all[i].initial);
  }
  return state;
}

namespace detail {

void match(Tensor& state, const Tensor& param) {
  if (state.dtype() == param.dtype() && state.strides() == param.strides()) return;
  state = empty_like(param).copy_(state);
}

void check_option(const char* optimizer, const char* option, double value, double least) {
  if (std::isfinite(value) && value >= least) return;
  throw Error(optimizer, fmt::format("{} is {}, which is below {} or not finite", option, value, least));
}

void check_fraction(const char* optimizer, const char* option, double value) {
  if (value >= 0 && value < 1) return;
  throw Error(optimizer, fmt::format("{} is {}, which is not in [0, 1)", option, value));
}

void check_betas(const char* optimizer, const std::array<double, 2>& betas) {
  check_fraction(optimizer, "betas[0]", betas[0]);
  check_fraction(optimizer, "betas[1]", betas[1]);
}

}  // namespace detail
}  // namespace mica::optim
