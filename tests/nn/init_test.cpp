#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/nn/init.h>
#include <mica/nn/parameter.h>

#include "golden.h"

namespace mica::nn {
namespace {

TEST(Init, DrawsWhatPyTorchDrawsUnderTheSameSeed) {
  const std::map<std::string, std::function<Tensor(Tensor)>> fills{
      {"uniform_", [](Tensor x) { return init::uniform_(x, -2, 3); }},
      {"normal_", [](Tensor x) { return init::normal_(x, 1, 0.5); }},
      {"constant_", [](Tensor x) { return init::constant_(x, 0.25); }},
      {"kaiming_uniform_", [](Tensor x) { return init::kaiming_uniform_(x, 0.2); }},
      {"xavier_uniform_", [](Tensor x) { return init::xavier_uniform_(x, 1.5); }}};
  EXPECT_EQ(golden("init").size(), 2 * fills.size());
  for (const auto& g : golden("init")) {
    const DType dtype = g["dtype"] == "float64" ? f64 : f32;
    SCOPED_TRACE(g["name"].get<std::string>());
    manual_seed(3);
    const Tensor x = empty({4, 3, 2}, dtype);
    EXPECT_TRUE(fills.at(g["name"])(x).is_same(x));
    expect_golden(x, g["result"], dtype == f64 ? 1e-15 : 2.4e-7);
  }
}

TEST(Init, FillsParametersWithoutRecording) {
  Parameter p(empty({2, 2}));
  init::ones_(p);
  EXPECT_TRUE(p.is_leaf() && p.requires_grad());
  EXPECT_EQ(p.to_vector<float>(), std::vector<float>(4, 1));
  init::zeros_(p);
  EXPECT_EQ(p.to_vector<float>(), std::vector<float>(4, 0));
}

TEST(Init, FillsViewsAndNothingElse) {
  const Tensor block = zeros({4, 4});
  init::uniform_(block.t().narrow(0, 1, 2), 1, 2);
  const auto v = block.to_vector<float>();
  for (std::size_t i = 0; i < v.size(); ++i) EXPECT_EQ(v[i] >= 1, i % 4 == 1 || i % 4 == 2) << i;
}

TEST(Init, CountsFans) {
  const init::Fans plain = init::fans(empty({5, 3})), kernel = init::fans(empty({8, 4, 3, 2}));
  EXPECT_EQ(plain.in, 3);
  EXPECT_EQ(plain.out, 5);
  EXPECT_EQ(kernel.in, 24);
  EXPECT_EQ(kernel.out, 48);
  EXPECT_THAT([] { init::fans(empty({5})); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("at least two dimensions")));
  EXPECT_THROW(init::xavier_uniform_(empty({5})), Error);
}

}  // namespace
}  // namespace mica::nn
