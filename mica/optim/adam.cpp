#include <cmath>

#include <mica/optim/adam.h>
#include <mica/optim/detail.h>

namespace mica::optim {

namespace {

template <class Options> std::vector<detail::Slot> adam_slots(const Options& o) {
  return {{"exp_avg"}, {"exp_avg_sq"}, {o.amsgrad ? "max_exp_avg_sq" : nullptr}};
}

template <class Options>
kernels::AdamRule rule(const Options& o, bool decoupled, const detail::ParameterState& state) {
  const detail::Decay decay(decoupled, o.lr, o.weight_decay);
  const auto t = static_cast<double>(state.step);
  return {.beta1 = o.betas[0],
          .beta2 = o.betas[1],
          .eps = o.eps,
          .weight_decay = decay.weight_decay,
          .shrink = decay.shrink,
          .step_size = o.lr / (1 - std::pow(o.betas[0], t)),
          .sqrt_correction2 = std::sqrt(1 - std::pow(o.betas[1], t)),
          .amsgrad = o.amsgrad,
          .maximize = o.maximize};
}

}  // namespace

Adam::Adam(std::vector<Tensor> parameters, const AdamOptions& options)
    : OptimizerOf("Adam", std::move(parameters), options, detail::check_common) {}

std::vector<detail::Slot> Adam::slots(std::size_t parameter) const {
  return adam_slots(options(group_of(parameter)));
}

void Adam::update() {
  apply_rule([](const AdamOptions& o, const detail::ParameterState& state) {
    return rule(o, o.decoupled_weight_decay, state);
  });
}

AdamW::AdamW(std::vector<Tensor> parameters, const AdamWOptions& options)
    : OptimizerOf("AdamW", std::move(parameters), options, detail::check_common) {}

std::vector<detail::Slot> AdamW::slots(std::size_t parameter) const {
  return adam_slots(options(group_of(parameter)));
}

void AdamW::update() {
  apply_rule([](const AdamWOptions& o, const detail::ParameterState& state) { return rule(o, true, state); });
}

template class OptimizerOf<AdamOptions>;
template class OptimizerOf<AdamWOptions>;

}  // namespace mica::optim
