#include <cmath>

#include <mica/optim/detail.h>
#include <mica/optim/nadam.h>

namespace mica::optim {

namespace {

void check(const char* name, const NAdamOptions& o) {
  detail::check_common(name, o);
  detail::check_option(name, "momentum_decay", o.momentum_decay, 0);
}

}  // namespace

NAdam::NAdam(std::vector<Tensor> parameters, const NAdamOptions& options)
    : OptimizerOf("NAdam", std::move(parameters), options, check) {}

std::vector<detail::Slot> NAdam::slots(std::size_t /*parameter*/) const {
  return {{"exp_avg"}, {"exp_avg_sq"}};
}

std::vector<const char*> NAdam::numbers() const { return {"mu_product"}; }

void NAdam::update() {
  apply_rule([](const NAdamOptions& o, detail::ParameterState& state) {
    if (state.numbers.empty()) state.numbers = {1};
    const detail::Decay decay(o.decoupled_weight_decay, o.lr, o.weight_decay);
    const auto momentum = [&](std::int64_t t) {
      return o.betas[0] * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * o.momentum_decay));
    };
    const double mu = momentum(state.step), next = momentum(state.step + 1);
    double& product = state.numbers[0];
    product *= mu;
    return kernels::NAdamRule{.beta1 = o.betas[0],
                              .beta2 = o.betas[1],
                              .eps = o.eps,
                              .weight_decay = decay.weight_decay,
                              .shrink = decay.shrink,
                              .correction2 = 1 - std::pow(o.betas[1], static_cast<double>(state.step)),
                              .grad_step = o.lr * (1 - mu) / (1 - product),
                              .momentum_step = o.lr * next / (1 - product * next),
                              .maximize = o.maximize};
  });
}

template class OptimizerOf<NAdamOptions>;

}  // namespace mica::optim
