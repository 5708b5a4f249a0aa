#include "workloads.h"

namespace peer {

namespace {

struct MlpImpl : torch::nn::Module {
  MlpImpl(int in, int hidden, int out) {
    fc1 = register_module("fc1", torch::nn::Linear(in, hidden));
    fc2 = register_module("fc2", torch::nn::Linear(hidden, hidden));
    fc3 = register_module("fc3", torch::nn::Linear(hidden, out));
  }
  torch::Tensor forward(torch::Tensor x) { return fc3(torch::relu(fc2(torch::relu(fc1(x))))); }
  torch::nn::Linear fc1{nullptr}, fc2{nullptr}, fc3{nullptr};
};
TORCH_MODULE(Mlp);

}  // namespace

void add_mlp(Workloads& all) {
  for (const std::int64_t batch : {1, 32}) {
    all.push_back({"tiny_inference" + std::to_string(batch), [=](const Settings& s) {
                     Mlp net(16, 64, 4);
                     return inference(net, torch::randn({batch, 16}), s);
                   }});
  }
  all.push_back({"tiny_sgd", [](const Settings& s) {
                   Mlp net(16, 64, 4);
                   const torch::Tensor x = torch::randn({32, 16});
                   return training(net, x, sgd(0.01), classes(32, 4), s);
                 }});
  all.push_back({"tiny_adam", [](const Settings& s) {
                   Mlp net(16, 64, 4);
                   const torch::Tensor x = torch::randn({32, 16});
                   return training(net, x, adam(1e-3), classes(32, 4), s);
                 }});
  all.push_back({"mlp_sgd", [](const Settings& s) {
                   Mlp net(784, 512, 10);
                   const torch::Tensor x = torch::randn({128, 784});
                   return training(net, x, sgd(0.01, 0.9), classes(128, 10), s);
                 }});
  all.push_back({"mlp_adam", [](const Settings& s) {
                   Mlp net(784, 512, 10);
                   const torch::Tensor x = torch::randn({128, 784});
                   return training(net, x, adam(1e-3), classes(128, 10), s);
                 }});
}

}  // namespace peer
