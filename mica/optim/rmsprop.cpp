#include <mica/optim/detail.h>
#include <mica/optim/rmsprop.h>

namespace mica::optim {

namespace {

void check(const char* name, const RMSpropOptions& o) {
  detail::check_common(name, o);
  detail::check_option(name, "alpha", o.alpha, 0);
}

}  // namespace

RMSprop::RMSprop(std::vector<Tensor> parameters, const RMSpropOptions& options)
    : OptimizerOf("RMSprop", std::move(parameters), options, check) {}

std::vector<detail::Slot> RMSprop::slots(std::size_t parameter) const {
  const RMSpropOptions& o = options(group_of(parameter));
  return {
      {"square_avg"}, {o.momentum > 0 ? "momentum_buffer" : nullptr}, {o.centered ? "grad_avg" : nullptr}};
}

void RMSprop::update() {
  apply_rule([](const RMSpropOptions& o, const detail::ParameterState&) {
    return kernels::RmspropRule{.lr = o.lr,
                                .alpha = o.alpha,
                                .eps = o.eps,
                                .weight_decay = o.weight_decay,
                                .momentum = o.momentum,
                                .centered = o.centered,
                                .maximize = o.maximize};
  });
}

template class OptimizerOf<RMSpropOptions>;

}  // namespace mica::optim
