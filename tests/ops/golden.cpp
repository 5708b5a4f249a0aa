#include "../golden/golden.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/autograd/engine.h>
#include <mica/ops/ops.h>

#include "golden.h"

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
    if (grad.defined() && !expected[i].is_null())
      expect_tensor(grad, expected[i]);
    else  // undefined stands for zero
      EXPECT_TRUE(!grad.defined() &&
                  (expected[i].is_null() || equal(tensor(expected[i]), zeros_like(inputs[i]))));
  }
}

void expect_case(const nlohmann::json& entry, const Operation& operation) {
  std::vector<Tensor> inputs;
  for (const auto& packed : entry.at("in")) {
    inputs.push_back(packed.is_null() ? Tensor() : tensor(packed));
    if (entry.contains("grad") && inputs.back().defined() && inputs.back().is_floating_point())
      inputs.back().requires_grad_();
  }
  const std::vector<Tensor> results = operation(inputs, Args(entry.at("args")));
  const auto& expected = entry.at("out");
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) expect_tensor(results[i], expected[i]);
  if (entry.contains("grad")) expect_gradients(inputs, results, entry.at("grad"));
}

}  // namespace

void expect_golden(const std::string& group, const Operations& operations) {
  static const nlohmann::json all = read("ops.json");
  std::set<std::string> seen;
  for (const auto& entry : all.at(group)) {
    const std::string op = entry.at("op");
    SCOPED_TRACE(op + " " + entry.at("args").dump() + " of " + entry.at("in").dump().substr(0, 400));
    seen.insert(op);
    const auto found = operations.find(op);
    if (found == operations.end()) {
      ADD_FAILURE() << "no operation of this name in the table";
      continue;
    }
    EXPECT_NO_THROW(expect_case(entry, found->second));
  }
  for (const auto& [name, operation] : operations) EXPECT_TRUE(seen.contains(name)) << name << " has no case";
}

}  // namespace mica::golden
