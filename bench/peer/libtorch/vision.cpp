#include "workloads.h"

namespace peer {

namespace nn = torch::nn;

namespace {

struct CnnImpl : nn::Module {
  CnnImpl() {
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(1, 32, 3)));
    conv2 = register_module("conv2", nn::Conv2d(nn::Conv2dOptions(32, 64, 3)));
    fc1 = register_module("fc1", nn::Linear(9216, 128));
    fc2 = register_module("fc2", nn::Linear(128, 10));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(conv2(torch::relu(conv1(x)))), 2);
    return fc2(torch::relu(fc1(x.flatten(1))));
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::Linear fc1{nullptr}, fc2{nullptr};
};
TORCH_MODULE(Cnn);

struct BasicBlockImpl : nn::Module {
  BasicBlockImpl(int in, int out, int stride) {
    conv1 = register_module("conv1",
                            nn::Conv2d(nn::Conv2dOptions(in, out, 3).stride(stride).padding(1).bias(false)));
    bn1 = register_module("bn1", nn::BatchNorm2d(out));
    conv2 = register_module("conv2", nn::Conv2d(nn::Conv2dOptions(out, out, 3).padding(1).bias(false)));
    bn2 = register_module("bn2", nn::BatchNorm2d(out));
    if (stride != 1 || in != out) {
      downsample = register_module(
          "downsample", nn::Sequential(nn::Conv2d(nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)),
                                       nn::BatchNorm2d(out)));
    }
  }
  torch::Tensor forward(torch::Tensor x) {
    const torch::Tensor y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(y + (downsample ? downsample->forward(x) : x));
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  nn::Sequential downsample{nullptr};
};
TORCH_MODULE(BasicBlock);

struct ResNet18Impl : nn::Module {
  explicit ResNet18Impl(bool small_images) : small(small_images) {
    conv1 = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, 64, small ? 3 : 7)
                                                    .stride(small ? 1 : 2)
                                                    .padding(small ? 1 : 3)
                                                    .bias(false)));
    bn1 = register_module("bn1", nn::BatchNorm2d(64));
    blocks = register_module("blocks", nn::Sequential());
    int in = 64;
    for (const int out : {64, 128, 256, 512}) {
      blocks->push_back(BasicBlock(in, out, in == out ? 1 : 2));
      blocks->push_back(BasicBlock(out, out, 1));
      in = out;
    }
    fc = register_module("fc", nn::Linear(512, small ? 10 : 1000));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::relu(bn1(conv1(x)));
    if (!small) x = torch::max_pool2d(x, 3, 2, 1);
    return fc(blocks->forward(x).mean({2, 3}));
  }
  bool small;
  nn::Conv2d conv1{nullptr};
  nn::BatchNorm2d bn1{nullptr};
  nn::Sequential blocks{nullptr};
  nn::Linear fc{nullptr};
};
TORCH_MODULE(ResNet18);

}  // namespace

void add_vision(Workloads& all) {
  const auto train_cnn = [](auto optimizer) {
    return [optimizer](const Settings& s) {
      Cnn net;
      const torch::Tensor x = torch::randn({64, 1, 28, 28});
      return training(net, x, optimizer, classes(64, 10), s);
    };
  };
  all.push_back({"cnn_sgd", train_cnn(sgd(0.01, 0.9))});
  all.push_back({"cnn_adam", train_cnn(adam(1e-3))});
  for (const std::int64_t batch : {1, 64}) {
    all.push_back({"cnn_inference" + std::to_string(batch), [=](const Settings& s) {
                     Cnn net;
                     return inference(net, torch::randn({batch, 1, 28, 28}), s);
                   }});
  }
  all.push_back({"resnet_sgd", [](const Settings& s) {
                   ResNet18 net(true);
                   const torch::Tensor x = torch::randn({32, 3, 32, 32});
                   return training(net, x, sgd(0.01, 0.9), classes(32, 10), s);
                 }});
  for (const std::int64_t batch : {1, 8}) {
    all.push_back({"resnet_inference" + std::to_string(batch), [=](const Settings& s) {
                     ResNet18 net(false);
                     return inference(net, torch::randn({batch, 3, 224, 224}), s);
                   }});
  }
}

}  // namespace peer
