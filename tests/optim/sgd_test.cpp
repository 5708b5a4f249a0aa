#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/sgd.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Sgd, FollowsPyTorchAtEachOfTwentySteps) {
  follow_golden("SGD", [](const std::vector<Tensor>& parameters, const nlohmann::json& o) {
    return SGD(parameters, {.lr = 0.05,
                            .momentum = o.value("momentum", 0.0),
                            .dampening = o.value("dampening", 0.0),
                            .weight_decay = o.value("weight_decay", 0.0),
                            .nesterov = o.value("nesterov", false),
                            .maximize = o.value("maximize", false)});
  });
}

TEST(Sgd, RefusesOptionsOutOfRange) {
  const std::vector<Tensor> p{zeros({2}).requires_grad_()};
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([&] { SGD(p, {.lr = -0.1}); }, message("lr is -0.1"));
  EXPECT_THAT([&] { SGD(p, {.lr = NAN}); }, message("lr is nan"));
  EXPECT_THAT([&] { SGD(p, {.lr = INFINITY}); }, message("lr is inf"));
  EXPECT_THAT([&] { SGD(p, {.momentum = -0.5}); }, message("momentum is -0.5"));
  EXPECT_THAT([&] { SGD(p, {.momentum = 0.5, .dampening = NAN}); }, message("dampening is nan"));
  EXPECT_THAT([&] { SGD(p, {.weight_decay = -1}); }, message("weight_decay is -1"));
  EXPECT_THAT([&] { SGD(p, {.nesterov = true}); }, message("Nesterov momentum needs momentum > 0"));
  EXPECT_THAT([&] { SGD(p, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}); }, message("dampening 0"));
}

TEST(Sgd, DescendsToTheMinimumOfAParabola) {
  std::vector<Tensor> p{tensor({4.0F, -3.0F}).requires_grad_()};
  SGD sgd(p, {.lr = 0.1, .momentum = 0.5});
  for (int i = 0; i < 100; ++i) {
    sgd.zero_grad();
    p[0].square().sum().backward();
    sgd.step();
  }
  EXPECT_LT(p[0].detach().abs().max().item(), 1e-6);
}

}  // namespace
}  // namespace mica::optim
