#include <mica/core/error.h>
#include <mica/kernels/optim.h>
#include <mica/optim/sgd.h>

namespace mica::optim {

SGD::SGD(std::vector<Tensor> parameters, const SGDOptions& o)
    : Optimizer("SGD", std::move(parameters)), options_(o), momentum_(parameters_.size()) {
  detail::check_option("SGD", "lr", o.lr, 0);
  detail::check_option("SGD", "momentum", o.momentum, 0);
  detail::check_option("SGD", "dampening", o.dampening, 0);
  detail::check_option("SGD", "weight_decay", o.weight_decay, 0);
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0)) {
    throw Error("SGD", "Nesterov momentum needs momentum > 0 and dampening 0");
  }
}

std::vector<Optimizer::Slot> SGD::slots() {
  if (options_.momentum == 0) return {};
  return {{"momentum_buffer", &momentum_}};
}

void SGD::update() {
  const std::vector<detail::Update> updates = detail::begin_updates(parameters_);
  std::vector<kernels::SgdTensor> tensors;
  for (const auto& [i, param, grad] : updates) {
    Tensor& momentum = momentum_[i];
    const bool first = options_.momentum != 0 && !momentum.defined();
    if (first)
      momentum = empty_like(param);
    else if (momentum.defined())
      detail::match(momentum, param);
    tensors.push_back({.dtype = param.dtype(),
                       .count = param.numel(),
                       .param = param.raw_data(),
                       .grad = grad.raw_data(),
                       .momentum = momentum.defined() ? momentum.raw_data() : nullptr,
                       .first_momentum = first});
  }
  kernels::sgd_step(tensors, {.lr = options_.lr,
                              .momentum = options_.momentum,
                              .dampening = options_.dampening,
                              .weight_decay = options_.weight_decay,
                              .nesterov = options_.nesterov,
                              .maximize = options_.maximize});
  detail::finish_updates("SGD::step", updates, parameters_);
}

}  // namespace mica::optim
