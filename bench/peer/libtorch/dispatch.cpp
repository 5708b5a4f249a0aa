#include "workloads.h"

namespace peer {

namespace {

template <class F> Step repeated(F f) {
  auto y = std::make_shared<torch::Tensor>();
  return {[=]() mutable { *y = f(); }, [=] { return y->detach().sum().item<double>(); }};
}

torch::nn::Sequential ten_linear() {
  torch::nn::Sequential net;
  for (int i = 0; i < 10; ++i) net->push_back(torch::nn::Linear(16, 16));
  return net;
}

}  // namespace

void add_dispatch(Workloads& all) {
  all.push_back({"relu16", [](const Settings&) {
                   const torch::Tensor x = torch::randn({16});
                   return repeated([x] { return torch::relu(x); });
                 }});
  all.push_back({"relu16_recorded", [](const Settings&) {
                   const torch::Tensor x = torch::randn({16}).requires_grad_();
                   return repeated([x] { return torch::relu(x); });
                 }});
  all.push_back({"add16", [](const Settings&) {
                   const torch::Tensor x = torch::randn({16}), y = torch::randn({16});
                   return repeated([x, y] { return x + y; });
                 }});
  all.push_back({"linear16", [](const Settings&) {
                   torch::nn::Linear layer(16, 16);
                   const torch::Tensor x = torch::randn({1, 16});
                   return repeated([=]() mutable {
                     const torch::NoGradGuard no_grad;
                     return layer(x);
                   });
                 }});
  all.push_back({"sequential10", [](const Settings&) {
                   torch::nn::Sequential net = ten_linear();
                   const torch::Tensor x = torch::randn({1, 16});
                   return repeated([=]() mutable {
                     const torch::NoGradGuard no_grad;
                     return net->forward(x);
                   });
                 }});
  all.push_back({"sequential10_backward", [](const Settings&) {
                   torch::nn::Sequential net = ten_linear();
                   const torch::Tensor x = torch::randn({1, 16});
                   return repeated([=]() mutable {
                     for (auto& p : net->parameters()) p.mutable_grad() = torch::Tensor();
                     torch::Tensor y = net->forward(x).sum();
                     y.backward();
                     return y;
                   });
                 }});
}

}  // namespace peer
