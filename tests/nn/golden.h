// Compares layers with the values of PyTorch that tests/golden/make_nn.py wrote, a file for each family of
// layers.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
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
bool has_golden(const std::string& family, const std::string& section);
const nlohmann::json& golden(const std::string& family, const std::string& section);

// |actual - expected| <= tolerance (1 + |expected|), and the same shape.
void expect_golden(const Tensor& actual, const nlohmann::json& expected, double tolerance);

// The texts of all models that the family prints: {name: module.to_string()}.
void expect_prints(const std::string& family, const std::map<std::string, std::string>& texts);

// The cases that follow_golden() was called for so far, as "family: name".
const std::set<std::string>& followed_golden();

// Why the gradients of a case are, on purpose, not those of finite differences; empty for all but a few.
std::string_view why_no_derivatives(const std::string& name);

namespace detail {
using GoldenCall = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
DType golden_dtype(const std::string& family, const std::string& name);
void follow_golden(const std::string& family, const std::string& name, std::string_view type, ModuleRef layer,
                   const GoldenCall& call);
}  // namespace detail

// A layer made by make(dtype) under PyTorch's seed is of the kind that the case is for, starts with PyTorch's
// values and names, trains for some steps with its outputs and gradients, ends with its buffers, and gives
// its results in evaluation. Its gradients are those of finite differences, in training and in evaluation.
// `call` says how to call a layer of several inputs or results: [](auto& layer, const std::vector<Tensor>& x)
// -> std::vector<Tensor>.
template <class Make, class Call>
void follow_golden(const std::string& family, const std::string& name, Make make, Call call) {
  SCOPED_TRACE(name);
  const DType dtype = detail::golden_dtype(family, name);
  manual_seed(7);
  auto layer = make(dtype);
  const std::string_view type = reflect::type_name<decltype(layer)>();
  detail::follow_golden(family, name, type, layer,
                        [&](const std::vector<Tensor>& x) { return call(layer, x); });
}
template <class Make> void follow_golden(const std::string& family, const std::string& name, Make make) {
  follow_golden(family, name, make, [](auto& layer, const std::vector<Tensor>& x) {
    return std::vector<Tensor>{layer(x.at(0))};
  });
}

}  // namespace mica::nn
