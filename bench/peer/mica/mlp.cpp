#include "workloads.h"

namespace peer {

using namespace mica;

namespace {

struct Mlp : nn::Module {
  std::int64_t in = 784, hidden = 512, out = 10;
  nn::Linear fc1{in, hidden}, fc2{hidden, hidden}, fc3{hidden, out};
  Tensor forward(Tensor x) { return fc3(relu(fc2(relu(fc1(std::move(x)))))); }
};

Mlp tiny() { return Mlp{.in = 16, .hidden = 64, .out = 4}; }

}  // namespace

void add_mlp(Workloads& all) {
  for (const std::int64_t batch : {1, 32}) {
    all.push_back({"tiny_inference" + std::to_string(batch),
                   [=](const Settings&) { return inference(tiny(), randn({batch, 16})); }});
  }
  all.push_back({"tiny_sgd", [](const Settings&) {
                   return training(tiny(), randn({32, 16}), sgd(0.01), classes(32, 4));
                 }});
  all.push_back({"tiny_adam", [](const Settings&) {
                   return training(tiny(), randn({32, 16}), adam(1e-3), classes(32, 4));
                 }});
  all.push_back({"mlp_sgd", [](const Settings&) {
                   return training(Mlp{}, randn({128, 784}), sgd(0.01, 0.9), classes(128, 10));
                 }});
  all.push_back({"mlp_adam", [](const Settings&) {
                   return training(Mlp{}, randn({128, 784}), adam(1e-3), classes(128, 10));
                 }});
}

}  // namespace peer
