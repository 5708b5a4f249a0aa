#include <mica/optim/detail.h>
#include <mica/optim/sgd.h>

namespace mica::optim {

namespace {

void check(const char* name, const SGDOptions& o) {
  detail::check_common(name, o);
  detail::check_option(name, "dampening", o.dampening, 0);
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0)) {
    throw Error(name, "Nesterov momentum needs momentum > 0 and dampening 0");
  }
}

}  // namespace

SGD::SGD(std::vector<Tensor> parameters, const SGDOptions& options)
    : OptimizerOf("SGD", std::move(parameters), options, check) {}

std::vector<detail::Slot> SGD::slots(std::size_t parameter) const {
  if (options(group_of(parameter)).momentum == 0) return {{}};
  return {{"momentum_buffer"}};
}

void SGD::update() {
  apply_rule([](const SGDOptions& o, const detail::ParameterState& state) {
    return kernels::SgdRule{.lr = o.lr,
                            .momentum = o.momentum,
                            .dampening = o.dampening,
                            .weight_decay = o.weight_decay,
                            .nesterov = o.nesterov,
                            .maximize = o.maximize,
                            .first = state.fresh};
  });
}

template class OptimizerOf<SGDOptions>;

}  // namespace mica::optim
