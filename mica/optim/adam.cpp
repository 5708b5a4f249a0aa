#include <mica/core/error.h>
#include <mica/kernels/optim.h>
#include <mica/ops/creation.h>
#include <mica/optim/adam.h>

namespace mica::optim {

Adam::Adam(std::vector<Tensor> parameters, const AdamOptions& options)
    : Adam("Adam", std::move(parameters), options, false) {}

Adam::Adam(const char* name, std::vector<Tensor> parameters, const AdamOptions& o, bool decoupled)
    : Optimizer(name, std::move(parameters)),
      options_(o),
      decoupled_weight_decay_(decoupled),
      steps_(parameters_.size()),
      exp_avg_(parameters_.size()),
      exp_avg_sq_(parameters_.size()),
      max_exp_avg_sq_(parameters_.size()) {
  detail::check_option(name, "lr", o.lr, 0);
  detail::check_fraction(name, "beta1", o.beta1);
  detail::check_fraction(name, "beta2", o.beta2);
  detail::check_option(name, "eps", o.eps, 0);
  detail::check_option(name, "weight_decay", o.weight_decay, 0);
}

AdamW::AdamW(std::vector<Tensor> parameters, const AdamWOptions& o)
    : Adam("AdamW", std::move(parameters),
           {.lr = o.lr,
            .beta1 = o.beta1,
            .beta2 = o.beta2,
            .eps = o.eps,
            .weight_decay = o.weight_decay,
            .amsgrad = o.amsgrad,
            .maximize = o.maximize},
           true) {}

std::vector<Optimizer::Slot> Adam::slots() {
  return {{"exp_avg", &exp_avg_}, {"exp_avg_sq", &exp_avg_sq_}, {"max_exp_avg_sq", &max_exp_avg_sq_}};
}

void Adam::update() {
  std::vector<kernels::AdamTensor> tensors;
  std::vector<Tensor> grads;  // keeps rearranged gradients alive
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& p = parameters_[i];
    if (!p.grad().defined()) continue;
    grads.push_back(detail::gradient_of(p));
    if (!exp_avg_[i].defined()) {
      exp_avg_[i] = zeros_like(p);
      exp_avg_sq_[i] = zeros_like(p);
      if (options_.amsgrad) max_exp_avg_sq_[i] = zeros_like(p);
    }
    tensors.push_back({.dtype = p.dtype(),
                       .count = p.numel(),
                       .param = p.raw_data(),
                       .grad = grads.back().raw_data(),
                       .exp_avg = exp_avg_[i].raw_data(),
                       .exp_avg_sq = exp_avg_sq_[i].raw_data(),
                       .max_exp_avg_sq = options_.amsgrad ? max_exp_avg_sq_[i].raw_data() : nullptr,
                       .step = ++steps_[i]});
    p.impl()->storage->changed("Adam::step");
  }
  kernels::adam_step(tensors, {.lr = options_.lr,
                               .beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .eps = options_.eps,
                               .weight_decay = options_.weight_decay,
                               .decoupled_weight_decay = decoupled_weight_decay_,
                               .maximize = options_.maximize});
}

}  // namespace mica::optim
