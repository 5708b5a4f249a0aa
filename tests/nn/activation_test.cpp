#include <map>
#include <string>

#include <gtest/gtest.h>

#include <mica/nn/activation.h>

#include "golden.h"

namespace mica::nn {
namespace {

// Each variant follows PyTorch and prints as it does.
class Variants {
 public:
  template <class Make> void operator()(const std::string& name, Make make) {
    follow_golden("activation", name, make);
    texts_[name] = make(f32).to_string();
  }
  void expect_prints() const { nn::expect_prints("activation", texts_); }

 private:
  std::map<std::string, std::string> texts_;
};

TEST(Activations, FollowPyTorch) {
  Variants check;
  check("ReLU", [](DType) { return ReLU{}; });
  check("Sigmoid", [](DType) { return Sigmoid{}; });
  check("Tanh", [](DType) { return Tanh{}; });
  check("GELU", [](DType) { return GELU{}; });
  check("GELU tanh", [](DType) { return GELU{.approximate = Gelu::tanh}; });
  check("Softplus", [](DType) { return Softplus{}; });
  check("Softplus of all options", [](DType) { return Softplus{.beta = 2, .threshold = 1.5}; });
  check("SiLU", [](DType) { return SiLU{}; });
  check("Mish", [](DType) { return Mish{}; });
  check("Hardsigmoid", [](DType) { return Hardsigmoid{}; });
  check("Hardswish", [](DType) { return Hardswish{}; });
  check("LogSigmoid", [](DType) { return LogSigmoid{}; });
  check("Softsign", [](DType) { return Softsign{}; });
  check("Tanhshrink", [](DType) { return Tanhshrink{}; });
  check("GLU", [](DType) { return GLU{.dim = 0}; });
  check("GLU last", [](DType) { return GLU{}; });
  check.expect_prints();
}

TEST(Activations, AreEmptyAndWithoutState) {
  static_assert(std::is_empty_v<ReLU> && std::is_empty_v<Sigmoid> && std::is_empty_v<Tanh> &&
                std::is_empty_v<SiLU>);
  EXPECT_TRUE(GELU{}.state_dict().empty());
  EXPECT_TRUE(ReLU{}.parameters().empty());
}

TEST(Activations, LeaveTheirInputAlone) {
  const Tensor x = tensor({-1.0F, 2.0F});
  ReLU relu;
  SiLU silu;
  relu(x);
  silu(x);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{-1, 2}));
}

TEST(Activations, AreClonedWithTheirOptions) {
  EXPECT_EQ((Softplus{.beta = 2}.clone().beta), 2);
  EXPECT_EQ((GLU{.dim = 3}.clone().dim), 3);
}

}  // namespace
}  // namespace mica::nn
