#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/adam.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

double beta(const nlohmann::json& options, std::size_t i, double otherwise) {
  return options.contains("betas") ? options["betas"][i].get<double>() : otherwise;
}

TEST(Adam, FollowsPyTorchAtEachOfTwentySteps) {
  follow_golden("Adam", [](const std::vector<Tensor>& parameters, const nlohmann::json& o) {
    return Adam(parameters, {.lr = 0.05,
                             .beta1 = beta(o, 0, 0.9),
                             .beta2 = beta(o, 1, 0.999),
                             .eps = o.value("eps", 1e-8),
                             .weight_decay = o.value("weight_decay", 0.0),
                             .amsgrad = o.value("amsgrad", false),
                             .maximize = o.value("maximize", false)});
  });
}

TEST(AdamW, FollowsPyTorchAtEachOfTwentySteps) {
  follow_golden("AdamW", [](const std::vector<Tensor>& parameters, const nlohmann::json& o) {
    return AdamW(parameters, {.lr = 0.05,
                              .beta1 = beta(o, 0, 0.9),
                              .beta2 = beta(o, 1, 0.999),
                              .eps = o.value("eps", 1e-8),
                              .weight_decay = o.value("weight_decay", 1e-2),
                              .amsgrad = o.value("amsgrad", false),
                              .maximize = o.value("maximize", false)});
  });
}

TEST(Adam, HasTheDefaultsOfPyTorch) {
  const AdamOptions adam;
  EXPECT_EQ(adam.lr, 1e-3);
  EXPECT_EQ(adam.weight_decay, 0);
  const AdamWOptions adamw;
  EXPECT_EQ(adamw.lr, 1e-3);
  EXPECT_EQ(adamw.weight_decay, 1e-2);
}

TEST(Adam, RefusesOptionsOutOfRange) {
  const std::vector<Tensor> p{zeros({2}).requires_grad_()};
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([&] { Adam(p, {.lr = -1}); }, message("lr is -1"));
  EXPECT_THAT([&] { Adam(p, {.beta1 = 1}); }, message("beta1 is 1"));
  EXPECT_THAT([&] { Adam(p, {.beta2 = -0.1}); }, message("beta2 is -0.1"));
  EXPECT_THAT([&] { Adam(p, {.eps = -1e-8}); }, message("eps is -1e-08"));
  EXPECT_THAT([&] { Adam(p, {.weight_decay = -2}); }, message("weight_decay is -2"));
  EXPECT_THAT([&] { AdamW(p, {.lr = -1}); }, message("[AdamW] lr is -1"));
}

TEST(Adam, CountsStepsOfEachParameterApart) {
  std::vector<Tensor> p{zeros({1}).requires_grad_(), zeros({1}).requires_grad_()};
  Adam adam(p, {.lr = 0.1});
  p[0].set_grad(ones({1}));
  adam.step();
  adam.step();
  p[1].set_grad(full({1}, 5));
  adam.step();
  EXPECT_EQ(adam.state_dict().at("step").to_vector<std::int64_t>(), (std::vector<std::int64_t>{3, 1}));
  // The first step of each is lr long, whatever the gradient's size: the moments are corrected for their age.
  EXPECT_NEAR(p[1].item(), -0.1, 1e-6);
}

}  // namespace
}  // namespace mica::optim
