#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/nn/conv.h>
#include <mica/nn/embedding.h>
#include <mica/nn/init.h>
#include <mica/nn/linear.h>
#include <mica/nn/parameter.h>

#include "../golden/golden.h"
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
  EXPECT_EQ(golden("init", "init").size(), 2 * fills.size());
  for (const auto& g : golden("init", "init")) {
    const DType dtype = g["dtype"] == "float64" ? f64 : f32;
    SCOPED_TRACE(g["name"].get<std::string>());
    manual_seed(3);
    const Tensor x = empty({4, 3, 2}, dtype);
    EXPECT_TRUE(fills.at(g["name"])(x).is_same(x));
    expect_golden(x, g["result"], dtype == f64 ? 1e-15 : 2.4e-7);
  }
}

// Within two units in the last place of the scale: the bound of uniform weights, 1 of normal ones; fewer than
// 16 normal ones to the bit.
void expect_initial(const Tensor& weights, const nlohmann::json& golden, double scale) {
  const auto values = weights.to_vector<float>();
  const auto bits = golden.at("values").get<std::vector<std::int32_t>>();
  std::vector<std::size_t> indices(bits.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  if (golden.contains("indices")) indices = golden.at("indices").get<std::vector<std::size_t>>();
  const double ulp = std::nextafter(static_cast<float>(scale), INFINITY) - static_cast<float>(scale);
  for (std::size_t i = 0; i < bits.size(); ++i)
    EXPECT_NEAR(values.at(indices[i]), std::bit_cast<float>(bits[i]), 2 * ulp) << "element " << indices[i];
}

TEST(Init, LayersStartFromPyTorchsWeights) {
  const auto cases = mica::golden::read("initial_weights.json");
  EXPECT_EQ(cases.size(), 27U);
  for (const auto& entry : cases) {
    const std::string layer = entry.at("layer");
    const std::int64_t n = entry.at("sizes")[0], m = entry.at("sizes")[1];
    SCOPED_TRACE(layer + entry.at("sizes").dump());
    const auto& golden = entry.at("parameters");
    manual_seed(entry.at("seed").get<std::uint64_t>());
    if (layer == "embedding") {
      const Embedding embedding(n, m);
      expect_initial(embedding.weight, golden.at("weight"), n * m < 16 ? 0 : 1);
    } else if (layer == "linear") {
      const Linear linear(n, m);
      const double bound = 1 / std::sqrt(static_cast<double>(n));
      expect_initial(linear.weight, golden.at("weight"), bound);
      expect_initial(linear.bias, golden.at("bias"), bound);
    } else {
      const Conv2d conv(n, m, 3);
      const double bound = 1 / std::sqrt(static_cast<double>(9 * n));
      expect_initial(conv.weight, golden.at("weight"), bound);
      expect_initial(conv.bias, golden.at("bias"), bound);
    }
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
