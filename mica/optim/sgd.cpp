#include <mica/core/error.h>
#include <mica/kernels/optim.h>
#include <mica/optim/sgd.h>

namespace mica::optim {

SGD::SGD(std::vector<Tensor> parameters, const SGDOptions& o)
    : Optimizer("SGD", std::move(parameters)), options_(o), momentum_(parameters_.size()) {
  detail::check_option("SGD", "lr", o.lr, 0);
  detail::check_option("SGD", "momentum", o.momentum, 0);
  detail::check_option("SGD", "weight_decay", o.weight_decay, 0);
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0)) {
    throw Error("SGD", "Nesterov momentum needs momentum > 0 and dampening 0");
  }
}

void SGD::update() {
  std::vector<kernels::SgdTensor> tensors;
  std::vector<Tensor> grads;  // keeps rearranged gradients alive
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& p = parameters_[i];
    if (!p.grad().defined()) continue;
    grads.push_back(detail::gradient_of(p));
    const bool first = options_.momentum != 0 && !momentum_[i].defined();
    if (first) momentum_[i] = empty_like(p);
    tensors.push_back({.dtype = p.dtype(),
                       .count = p.numel(),
                       .param = p.raw_data(),
                       .grad = grads.back().raw_data(),
                       .momentum = momentum_[i].defined() ? momentum_[i].raw_data() : nullptr,
                       .first_momentum = first});
    p.impl()->storage->changed("SGD::step");
  }
  kernels::sgd_step(tensors, {.lr = options_.lr,
                              .momentum = options_.momentum,
                              .dampening = options_.dampening,
                              .weight_decay = options_.weight_decay,
                              .nesterov = options_.nesterov,
                              .maximize = options_.maximize});
}

}  // namespace mica::optim
