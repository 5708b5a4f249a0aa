// The workloads of bench/peer in libtorch's C++ frontend, as its users write them.
#pragma once

#include <memory>
#include <utility>

#include <torch/torch.h>

#include "../harness.h"

namespace peer {

void add_dispatch(Workloads& all);
void add_mlp(Workloads& all);
void add_vision(Workloads& all);
void add_sequence(Workloads& all);
void add_bulk(Workloads& all);

template <class Model> void arrange(Model& model, torch::Tensor& x, const Settings& settings) {
  if (!settings.channels_last) return;
  const torch::NoGradGuard no_grad;
  for (torch::Tensor p : model->parameters()) {
    if (p.dim() == 4) p.set_data(p.contiguous(torch::MemoryFormat::ChannelsLast));
  }
  if (x.dim() == 4) x = x.contiguous(torch::MemoryFormat::ChannelsLast);
}

template <class Model> Step inference(Model model, torch::Tensor x, const Settings& settings) {
  arrange(model, x, settings);
  model->eval();
  auto y = std::make_shared<torch::Tensor>();
  return {[=]() mutable {
            const torch::InferenceMode inference;
            *y = model->forward(x);
          },
          [y] { return y->sum().template item<double>(); }};
}

template <class Model, class MakeOptimizer, class Loss>
Step training(Model model, torch::Tensor x, MakeOptimizer make_optimizer, Loss loss,
              const Settings& settings) {
  arrange(model, x, settings);
  auto optimizer = make_optimizer(model->parameters());
  auto last = std::make_shared<torch::Tensor>();
  return {[=]() mutable {
            // The frontend's zero_grad() of 1.13 fills gradients with zeros; a user in need of speed drops
            // them.
            for (auto& p : optimizer->param_groups()[0].params()) p.mutable_grad() = torch::Tensor();
            torch::Tensor l = loss(model->forward(x));
            l.backward();
            optimizer->step();
            *last = l.detach();
          },
          [last] { return last->template item<double>(); }};
}

inline auto sgd(double lr, double momentum = 0) {
  return [=](std::vector<torch::Tensor> p) {
    return std::make_shared<torch::optim::SGD>(std::move(p), torch::optim::SGDOptions(lr).momentum(momentum));
  };
}
inline auto adam(double lr) {
  return [=](std::vector<torch::Tensor> p) {
    return std::make_shared<torch::optim::Adam>(std::move(p), torch::optim::AdamOptions(lr));
  };
}
inline auto classes(std::int64_t batch, std::int64_t count) {
  return [target = torch::randint(0, count, {batch}, torch::kLong)](const torch::Tensor& y) {
    return torch::nn::functional::cross_entropy(y, target);
  };
}
inline auto distance(torch::IntArrayRef shape) {
  return [target = torch::randn(shape)](const torch::Tensor& y) { return torch::mse_loss(y, target); };
}

}  // namespace peer
