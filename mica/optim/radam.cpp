#include <cmath>

#include <mica/optim/detail.h>
#include <mica/optim/radam.h>

namespace mica::optim {

RAdam::RAdam(std::vector<Tensor> parameters, const RAdamOptions& options)
    : OptimizerOf("RAdam", std::move(parameters), options, detail::check_common) {}

std::vector<detail::Slot> RAdam::slots(std::size_t /*parameter*/) const {
  return {{"exp_avg"}, {"exp_avg_sq"}};
}

void RAdam::update() {
  apply_rule([](const RAdamOptions& o, const detail::ParameterState& state) {
    const detail::Decay decay(o.decoupled_weight_decay, o.lr, o.weight_decay);
    const auto t = static_cast<double>(state.step);
    const double decayed2 = std::pow(o.betas[1], t), correction2 = 1 - decayed2;
    // The length of the moving average as of now, and in the end.
    const double longest = 2 / (1 - o.betas[1]) - 1;
    const double length = longest - 2 * t * decayed2 / correction2;
    const bool rectified = length > 5;
    double step_size = o.lr / (1 - std::pow(o.betas[0], t));
    if (rectified) {
      const auto variance = [](double n) { return n / ((n - 4) * (n - 2)); };
      step_size *= std::sqrt(variance(longest) / variance(length) * correction2);
    }
    return kernels::RAdamRule{.beta1 = o.betas[0],
                              .beta2 = o.betas[1],
                              .eps = o.eps,
                              .weight_decay = decay.weight_decay,
                              .shrink = decay.shrink,
                              .step_size = step_size,
                              .rectified = rectified,
                              .maximize = o.maximize};
  });
}

template class OptimizerOf<RAdamOptions>;

}  // namespace mica::optim
