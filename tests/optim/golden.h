// Runs optimizers along the golden values that tests/golden/make_optim.py wrote.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/ops/creation.h>
#include <mica/optim/optim.h>
#include <mica/reflect/fields.h>

namespace mica::optim {

inline const nlohmann::json& golden() {
  static const nlohmann::json values = [] {
    std::ifstream file(MICA_GOLDEN_DIR "/optim.json");
    return nlohmann::json::parse(file);
  }();
  return values;
}

inline Tensor tensor_of(const nlohmann::json& values, const nlohmann::json& shape, DType dtype = f64) {
  return from_vector(values.get<std::vector<double>>(), Shape(shape.get<std::vector<std::int64_t>>()))
      .to(dtype);
}

inline std::vector<Tensor> golden_parameters(DType dtype = f64) {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < golden()["shapes"].size(); ++i) {
    out.push_back(tensor_of(golden()["start"][i], golden()["shapes"][i], dtype).requires_grad_());
  }
  return out;
}

// Gives each parameter its gradient of this step, or none.
inline void set_golden_gradients(std::vector<Tensor>& parameters, std::size_t step) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& grad = golden()["grads"][step][i];
    parameters[i].set_grad(grad.is_null() ? Tensor()
                                          : tensor_of(grad, golden()["shapes"][i], parameters[i].dtype()));
  }
}

// One field of an options struct, from JSON.
template <class T> void read_field(T& field, const nlohmann::json& value) {
  if constexpr (std::is_enum_v<T>)
    field = static_cast<T>(value.get<int>());
  else if constexpr (std::is_same_v<T, PerGroup>)
    field.values = value.get<std::vector<double>>();
  else if constexpr (requires { field.reset(); })
    field = value.get<typename T::value_type>();
  else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::array<double, 2>> ||
                     std::is_same_v<T, std::array<double, 3>>)
    field = value.get<T>();
}

// An options struct with the fields that JSON names. Fails on a name that the struct has not.
template <class Options> Options read_options(const nlohmann::json& o, Options out = {}) {
  std::size_t found = 0;
  reflect::for_each_field(out, [&](std::string_view name, auto& field) {
    if (!o.contains(name)) return;
    ++found;
    read_field(field, o[std::string(name)]);
  });
  EXPECT_EQ(found, o.size()) << o.dump();
  return out;
}

using MakeOptimizer =
    std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&, const nlohmann::json&)>;

template <class O, class Options> MakeOptimizer maker() {
  return [](const std::vector<Tensor>& parameters, const nlohmann::json& o) -> std::unique_ptr<Optimizer> {
    return std::make_unique<O>(parameters, read_options<Options>(o));
  };
}

// Every optimizer that takes one step per call.
inline const std::map<std::string, MakeOptimizer>& optimizers() {
  static const std::map<std::string, MakeOptimizer> all{{"SGD", maker<SGD, SGDOptions>()},
                                                        {"Adam", maker<Adam, AdamOptions>()},
                                                        {"AdamW", maker<AdamW, AdamWOptions>()},
                                                        {"Adamax", maker<Adamax, AdamaxOptions>()},
                                                        {"NAdam", maker<NAdam, NAdamOptions>()},
                                                        {"RAdam", maker<RAdam, RAdamOptions>()},
                                                        {"RMSprop", maker<RMSprop, RMSpropOptions>()},
                                                        {"Adagrad", maker<Adagrad, AdagradOptions>()},
                                                        {"Adadelta", maker<Adadelta, AdadeltaOptions>()},
                                                        {"Adafactor", maker<Adafactor, AdafactorOptions>()},
                                                        {"ASGD", maker<ASGD, ASGDOptions>()},
                                                        {"Rprop", maker<Rprop, RpropOptions>()},
                                                        {"Muon", maker<Muon, MuonOptions>()}};
  return all;
}

inline nlohmann::json with_lr(nlohmann::json options, double lr = 0.05) {
  options["lr"] = lr;
  return options;
}

// The parameters that a kind of optimizer takes: Muon only matrices.
inline std::vector<Tensor> parameters_for(const std::string& kind, DType dtype = f64) {
  std::vector<Tensor> out = golden_parameters(dtype);
  if (kind == "Muon") out.pop_back();
  return out;
}

inline void run(Optimizer& optimizer, std::vector<Tensor>& parameters, std::size_t first, std::size_t last) {
  for (std::size_t step = first; step < last; ++step) {
    set_golden_gradients(parameters, step);
    optimizer.step();
  }
}

inline std::vector<std::vector<double>> values(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<double>> out;
  for (const Tensor& t : tensors) out.push_back(t.to_vector<double>());
  return out;
}

inline void expect_near(const std::vector<Tensor>& actual, const nlohmann::json& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const auto a = actual[i].to_vector<double>();
    const auto e = expected[i].get<std::vector<double>>();
    ASSERT_EQ(a.size(), e.size());
    for (std::size_t k = 0; k < a.size(); ++k) {
      ASSERT_NEAR(a[k], e[k], tolerance * std::max(1.0, std::abs(e[k]))) << "parameter " << i;
    }
  }
}

// The optimizer's parameters must agree with PyTorch's after each step.
inline void follow(Optimizer& optimizer, std::vector<Tensor>& parameters, const nlohmann::json& after,
                   double tolerance) {
  for (std::size_t step = 0; step < after.size(); ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    run(optimizer, parameters, step, step + 1);
    expect_near(parameters, after[step], tolerance);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// A state whose tensors do not change when the optimizer goes on.
inline StateDict snapshot(const Optimizer& optimizer) {
  StateDict out;
  for (const auto& [name, tensor] : optimizer.state_dict()) out.insert(name, tensor.clone());
  return out;
}

}  // namespace mica::optim
