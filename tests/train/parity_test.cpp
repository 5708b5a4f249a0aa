// A whole training against PyTorch's: golden/make_parity.py says what is trained.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/mica.h>

#include "../golden/golden.h"

namespace mica {
namespace {

struct Net : nn::Module {
  nn::Conv2d conv1{1, 8, 3, {.padding = 1}};
  nn::BatchNorm2d norm{8};
  nn::MaxPool2d pool{2};
  nn::Conv2d conv2{8, 16, 3, {.padding = 1}};
  nn::Linear head{256, 4};

  Tensor forward(Tensor x) {
    x = pool(relu(norm(conv1(x))));
    x = relu(conv2(x));
    return head(x.flatten(1));
  }
};

constexpr std::int64_t image_count = 128, batch_size = 32;

// Uniform noise; the quadrant that an image's label names is brighter.
struct Images {
  Tensor pixels = rand({image_count, 1, 8, 8});
  Tensor labels = empty({image_count}, i64);

  Images() {
    const auto label = labels.data<std::int64_t>();
    for (std::int64_t i = 0; i < image_count; ++i) {
      label[static_cast<std::size_t>(i)] = i % 4;
      pixels[i][0].narrow(0, i % 4 / 2 * 4, 4).narrow(1, i % 2 * 4, 4) += 0.25;
    }
  }
};

TEST(Parity, TheLossesOf200StepsFollowPyTorchs) {
  const auto golden = golden::read("parity.json");
  manual_seed(20);
  const Images images;
  Net net;
  // Names as PyTorch numbers its layers.
  const std::map<std::string, Tensor> parameters{{"0.weight", net.conv1.weight}, {"0.bias", net.conv1.bias},
                                                 {"1.weight", net.norm.weight},  {"1.bias", net.norm.bias},
                                                 {"4.weight", net.conv2.weight}, {"4.bias", net.conv2.bias},
                                                 {"7.weight", net.head.weight},  {"7.bias", net.head.bias}};
  ASSERT_EQ(golden.at("weights").size(), parameters.size());
  for (const auto& [name, checksum] : golden.at("weights").items())
    EXPECT_NEAR(parameters.at(name).detach().to(f64).abs().sum().item(), checksum.get<double>(), 1e-6)
        << name;

  optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  const auto losses = golden.at("losses").get<std::vector<double>>();
  ASSERT_EQ(losses.size(), 200U);
  for (std::size_t step = 0; step < losses.size(); ++step) {
    const std::int64_t at = static_cast<std::int64_t>(step) * batch_size % image_count;
    const Tensor loss = nn::cross_entropy(net(images.pixels.narrow(0, at, batch_size)),
                                          images.labels.narrow(0, at, batch_size));
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    ASSERT_NEAR(loss.item(), losses[step], 1e-4 * losses[step]) << "step " << step;
  }
}

}  // namespace
}  // namespace mica
