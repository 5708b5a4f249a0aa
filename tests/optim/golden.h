// Runs an optimizer along the golden values that tests/golden/make_optim.py wrote.
#pragma once

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/ops/creation.h>
#include <mica/optim/optimizer.h>

namespace mica::optim {

inline const nlohmann::json& golden() {
  static const nlohmann::json values = [] {
    std::ifstream file(MICA_GOLDEN_DIR "/optim.json");
    return nlohmann::json::parse(file);
  }();
  return values;
}

inline Tensor tensor_of(const nlohmann::json& values, const nlohmann::json& shape) {
  return from_vector(values.get<std::vector<double>>(), Shape(shape.get<std::vector<std::int64_t>>()));
}

inline std::vector<Tensor> golden_parameters() {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < golden()["shapes"].size(); ++i) {
    out.push_back(tensor_of(golden()["start"][i], golden()["shapes"][i]).requires_grad_());
  }
  return out;
}

// Gives each parameter its gradient of this step, or none.
inline void set_golden_gradients(std::vector<Tensor>& parameters, std::size_t step) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& grad = golden()["grads"][step][i];
    parameters[i].set_grad(grad.is_null() ? Tensor() : tensor_of(grad, golden()["shapes"][i]));
  }
}

// make(parameters, options) for every case of this kind; the parameters must agree with PyTorch's at each
// step.
template <class Make> void follow_golden(const std::string& kind, Make make) {
  int cases = 0;
  for (const auto& g : golden()["optimizers"]) {
    if (g["kind"] != kind) continue;
    ++cases;
    SCOPED_TRACE(kind + g["options"].dump());
    std::vector<Tensor> parameters = golden_parameters();
    auto optimizer = make(parameters, g["options"]);
    for (std::size_t step = 0; step < g["after"].size(); ++step) {
      set_golden_gradients(parameters, step);
      optimizer.step();
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto actual = parameters[i].to_vector<double>();
        const auto expected = g["after"][step][i].template get<std::vector<double>>();
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t k = 0; k < actual.size(); ++k) {
          ASSERT_NEAR(actual[k], expected[k], 1e-12) << "step " << step << ", parameter " << i;
        }
      }
    }
  }
  EXPECT_GT(cases, 4);
}

}  // namespace mica::optim
