#include <gtest/gtest.h>

#include <mica/nn/activation.h>

#include "golden.h"

namespace mica::nn {
namespace {

TEST(Activations, FollowPyTorch) {
  follow_golden("activation", "ReLU", [](DType) { return ReLU{}; });
  follow_golden("activation", "Sigmoid", [](DType) { return Sigmoid{}; });
  follow_golden("activation", "Tanh", [](DType) { return Tanh{}; });
  follow_golden("activation", "GELU", [](DType) { return GELU{}; });
  follow_golden("activation", "GELU tanh", [](DType) { return GELU{.approximate = Gelu::tanh}; });
}

TEST(Activations, AreEmptyAndWithoutState) {
  static_assert(std::is_empty_v<ReLU> && std::is_empty_v<Sigmoid> && std::is_empty_v<Tanh>);
  EXPECT_TRUE(GELU{}.state_dict().empty());
  EXPECT_TRUE(ReLU{}.parameters().empty());
}

TEST(Activations, LeaveTheirInputAlone) {
  const Tensor x = tensor({-1.0F, 2.0F});
  ReLU relu;
  relu(x);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{-1, 2}));
}

}  // namespace
}  // namespace mica::nn
