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
#include <mica/ops/compare.h>

#include "../golden/golden.h"
#include "golden.h"

namespace mica::nn {
namespace {

TEST(Init, DrawsWhatPyTorchDrawsUnderTheSameSeed) {
  using init::FanMode, init::Nonlinearity;
  const std::map<std::string, std::function<Tensor(Tensor)>> fills{
      {"uniform_", [](Tensor x) { return init::uniform_(x, -2, 3); }},
      {"normal_", [](Tensor x) { return init::normal_(x, 1, 0.5); }},
      {"trunc_normal_", [](Tensor x) { return init::trunc_normal_(x); }},
      {"trunc_normal_ of all options",
       [](Tensor x) { return init::trunc_normal_(x, {.mean = 1, .std = 0.5, .a = 0.5, .b = 1.75}); }},
      {"constant_", [](Tensor x) { return init::constant_(x, 0.25); }},
      {"ones_", init::ones_},
      {"zeros_", init::zeros_},
      {"eye_ wide", init::eye_},
      {"eye_ tall", init::eye_},
      {"dirac_ 1d", [](Tensor x) { return init::dirac_(x); }},
      {"dirac_ 2d", [](Tensor x) { return init::dirac_(x, 2); }},
      {"dirac_ 3d", [](Tensor x) { return init::dirac_(x); }},
      {"xavier_uniform_", [](Tensor x) { return init::xavier_uniform_(x, 1.5); }},
      {"xavier_normal_", [](Tensor x) { return init::xavier_normal_(x, 1.5); }},
      {"kaiming_uniform_", [](Tensor x) { return init::kaiming_uniform_(x, 0.2); }},
      {"kaiming_uniform_ of all options",
       [](Tensor x) {
         return init::kaiming_uniform_(x, {.mode = FanMode::fan_out, .nonlinearity = Nonlinearity::relu});
       }},
      {"kaiming_normal_", [](Tensor x) { return init::kaiming_normal_(x); }},
      {"kaiming_normal_ of all options",
       [](Tensor x) {
         return init::kaiming_normal_(x, {.mode = FanMode::fan_out, .nonlinearity = Nonlinearity::selu});
       }},
      {"orthogonal_", [](Tensor x) { return init::orthogonal_(x, 2); }},
      {"orthogonal_ wide", [](Tensor x) { return init::orthogonal_(x); }},
      {"orthogonal_ square", [](Tensor x) { return init::orthogonal_(x); }},
      {"orthogonal_ kernel", [](Tensor x) { return init::orthogonal_(x); }},
      {"sparse_", [](Tensor x) { return init::sparse_(x, 0.5); }},
      {"sparse_ of all options", [](Tensor x) { return init::sparse_(x, 0.1, 1); }}};
  EXPECT_EQ(golden("init", "init").size(), 2 * fills.size());
  for (const auto& g : golden("init", "init")) {
    const DType dtype = g["dtype"] == "float64" ? f64 : f32;
    const auto name = g["name"].get<std::string>();
    SCOPED_TRACE(name);
    manual_seed(3);
    const Tensor x = empty(Shape(g["result"]["shape"].get<std::vector<std::int64_t>>()), dtype);
    EXPECT_TRUE(fills.at(name)(x).is_same(x));
    const bool decomposed = name.starts_with("orthogonal_") || name.starts_with("trunc_normal_");
    const double tolerance = dtype == f64 ? 1e-15 : 2.4e-7;
    expect_golden(x, g["result"], decomposed ? 10 * tolerance : tolerance);
  }
}

TEST(Init, TakesAGenerator) {
  Generator generator(3);
  const Tensor x = init::orthogonal_(empty({4, 3}), 1, generator);
  const Tensor y = init::trunc_normal_(empty({4, 3}), {}, generator);
  manual_seed(3);
  EXPECT_TRUE(equal(x, init::orthogonal_(empty({4, 3}))));
  EXPECT_TRUE(equal(y, init::trunc_normal_(empty({4, 3}))));
}

TEST(Init, KnowsTheGains) {
  using init::calculate_gain, init::Nonlinearity;
  EXPECT_EQ(calculate_gain(Nonlinearity::linear), 1);
  EXPECT_EQ(calculate_gain(Nonlinearity::sigmoid), 1);
  EXPECT_EQ(calculate_gain(Nonlinearity::tanh), 5.0 / 3);
  EXPECT_EQ(calculate_gain(Nonlinearity::relu), std::sqrt(2.0));
  EXPECT_EQ(calculate_gain(Nonlinearity::leaky_relu), std::sqrt(2.0 / (1 + 0.01 * 0.01)));
  EXPECT_EQ(calculate_gain(Nonlinearity::leaky_relu, 0.5), std::sqrt(2.0 / 1.25));
  EXPECT_EQ(calculate_gain(Nonlinearity::selu), 0.75);
}

TEST(Init, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) {
    return testing::ThrowsMessage<Error>(testing::HasSubstr(text));
  };
  EXPECT_THAT([] { init::trunc_normal_(empty({2}), {.std = 0}); }, message("std 0 within [-2, 2]"));
  EXPECT_THAT([] { init::trunc_normal_(empty({2}), {.a = 3}); }, message("within [3, 2]"));
  EXPECT_THAT([] { init::eye_(empty({2})); }, message("a tensor of shape [2]"));
  EXPECT_THAT([] { init::dirac_(empty({2, 2})); }, message("expected (out, in / groups, kernel...)"));
  EXPECT_THAT([] { init::dirac_(empty({3, 2, 2}), 2); }, message("3 output channels in 2 groups"));
  EXPECT_THAT([] { init::xavier_normal_(empty({5})); }, message("at least two dimensions"));
  EXPECT_THAT([] { init::kaiming_normal_(empty({5})); }, message("at least two dimensions"));
  EXPECT_THAT([] { init::orthogonal_(empty({5})); }, message("expected two dimensions or more"));
  EXPECT_THAT([] { init::orthogonal_(empty({5, 2}, bf16)); }, message("the tensor is bf16"));
  EXPECT_THAT([] { init::sparse_(empty({5}), 0.1); }, message("expected two dimensions"));
  EXPECT_THAT([] { init::sparse_(empty({5, 2}), 1.1); }, message("sparsity 1.1"));
}

TEST(Init, LeavesTensorsWithoutElementsAlone) {
  EXPECT_EQ(init::kaiming_uniform_(empty({0, 3})).numel(), 0);
  EXPECT_EQ(init::kaiming_normal_(empty({3, 0})).numel(), 0);
  EXPECT_EQ(init::orthogonal_(empty({0, 3})).numel(), 0);
}

TEST(Init, MakesOrthonormalRows) {
  const Tensor x = init::orthogonal_(empty({3, 8}, f64), 2);
  EXPECT_TRUE(allclose(x.matmul(x.t()), eye(3, {}, f64) * 4, 1e-12, 1e-12));
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
