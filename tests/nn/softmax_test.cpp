#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/softmax.h>

#include "golden.h"

namespace mica::nn {
namespace {

template <class Layer> void follow(const std::string& name) {
  follow_golden("softmax", name, [](DType) { return Layer{.dim = 0}; });
  follow_golden("softmax", name + " last", [](DType) { return Layer{.dim = -1}; });
  for (int dims = 1; dims <= 4; ++dims) {
    const std::string of = name + " of " + std::to_string(dims) + " without dim";
    follow_golden("softmax", of, [](DType) { return Layer{}; });
  }
}

TEST(SoftmaxLayers, FollowPyTorch) {
  follow<Softmax>("Softmax");
  follow<LogSoftmax>("LogSoftmax");
  follow<Softmin>("Softmin");
  follow_golden("softmax", "Softmax2d", [](DType) { return Softmax2d{}; });
  follow_golden("softmax", "Softmax2d without batch", [](DType) { return Softmax2d{}; });
}

TEST(SoftmaxLayers, PrintAsPyTorchs) {
  expect_prints("softmax", {{"Softmax", Softmax{.dim = 1}.to_string()},
                            {"Softmax without dim", Softmax{}.to_string()},
                            {"LogSoftmax", LogSoftmax{.dim = -1}.to_string()},
                            {"Softmin", Softmin{.dim = 0}.to_string()},
                            {"Softmax2d", Softmax2d{}.to_string()}});
}

TEST(SoftmaxLayers, RefuseOtherShapes) {
  Softmax2d layer;
  EXPECT_THAT(
      [&] { layer(ones({2, 3})); },
      testing::ThrowsMessage<Error>(testing::HasSubstr("expected 3 or 4 dimensions, got shape [2, 3]")));
}

}  // namespace
}  // namespace mica::nn
