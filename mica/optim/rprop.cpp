#include <fmt/format.h>

#include <mica/optim/detail.h>
#include <mica/optim/rprop.h>

namespace mica::optim {

namespace {

void check(const char* name, const RpropOptions& o) {
  detail::check_common(name, o);
  if (!(o.etas[0] > 0 && o.etas[0] < 1 && o.etas[1] > 1)) {
    throw Error(name,
                fmt::format("etas are {} and {}, expected 0 < etas[0] < 1 < etas[1]", o.etas[0], o.etas[1]));
  }
  if (!(o.step_sizes[0] >= 0 && o.step_sizes[0] <= o.step_sizes[1])) {
    throw Error(name, fmt::format("step_sizes are {} and {}, expected the smallest and the largest",
                                  o.step_sizes[0], o.step_sizes[1]));
  }
}

}  // namespace

Rprop::Rprop(std::vector<Tensor> parameters, const RpropOptions& options)
    : OptimizerOf("Rprop", std::move(parameters), options, check) {}

std::vector<detail::Slot> Rprop::slots(std::size_t parameter) const {
  return {{"prev"}, {"step_size", options(group_of(parameter)).lr}};
}

void Rprop::update() {
  apply_rule([](const RpropOptions& o, const detail::ParameterState&) {
    return kernels::RpropRule{.eta_minus = o.etas[0],
                              .eta_plus = o.etas[1],
                              .smallest = o.step_sizes[0],
                              .largest = o.step_sizes[1],
                              .maximize = o.maximize};
  });
}

template class OptimizerOf<RpropOptions>;

}  // namespace mica::optim
