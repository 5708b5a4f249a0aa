#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/rectifier.h>
#include <mica/ops/compare.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Rectifiers, FollowPyTorch) {
  std::map<std::string, std::string> texts;
  const auto check = [&](const std::string& name, auto make) {
    follow_golden("rectifier", name, make);
    texts[name] = make(f32).to_string();
  };
  check("Threshold", [](DType) { return Threshold{.threshold = 0.1, .value = 20}; });
  check("Hardtanh", [](DType) { return Hardtanh{}; });
  check("Hardtanh of all options", [](DType) { return Hardtanh{.min_val = -2, .max_val = 0.5}; });
  check("ReLU6", [](DType) { return ReLU6{}; });
  check("ELU", [](DType) { return ELU{}; });
  check("ELU 0.5", [](DType) { return ELU{.alpha = 0.5}; });
  check("SELU", [](DType) { return SELU{}; });
  check("CELU", [](DType) { return CELU{}; });
  check("CELU 0.5", [](DType) { return CELU{.alpha = 0.5}; });
  check("LeakyReLU", [](DType) { return LeakyReLU{}; });
  check("LeakyReLU 0.2", [](DType) { return LeakyReLU{.negative_slope = 0.2}; });
  check("Hardshrink", [](DType) { return Hardshrink{}; });
  check("Hardshrink 1.5", [](DType) { return Hardshrink{.lambd = 1.5}; });
  check("Softshrink", [](DType) { return Softshrink{}; });
  check("Softshrink 1.5", [](DType) { return Softshrink{.lambd = 1.5}; });
  check("RReLU", [](DType) { return RReLU{}; });
  check("RReLU of all options", [](DType) { return RReLU{.lower = 0, .upper = 0.5}; });
  check("PReLU", [](DType dtype) { return PReLU(1, {.dtype = dtype}); });
  check("PReLU of channels", [](DType dtype) { return PReLU(6, {.init = 0.1, .dtype = dtype}); });
  expect_prints("rectifier", texts);
  follow_golden("rectifier", "PReLU of planes", [](DType dtype) { return PReLU(2, {.dtype = dtype}); });
}

TEST(Rectifiers, PReluIsResetAndClonedWithItsNumbers) {
  PReLU layer(3, {.init = 0.5});
  layer.weight.detach().fill_(2);
  const PReLU copy = layer.clone();
  EXPECT_EQ(copy.weight.to_vector<float>(), std::vector<float>(3, 2));
  EXPECT_EQ(copy.num_parameters, 3);
  layer.reset_parameters();
  EXPECT_EQ(layer.weight.to_vector<float>(), std::vector<float>(3, 0.5));
  PReLU other(3);
  other.load_state_dict(copy.state_dict());
  EXPECT_TRUE(equal(other.weight, copy.weight));
}

TEST(Rectifiers, RefuseWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { PReLU(-1); }, message("num_parameters -1"));
  PReLU prelu(3);
  EXPECT_THAT([&] { prelu(ones({2, 4})); }, message("in PReLU"));
  Hardtanh hardtanh{.min_val = 1, .max_val = 0};
  EXPECT_THAT([&] { hardtanh(ones({2})); }, message("min_val 1 is not below max_val 0"));
  RReLU rrelu{.lower = 1, .upper = 0};
  EXPECT_THAT([&] { rrelu(ones({2})); }, message("slopes between 1 and 0"));
}

}  // namespace
}  // namespace mica::nn
