#include "../../cnn.h"
#include "workloads.h"

namespace peer {

using namespace mica;

namespace {

// ResNet-18 (He et al. 2015).
struct BasicBlock : nn::Module {
  std::int64_t in = 64, out = 64, stride = 1;
  nn::Conv2d conv1{in, out, 3, {.stride = stride, .padding = 1, .bias = false}};
  nn::BatchNorm2d bn1{out};
  nn::Conv2d conv2{out, out, 3, {.padding = 1, .bias = false}};
  nn::BatchNorm2d bn2{out};
  nn::Sequential downsample = shortcut(in, out, stride);
  static nn::Sequential shortcut(std::int64_t in, std::int64_t out, std::int64_t stride) {
    if (stride == 1 && in == out) return nn::Sequential{};
    return nn::Sequential{nn::Conv2d{in, out, 1, {.stride = stride, .bias = false}}, nn::BatchNorm2d{out}};
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = bn2(conv2(relu(bn1(conv1(x)))));
    return relu(y + downsample(x));
  }
};

struct ResNet18 : nn::Module {
  bool small = false;  // for images of 32x32: no reduction at the start
  nn::Conv2d conv1{3, 64, small ? 3 : 7, {.stride = small ? 1 : 2, .padding = small ? 1 : 3, .bias = false}};
  nn::BatchNorm2d bn1{64};
  nn::MaxPool2d pool{3, {.stride = 2, .padding = 1}};
  std::vector<BasicBlock> blocks = make_blocks();
  nn::Linear fc{512, small ? 10 : 1000};
  static std::vector<BasicBlock> make_blocks() {
    std::vector<BasicBlock> all;
    all.reserve(8);
    std::int64_t in = 64;
    for (const std::int64_t out : {64, 128, 256, 512}) {
      all.push_back(BasicBlock{.in = in, .out = out, .stride = in == out ? 1 : 2});
      all.push_back(BasicBlock{.in = out, .out = out});
      in = out;
    }
    return all;
  }
  Tensor forward(Tensor x) {
    x = relu(bn1(conv1(std::move(x))));
    if (!small) x = pool(std::move(x));
    for (auto& block : blocks) x = block(std::move(x));
    return fc(x.mean({2, 3}));
  }
};

}  // namespace

void add_vision(Workloads& all) {
  all.push_back({"cnn_sgd", [](const Settings&) {
                   return training(Cnn{}, randn({64, 1, 28, 28}), sgd(0.01, 0.9), classes(64, 10));
                 }});
  all.push_back({"cnn_adam", [](const Settings&) {
                   return training(Cnn{}, randn({64, 1, 28, 28}), adam(1e-3), classes(64, 10));
                 }});
  for (const std::int64_t batch : {1, 64}) {
    all.push_back({"cnn_inference" + std::to_string(batch),
                   [=](const Settings&) { return inference(Cnn{}, randn({batch, 1, 28, 28})); }});
  }
  all.push_back({"resnet_sgd", [](const Settings&) {
                   return training(ResNet18{.small = true}, randn({32, 3, 32, 32}), sgd(0.01, 0.9),
                                   classes(32, 10));
                 }});
  for (const std::int64_t batch : {1, 8}) {
    all.push_back({"resnet_inference" + std::to_string(batch),
                   [=](const Settings&) { return inference(ResNet18{}, randn({batch, 3, 224, 224})); }});
  }
}

}  // namespace peer
