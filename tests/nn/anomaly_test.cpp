// Anomaly and the modules: the path of the layer whose forward made the gradient NaN.
#include <vector>

#include <gtest/gtest.h>

#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/nn/nn.h>
#include <mica/ops/ops.h>

namespace mica {
namespace {

// The slope of sqrt at 0 is infinite, and meets a gradient of 0.
struct Root : nn::Module {
  Tensor forward(const Tensor& x) { return sqrt(x) * x; }
};
struct Block : nn::Module {
  nn::Linear fc{2, 2};
  Root root;
  Tensor forward(const Tensor& x) { return root(relu(fc(x)) * 0); }
};
struct Net : nn::Module {
  std::vector<Block> blocks = nn::repeat(2, [] { return Block{}; });
  Tensor forward(Tensor x) {
    for (Block& block : blocks) x = block(x);
    return x;
  }
};

TEST(Anomaly, NamesThePathOfTheModule) {
  Net net;
  const Anomaly anomaly;
  const Tensor loss = net(ones({1, 2})).sum();
  try {
    loss.backward();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.operation(), "sqrt");
    EXPECT_EQ(e.module_path(), "Net.blocks.1.root (Root)");
  }
}

}  // namespace
}  // namespace mica
