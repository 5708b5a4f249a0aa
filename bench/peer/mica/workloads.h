// The workloads of bench/peer in Mica; those of ../libtorch have the same names, shapes and seeds.
#pragma once

#include <memory>
#include <utility>

#include <mica/mica.h>

#include "../harness.h"

namespace peer {

void add_dispatch(Workloads& all);
void add_mlp(Workloads& all);
void add_vision(Workloads& all);
void add_sequence(Workloads& all);
void add_bulk(Workloads& all);
void add_limits(Workloads& all);

// A model that predicts.
template <class Model> Step inference(Model model, mica::Tensor x) {
  auto m = std::make_shared<Model>(std::move(model));
  m->eval();
  auto y = std::make_shared<mica::Tensor>();
  return {[m, x, y] {
            const mica::InferenceMode inference;
            *y = (*m)(x);
          },
          [y] { return y->sum().template item<double>(); }};
}

// A model that learns: the optimizer is made by make_optimizer(parameters), the loss by loss(output).
template <class Model, class MakeOptimizer, class Loss>
Step training(Model model, mica::Tensor x, MakeOptimizer make_optimizer, Loss loss) {
  auto m = std::make_shared<Model>(std::move(model));
  auto optimizer = make_optimizer(m->parameters());
  auto last = std::make_shared<mica::Tensor>();
  return {[=] {
            optimizer->zero_grad();
            mica::Tensor l = loss((*m)(x));
            l.backward();
            optimizer->step();
            *last = l.detach();
          },
          [last] { return last->template item<double>(); }};
}

inline auto sgd(double lr, double momentum = 0) {
  return [=](std::vector<mica::Tensor> p) {
    return std::make_shared<mica::optim::SGD>(std::move(p),
                                              mica::optim::SGDOptions{.lr = lr, .momentum = momentum});
  };
}
inline auto adam(double lr) {
  return [=](std::vector<mica::Tensor> p) {
    return std::make_shared<mica::optim::Adam>(std::move(p), mica::optim::AdamOptions{.lr = lr});
  };
}
inline auto classes(std::int64_t batch, std::int64_t count) {
  return [target = mica::randint(0, count, {batch})](const mica::Tensor& y) {
    return mica::nn::cross_entropy(y, target);
  };
}
inline auto distance(const mica::Shape& shape) {
  return [target = mica::randn(shape)](const mica::Tensor& y) { return mica::nn::mse_loss(y, target); };
}

}  // namespace peer
