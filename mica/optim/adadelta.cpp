#include <fmt/format.h>

#include <mica/optim/adadelta.h>
#include <mica/optim/detail.h>

namespace mica::optim {

namespace {

void check(const char* name, const AdadeltaOptions& o) {
  detail::check_common(name, o);
  if (!(o.rho >= 0 && o.rho <= 1)) throw Error(name, fmt::format("rho is {}, which is not in [0, 1]", o.rho));
}

}  // namespace

Adadelta::Adadelta(std::vector<Tensor> parameters, const AdadeltaOptions& options)
    : OptimizerOf("Adadelta", std::move(parameters), options, check) {}

std::vector<detail::Slot> Adadelta::slots(std::size_t /*parameter*/) const {
  return {{"square_avg"}, {"acc_delta"}};
}

void Adadelta::update() {
  apply_rule([](const AdadeltaOptions& o, const detail::ParameterState&) {
    return kernels::AdadeltaRule{
        .lr = o.lr, .rho = o.rho, .eps = o.eps, .weight_decay = o.weight_decay, .maximize = o.maximize};
  });
}

template class OptimizerOf<AdadeltaOptions>;

}  // namespace mica::optim
