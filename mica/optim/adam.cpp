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
  std::vector<Slot> out{{"exp_avg", &exp_avg_}, {"exp_avg_sq", &exp_avg_sq_}};
  if (options_.amsgrad) out.push_back({"max_exp_avg_sq", &max_exp_avg_sq_});
  return out;
}

void Adam::update() {
  const std::vector<detail::Update> updates = detail::begin_updates(parameters_);
  const std::vector<Slot> own = slots();
  std::vector<kernels::AdamTensor> tensors;
  for (const auto& [i, param, grad] : updates) {
    for (const Slot& slot : own) {
      Tensor& state = (*slot.tensors)[i];
      if (state.defined())
        detail::match(state, param);
      else
        state = zeros_like(param);
    }
    tensors.push_back({.dtype = param.dtype(),
                       .count = param.numel(),
                       .param = param.raw_data(),
                       .grad = grad.raw_data(),
                       .exp_avg = exp_avg_[i].raw_data(),
                       .exp_avg_sq = exp_avg_sq_[i].raw_data(),
                       .max_exp_avg_sq = options_.amsgrad ? max_exp_avg_sq_[i].raw_data() : nullptr,
                       .step = ++steps_[i]});
  }
  kernels::adam_step(tensors, {.lr = options_.lr,
                               .beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .eps = options_.eps,
                               .weight_decay = options_.weight_decay,
                               .decoupled_weight_decay = decoupled_weight_decay_,
                               .maximize = options_.maximize});
  detail::finish_updates(decoupled_weight_decay_ ? "AdamW::step" : "Adam::step", updates, parameters_);
}

}  // namespace mica::optim
