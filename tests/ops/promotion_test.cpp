// Which dtype an operation on two dtypes has: the tables that make_tensor.py asked PyTorch for.
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "../golden/golden.h"

namespace mica {
namespace {

constexpr DType types[] = {f32, f64, bf16, f16, i64, i32, u8, boolean};  // the order of the tables
const Scalar numbers[] = {true, 2, 2.5};

const nlohmann::json& promotions() {
  static const nlohmann::json all = golden::read("tensor.json").at("promotion");
  return all;
}

template <class Result> void expect_entry(const nlohmann::json& entry, const Result& result) {
  if (entry.is_null())
    EXPECT_THROW(result(), Error);
  else
    EXPECT_EQ(name(result().dtype()), entry.get<std::string>());
}

template <class Fn> void expect_tensor_tables(const std::string& operation, const Fn& fn) {
  const auto& tables = promotions().at(operation);
  for (std::size_t i = 0; i < std::size(types); ++i) {
    for (std::size_t j = 0; j < std::size(types); ++j) {
      SCOPED_TRACE(testing::Message() << operation << " of " << name(types[i]) << " and " << name(types[j]));
      const Tensor a = ones({2}, types[i]);
      const Tensor b = ones({2}, types[j]);
      expect_entry(tables.at("tensor_tensor")[i][j], [&] { return fn(a, b); });
      expect_entry(tables.at("tensor_zero_dim")[i][j], [&] { return fn(a, b[0]); });
      expect_entry(tables.at("tensor_zero_dim")[i][j], [&] { return fn(b[0], a); });
      expect_entry(tables.at("zero_dim_zero_dim")[i][j], [&] { return fn(a[0], b[0]); });
    }
  }
}

template <class Fn> void expect_number_tables(const std::string& operation, const Fn& fn) {
  const auto& tables = promotions().at(operation);
  for (std::size_t i = 0; i < std::size(types); ++i) {
    for (std::size_t j = 0; j < std::size(numbers); ++j) {
      SCOPED_TRACE(testing::Message() << operation << " of " << name(types[i]) << " and number " << j);
      const Tensor a = ones({2}, types[i]);
      expect_entry(tables.at("tensor_scalar")[i][j], [&] { return fn(a, numbers[j]); });
      expect_entry(tables.at("zero_dim_scalar")[i][j], [&] { return fn(a[0], numbers[j]); });
    }
  }
}

TEST(Promotion, AgreesWithPyTorch) {
  expect_tensor_tables("add", [](const Tensor& a, const Tensor& b) { return a + b; });
  expect_tensor_tables("mul", [](const Tensor& a, const Tensor& b) { return a * b; });
  expect_tensor_tables("div", [](const Tensor& a, const Tensor& b) { return a / b; });
  expect_tensor_tables("maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); });
  expect_number_tables("add", [](const Tensor& a, Scalar b) { return a + b; });
  expect_number_tables("mul", [](const Tensor& a, Scalar b) { return a * b; });
  expect_number_tables("div", [](const Tensor& a, Scalar b) { return a / b; });
}

TEST(Promotion, GradientsTakeTheTypeOfTheirInput) {
  for (const DType a : {f32, f64, bf16, f16}) {
    for (const DType b : {f32, f64, bf16, f16}) {
      const Tensor x = full({2, 3}, 2, a).requires_grad_();
      const Tensor y = full({3}, 4, b).requires_grad_();
      (x * y + x / y).sum().backward();
      EXPECT_EQ(x.grad().dtype(), a);
      EXPECT_EQ(y.grad().dtype(), b);
      EXPECT_EQ(x.grad()[0][0].item(), 4.25);
      EXPECT_EQ(y.grad().to_vector<double>(), std::vector<double>(3, 2 * (2 - 0.125)));
    }
  }
}

}  // namespace
}  // namespace mica
