#include <mica/optim/adagrad.h>
#include <mica/optim/detail.h>

namespace mica::optim {

namespace {

void check(const char* name, const AdagradOptions& o) {
  detail::check_common(name, o);
  detail::check_option(name, "lr_decay", o.lr_decay, 0);
  detail::check_option(name, "initial_accumulator_value", o.initial_accumulator_value, 0);
}

}  // namespace

Adagrad::Adagrad(std::vector<Tensor> parameters, const AdagradOptions& options)
    : OptimizerOf("Adagrad", std::move(parameters), options, check) {}

std::vector<detail::Slot> Adagrad::slots(std::size_t parameter) const {
  return {{"sum", options(group_of(parameter)).initial_accumulator_value}};
}

void Adagrad::update() {
  apply_rule([](const AdagradOptions& o, const detail::ParameterState& state) {
    return kernels::AdagradRule{.step_size = o.lr / (1 + static_cast<double>(state.step - 1) * o.lr_decay),
                                .eps = o.eps,
                                .weight_decay = o.weight_decay,
                                .maximize = o.maximize};
  });
}

template class OptimizerOf<AdagradOptions>;

}  // namespace mica::optim
