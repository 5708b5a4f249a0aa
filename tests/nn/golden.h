// Compares layers with the values of PyTorch that tests/golden/make_nn.py wrote, a file for each family of
// layers.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json_fwd.hpp>

#include <mica/core/random.h>
#include <mica/nn/module.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>

namespace mica::nn {

// What golden/nn/<family>.json holds under "layers", "print" or "init".
const nlohmann::json& golden(const std::string& family, const std::string& section);

// |actual - expected| <= tolerance (1 + |expected|), and the same shape.
void expect_golden(const Tensor& actual, const nlohmann::json& expected, double tolerance);

// The texts of all models that the family prints: {name: module.to_string()}.
void expect_prints(const std::string& family, const std::map<std::string, std::string>& texts);

namespace detail {
using GoldenCall = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
DType golden_dtype(const std::string& family, const std::string& name);
void follow_golden(const std::string& family, const std::string& name, ModuleRef layer,
                   const GoldenCall& call);
}  // namespace detail

// A layer made by make(dtype) under PyTorch's seed starts with PyTorch's values and names, trains for some
// steps with its outputs and gradients, ends with its buffers, and gives its results in evaluation.
// `call` says how to call a layer of several inputs or results: [](auto& layer, const std::vector<Tensor>& x)
// -> std::vector<Tensor>.
template <class Make, class Call>
void follow_golden(const std::string& family, const std::string& name, Make make, Call call) {
  SCOPED_TRACE(name);
  const DType dtype = detail::golden_dtype(family, name);
  manual_seed(7);
  auto layer = make(dtype);
  detail::follow_golden(family, name, layer, [&](const std::vector<Tensor>& x) { return call(layer, x); });
}
template <class Make> void follow_golden(const std::string& family, const std::string& name, Make make) {
  follow_golden(family, name, make, [](auto& layer, const std::vector<Tensor>& x) {
    return std::vector<Tensor>{layer(x.at(0))};
  });
}

}  // namespace mica::nn
