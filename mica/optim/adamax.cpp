#include <cmath>

#include <mica/optim/adamax.h>
#include <mica/optim/detail.h>

namespace mica::optim {

Adamax::Adamax(std::vector<Tensor> parameters, const AdamaxOptions& options)
    : OptimizerOf("Adamax", std::move(parameters), options, detail::check_common) {}

std::vector<detail::Slot> Adamax::slots(std::size_t /*parameter*/) const {
  return {{"exp_avg"}, {"exp_inf"}};
}

void Adamax::update() {
  apply_rule([](const AdamaxOptions& o, const detail::ParameterState& state) {
    const double correction1 = 1 - std::pow(o.betas[0], static_cast<double>(state.step));
    return kernels::AdamaxRule{.beta1 = o.betas[0],
                               .beta2 = o.betas[1],
                               .eps = o.eps,
                               .weight_decay = o.weight_decay,
                               .step_size = o.lr / correction1,
                               .maximize = o.maximize};
  });
}

template class OptimizerOf<AdamaxOptions>;

}  // namespace mica::optim
