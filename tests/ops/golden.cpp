#include "../golden/golden.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "layouts.h"

namespace mica::golden {

bool Args::has(const char* name) const { return values_.contains(name); }
Scalar Args::scalar(const char* name) const {
  const auto& v = values_.at(name);
  return v.is_number_integer() ? Scalar(v.get<std::int64_t>()) : Scalar(golden::real(v));
}
double Args::real(const char* name, double otherwise) const { return maybe_real(name).value_or(otherwise); }
std::optional<double> Args::maybe_real(const char* name) const {
  return has(name) ? std::optional(golden::real(values_.at(name))) : std::nullopt;
}
std::int64_t Args::integer(const char* name) const { return values_.at(name).get<std::int64_t>(); }
std::optional<std::int64_t> Args::maybe_integer(const char* name) const {
  return has(name) ? std::optional(integer(name)) : std::nullopt;
}
bool Args::flag(const char* name) const { return has(name) && values_.at(name).get<bool>(); }
Shape Args::shape(const char* name) const { return golden::shape(values_.at(name)); }
bool Args::is_text(const char* name) const { return has(name) && values_.at(name).is_string(); }
std::string Args::text(const char* name) const { return values_.at(name).get<std::string>(); }
Tensor Args::tensor(const char* name) const {
  return has(name) ? golden::tensor(values_.at(name)) : Tensor();
}

namespace {

// The direction in which torch_cases.py takes gradients.
Tensor direction(const Tensor& y) {
  std::vector<double> values(static_cast<std::size_t>(y.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = (static_cast<double>(7 * i % 11) - 5) / 4;
  }
  return from_vector(values, y.sizes()).to(y.dtype());
}

void expect_gradients(const std::vector<Tensor>& inputs, const std::vector<Tensor>& results,
                      const nlohmann::json& expected) {
  std::vector<Tensor> outputs;
  std::vector<Tensor> directions;
  for (const Tensor& y : results) {
    if (!y.requires_grad()) continue;
    outputs.push_back(y);
    directions.push_back(direction(y));
  }
  ASSERT_FALSE(outputs.empty()) << "nothing requires a gradient";
  autograd::backward(outputs, directions);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "gradient of input " << i);
    const Tensor grad = inputs[i].defined() ? inputs[i].grad() : Tensor();
    if (grad.defined() && grad.numel() == 0 && expected[i].is_null()) continue;  // nothing is nothing
    if (grad.defined() && !expected[i].is_null())
      expect_tensor(grad, expected[i]);
    else  // undefined stands for zero
      EXPECT_TRUE(!grad.defined() &&
                  (expected[i].is_null() || equal(tensor(expected[i]), zeros_like(inputs[i]))));
  }
}

std::vector<Tensor> inputs_of(const nlohmann::json& entry, layouts::Layout layout) {
  std::vector<Tensor> inputs;
  for (const auto& packed : entry.at("in"))
    inputs.push_back(packed.is_null() ? Tensor() : layouts::arranged(tensor(packed), layout));
  return inputs;
}

void expect_results(const std::vector<Tensor>& results, const nlohmann::json& expected) {
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) expect_tensor(results[i], expected[i]);
}

// PyTorch refuses: throw as well, or know better.
void expect_refused_or_done(const nlohmann::json& entry, const Operation& operation) {
  try {
    for (const Tensor& y : operation(inputs_of(entry, layouts::Layout::contiguous), Args(entry.at("args"))))
      EXPECT_TRUE(y.defined());
  } catch (const Error& e) {
    EXPECT_NE(e.operation(), "");
  }
}

void expect_case(const nlohmann::json& entry, const Operation& operation) {
  if (entry.contains("refused")) return expect_refused_or_done(entry, operation);
  const Args args(entry.at("args"));
  for (const auto layout : {layouts::Layout::transposed, layouts::Layout::stepped}) {
    SCOPED_TRACE(testing::Message() << "layout " << static_cast<int>(layout));
    expect_results(operation(inputs_of(entry, layout), args), entry.at("out"));
  }
  const std::vector<Tensor> inputs = inputs_of(entry, layouts::Layout::contiguous);
  for (Tensor x : inputs) {
    if (entry.contains("grad") && x.defined() && x.is_floating_point()) x.requires_grad_();
  }
  const std::vector<Tensor> results = operation(inputs, args);
  expect_results(results, entry.at("out"));
  if (entry.contains("grad")) expect_gradients(inputs, results, entry.at("grad"));
}

const nlohmann::json& cases_of(const std::string& family) {
  static std::map<std::string, nlohmann::json> files;
  auto [it, added] = files.try_emplace(family);
  if (added) it->second = read("ops/" + family + ".json").at("cases");
  return it->second;
}

}  // namespace

void expect_cases(const std::string& family, const Operations& operations) {
  std::set<std::string> seen;
  for (const auto& entry : cases_of(family)) {
    const std::string op = entry.at("op");
    const auto found = operations.find(op);
    if (found == operations.end()) continue;
    SCOPED_TRACE(op + " " + entry.at("args").dump() + " of " + entry.at("in").dump().substr(0, 400));
    seen.insert(op);
    EXPECT_NO_THROW(expect_case(entry, found->second));
  }
  for (const auto& [name, operation] : operations) EXPECT_TRUE(seen.contains(name)) << name << " has no case";
}

void expect_golden(const std::string& family, const Operations& operations) {
  expect_cases(family, operations);
  for (const std::string& name : case_names(family))
    EXPECT_TRUE(operations.contains(name)) << "no operation for the cases of " << name;
}

std::set<std::string> case_names(const std::string& family) {
  std::set<std::string> names;
  for (const auto& entry : cases_of(family)) names.insert(entry.at("op"));
  return names;
}

std::set<std::string> swept_dtypes(const std::string& family, const Operations& operations) {
  std::set<std::string> dtypes;
  for (const auto& entry : cases_of(family)) {
    if (entry.contains("sweep") && operations.contains(entry.at("op"))) dtypes.insert(entry.at("sweep"));
  }
  return dtypes;
}

}  // namespace mica::golden
