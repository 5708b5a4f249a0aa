// Compares layers with the values of PyTorch that tests/golden/make_nn.py wrote.
#pragma once

#include <cmath>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/random.h>
#include <mica/nn/module.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {

inline const nlohmann::json& golden(const std::string& section) {
  static const nlohmann::json all = [] {
    std::ifstream file(MICA_GOLDEN_DIR "/nn.json");
    return nlohmann::json::parse(file);
  }();
  return all.at(section);
}

inline const nlohmann::json& golden_layer(const std::string& name) {
  for (const auto& layer : golden("layers")) {
    if (layer["name"] == name) return layer;
  }
  throw std::out_of_range("no golden layer named " + name);
}

inline Tensor golden_tensor(const nlohmann::json& json, DType dtype) {
  return from_vector(json["values"].get<std::vector<double>>(),
                     json["shape"].get<std::vector<std::int64_t>>())
      .to(dtype);
}

// |actual - expected| <= tolerance (1 + |expected|), and the same shape.
inline void expect_golden(const Tensor& actual, const nlohmann::json& expected, double tolerance) {
  ASSERT_TRUE(actual.defined());
  EXPECT_EQ(to_string(actual.sizes()), to_string(Shape(expected["shape"].get<std::vector<std::int64_t>>())));
  const auto a = actual.to_vector<double>();
  const auto e = expected["values"].get<std::vector<double>>();
  ASSERT_EQ(a.size(), e.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], e[i], tolerance * (1 + std::abs(e[i]))) << "element " << i;
  }
}

// A layer made by make(dtype) under PyTorch's seed starts with PyTorch's values, trains for some steps with
// its outputs and gradients, ends with its buffers, and gives its result in evaluation.
template <class Make> void follow_golden(const std::string& name, Make make) {
  SCOPED_TRACE(name);
  const auto& g = golden_layer(name);
  const DType dtype = g["dtype"] == "float64" ? f64 : f32;
  const double tolerance = dtype == f64 ? 1e-11 : 2e-5;

  manual_seed(7);
  auto layer = make(dtype);
  const StateDict initial = layer.state_dict();
  EXPECT_EQ(initial.size(), g["initial"].size());
  for (const auto& [key, expected] : g["initial"].items()) {
    SCOPED_TRACE("initial " + key);
    expect_golden(initial.at(key), expected, dtype == f64 ? 1e-15 : 1.2e-7);  // one unit in the last place
  }

  const bool indices = !g["steps"][0].contains("grad_input");
  const auto input = [&](const nlohmann::json& json) { return golden_tensor(json, indices ? i64 : dtype); };
  manual_seed(5);
  for (const auto& step : g["steps"]) {
    const Tensor x = input(step["input"]);
    if (step.contains("grad_input")) Tensor(x).requires_grad_();
    const Tensor y = layer(x);
    expect_golden(y, step["output"], tolerance);
    layer.zero_grad();
    if (y.requires_grad()) (y * golden_tensor(step["weight"], dtype)).sum().backward();
    if (step.contains("grad_input")) {
      SCOPED_TRACE("gradient of the input");
      expect_golden(x.grad(), step["grad_input"], tolerance);
    }
    const auto parameters = layer.named_parameters();
    EXPECT_EQ(parameters.size(), step["grads"].size());
    for (const auto& [key, parameter] : parameters) {
      SCOPED_TRACE("gradient of " + key);
      ASSERT_TRUE(step["grads"].contains(key));
      expect_golden(parameter.grad(), step["grads"][key], tolerance);
    }
  }
  const auto buffers = layer.named_buffers();
  EXPECT_EQ(buffers.size(), g["buffers"].size());
  for (const auto& [key, buffer] : buffers) {
    SCOPED_TRACE("buffer " + key);
    ASSERT_TRUE(g["buffers"].contains(key));
    expect_golden(buffer, g["buffers"][key], tolerance);
  }
  layer.eval();
  SCOPED_TRACE("in evaluation");
  expect_golden(layer(input(g["eval"]["input"])), g["eval"]["output"], tolerance);
}

}  // namespace mica::nn
