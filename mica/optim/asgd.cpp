#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <mica/optim/asgd.h>
#include <mica/optim/detail.h>

namespace mica::optim {

namespace {

void check(const char* name, const ASGDOptions& o) {
  detail::check_common(name, o);
  for (const auto& [option, value] : {std::pair{"lambd", o.lambd}, {"alpha", o.alpha}, {"t0", o.t0}}) {
    if (!std::isfinite(value)) throw Error(name, fmt::format("{} is {}", option, value));
  }
}

}  // namespace

ASGD::ASGD(std::vector<Tensor> parameters, const ASGDOptions& options)
    : OptimizerOf("ASGD", std::move(parameters), options, check) {}

std::vector<detail::Slot> ASGD::slots(std::size_t /*parameter*/) const { return {{"ax"}}; }

std::vector<const char*> ASGD::numbers() const { return {"eta", "mu"}; }

void ASGD::update() {
  apply_rule([](const ASGDOptions& o, detail::ParameterState& state) {
    if (state.numbers.empty()) state.numbers = {o.lr, 1};
    double& eta = state.numbers[0];
    double& mu = state.numbers[1];
    const kernels::AsgdRule rule{.eta = eta,
                                 .mu = mu,
                                 .weight_decay = o.weight_decay,
                                 .shrink = 1 - o.lambd * eta,
                                 .maximize = o.maximize};
    const auto t = static_cast<double>(state.step);  // those of the next step
    eta = o.lr / std::pow(1 + o.lambd * o.lr * t, o.alpha);
    mu = 1 / std::max(1.0, t - o.t0);
    return rule;
  });
}

template class OptimizerOf<ASGDOptions>;

}  // namespace mica::optim
