#include "golden.h"

#include <cmath>
#include <cstdint>
#include <fstream>
#include <span>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include <mica/autograd/gradcheck.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/reduce.h>

namespace mica::nn {

using nlohmann::json;

namespace {
const json& golden_file(const std::string& family) {
  static std::map<std::string, json> files;
  auto found = files.find(family);
  if (found == files.end()) {
    std::ifstream file(MICA_GOLDEN_DIR "/nn/" + family + ".json");
    if (!file) throw std::out_of_range("no golden values of a family " + family);
    found = files.emplace(family, json::parse(file)).first;
  }
  return found->second;
}
}  // namespace

bool has_golden(const std::string& family, const std::string& section) {
  return golden_file(family).contains(section);
}
const json& golden(const std::string& family, const std::string& section) {
  return golden_file(family).at(section);
}

void expect_golden(const Tensor& actual, const json& expected, double tolerance) {
  ASSERT_TRUE(actual.defined());
  EXPECT_EQ(to_string(actual.sizes()), to_string(Shape(expected["shape"].get<std::vector<std::int64_t>>())));
  const auto a = actual.to_vector<double>();
  const auto e = expected["values"].get<std::vector<double>>();
  ASSERT_EQ(a.size(), e.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], e[i], tolerance * (1 + std::abs(e[i]))) << "element " << i;
  }
}

void expect_prints(const std::string& family, const std::map<std::string, std::string>& texts) {
  const json& expected = golden(family, "print");
  EXPECT_EQ(texts.size(), expected.size()) << "models of " << family << " that are printed";
  for (const auto& [name, text] : texts) {
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_EQ(text, expected[name].get<std::string>()) << name;
  }
}

namespace {
std::set<std::string> followed;
}  // namespace

const std::set<std::string>& followed_golden() { return followed; }

std::string_view why_no_derivatives(const std::string& name) {
  static const std::map<std::string, std::string_view> reasons{
      {"embedding of all options", "scale_grad_by_freq divides gradients"},
      {"bag of all options", "scale_grad_by_freq divides gradients"},
      {"GaussianNLLLoss", "gradients of variances below eps pass, as in PyTorch"},
      {"spectral norm", "training takes the vectors of the power iteration for constants"},
      {"orthogonal wide", "the signs on the diagonal are parameters: householder"},
      {"orthogonal batch", "the signs on the diagonal are parameters: householder"}};
  if (name.starts_with("orthogonal householder")) return "the signs on the diagonal are parameters";
  const auto found = reasons.find(name);
  return found == reasons.end() ? std::string_view() : found->second;
}

namespace detail {
namespace {

const json& layer_case(const std::string& family, const std::string& name) {
  for (const auto& layer : golden(family, "layers")) {
    if (layer["name"] == name) return layer;
  }
  throw std::out_of_range("no golden layer named " + name + " in " + family);
}

// The layer itself, or one inside, as the map of a parametrization is.
void expect_kind(std::string_view kind, std::string_view type, const ModuleRef& layer) {
  for (const ModuleRef& module : layer.modules()) {
    std::string_view inside = module.type();
    if (inside.starts_with('_')) inside.remove_prefix(1);  // "_WeightNorm"
    if (inside == kind) return;
  }
  EXPECT_EQ(type, kind) << "the case is for another layer";
}

// Null stands for no tensor.
Tensor input_of(const json& stored, DType dtype) {
  if (stored.is_null()) return {};
  const Tensor x = from_vector(stored["values"].get<std::vector<double>>(),
                               Shape(stored["shape"].get<std::vector<std::int64_t>>()));
  const std::string kind = stored.value("kind", "float");
  return x.to(kind == "int" ? i64 : kind == "bool" ? boolean : dtype);
}

std::vector<Tensor> inputs_of(const json& step, DType dtype) {
  std::vector<Tensor> inputs;
  inputs.reserve(step["inputs"].size());
  for (const auto& stored : step["inputs"]) inputs.push_back(input_of(stored, dtype));
  return inputs;
}

void expect_results(const std::vector<Tensor>& results, const json& expected, double tolerance) {
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    SCOPED_TRACE("result " + std::to_string(i));
    expect_golden(results[i], expected[i], tolerance);
  }
}

// sum(result * weight) over the results that can have gradients.
Tensor weighted_sum(const std::vector<Tensor>& results, const json& weights, DType dtype) {
  Tensor total = zeros({}, dtype);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].is_floating_point()) continue;
    total = total + (results[i] * input_of(weights[i], dtype)).sum();
  }
  return total;
}

void follow_step(const json& step, ModuleRef layer, const GoldenCall& call, DType dtype, double tolerance) {
  const std::vector<Tensor> inputs = inputs_of(step, dtype);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!step["grad_inputs"][i].is_null()) Tensor(inputs[i]).requires_grad_();
  const std::vector<Tensor> results = call(inputs);
  expect_results(results, step["outputs"], tolerance);
  layer.zero_grad();
  const Tensor total = weighted_sum(results, step["weights"], dtype);
  if (total.requires_grad()) total.backward();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    SCOPED_TRACE("gradient of input " + std::to_string(i));
    if (!step["grad_inputs"][i].is_null()) expect_golden(inputs[i].grad(), step["grad_inputs"][i], tolerance);
  }
  const auto parameters = layer.named_parameters();
  EXPECT_EQ(parameters.size(), step["grads"].size());
  for (const auto& [key, parameter] : parameters) {
    SCOPED_TRACE("gradient of " + key);
    ASSERT_TRUE(step["grads"].contains(key));
    if (step["grads"][key].is_null()) {
      EXPECT_FALSE(parameter.grad().defined());
    } else {
      expect_golden(parameter.grad(), step["grads"][key], tolerance);
    }
  }
}

// Inputs and parameters against finite differences, in f64, in training and in evaluation.
void check_gradients(const json& step, ModuleRef layer, const GoldenCall& call) {
  layer.to(f64);
  std::vector<Tensor> inputs = inputs_of(step, f64), wanted = layer.parameters();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!step["grad_inputs"][i].is_null()) wanted.push_back(inputs[i].requires_grad_());
  }
  if (wanted.empty()) return;
  for (const bool training : {true, false}) {
    layer.train(training);
    const auto total = [&](std::span<const Tensor>) {
      manual_seed(5);  // the same numbers for every dropout
      return weighted_sum(call(inputs), step["weights"], f64);
    };
    EXPECT_EQ(autograd::gradcheck(total, wanted), "") << (training ? "in training" : "in evaluation");
  }
}

}  // namespace

DType golden_dtype(const std::string& family, const std::string& name) {
  return layer_case(family, name)["dtype"] == "float64" ? f64 : f32;
}

void follow_golden(const std::string& family, const std::string& name, std::string_view type, ModuleRef layer,
                   const GoldenCall& call) {
  const json& g = layer_case(family, name);
  followed.insert(family + ": " + name);
  expect_kind(g["kind"].get<std::string>(), type, layer);
  const DType dtype = golden_dtype(family, name);
  const double tolerance = dtype == f64 ? 1e-11 : 2e-5;

  const StateDict initial = layer.state_dict();
  std::vector<std::string> names;
  for (const auto& [key, tensor] : initial) names.push_back(key);
  EXPECT_EQ(names, g["names"].get<std::vector<std::string>>());
  for (const auto& [key, expected] : g["initial"].items()) {
    SCOPED_TRACE("initial " + key);
    // One unit in the last place, unless the values are computed.
    expect_golden(initial.at(key), expected, g.value("initial_tolerance", dtype == f64 ? 1e-15 : 1.2e-7));
  }

  manual_seed(5);
  for (const auto& step : g["steps"]) follow_step(step, layer, call, dtype, tolerance);
  const auto buffers = layer.named_buffers();
  EXPECT_EQ(buffers.size(), g["buffers"].size());
  for (const auto& [key, buffer] : buffers) {
    SCOPED_TRACE("buffer " + key);
    ASSERT_TRUE(g["buffers"].contains(key));
    expect_golden(buffer, g["buffers"][key], tolerance);
  }
  layer.train(false);
  SCOPED_TRACE("in evaluation");
  expect_results(call(inputs_of(g["eval"], dtype)), g["eval"]["outputs"], tolerance);
  if (why_no_derivatives(name).empty()) check_gradients(g["steps"][0], layer, call);
}

}  // namespace detail
}  // namespace mica::nn
