#include <cmath>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using golden::Inputs;

using Relation = Tensor(const Tensor&, const Tensor&);

table::Refusal mismatched(Relation* fn) {
  return {[fn] { fn(ones({2, 3}), ones({2})); }, "[2, 3]"};
}

table::Row comparison(const std::string& name, Relation* tensors, Tensor (*number)(const Tensor&, Scalar)) {
  return {
      .name = name,
      .golden = {{name, golden::binary(tensors)},
                 {name + "_scalar",
                  [number](Inputs x, const Args& a) { return std::vector{number(x[0], a.scalar("s"))}; }}},
      .refusals = {mismatched(tensors)},
      .without_gradients = "the result is bool"};
}

table::Row logic(const std::string& name, Relation* fn) {
  return {.name = name,
          .golden = {{name, golden::binary(fn)}},
          .refusals = {mismatched(fn)},
          .without_gradients = "the result is bool"};
}

table::Row bitwise(const std::string& name, Relation* fn) {
  return {.name = name,
          .golden = {{name, golden::binary(fn)}},
          .refusals = {{[fn] { fn(ones({2}), ones({2})); }, "f32"},
                       {[fn] { fn(ones({2, 3}, i32), ones({2}, u8)); }, "[2, 3]"}},
          .without_gradients = "the result is of integers"};
}

table::Row property(const std::string& name, Tensor (*fn)(const Tensor&)) {
  return {.name = name,
          .golden = {{name, golden::unary(fn)}},
          .without_gradients = "the result is bool",
          .without_refusals = "takes every dtype"};
}

Tensor close(const Tensor& a, const Tensor& b, const Args& args) {
  return isclose(a, b, args.real("rtol", 1e-5), args.real("atol", 1e-8), args.flag("equal_nan"));
}
bool all_close(const Tensor& a, const Tensor& b, const Args& args) {
  return allclose(a, b, args.real("rtol", 1e-5), args.real("atol", 1e-8), args.flag("equal_nan"));
}

const table::Rows rows{
    "compare",
    {
        comparison("eq", eq, eq),
        comparison("ne", ne, ne),
        comparison("lt", lt, lt),
        comparison("le", le, le),
        comparison("gt", gt, gt),
        comparison("ge", ge, ge),
        logic("logical_and", logical_and),
        logic("logical_or", logical_or),
        logic("logical_xor", logical_xor),
        property("logical_not", logical_not),
        bitwise("bitwise_and", bitwise_and),
        bitwise("bitwise_or", bitwise_or),
        bitwise("bitwise_xor", bitwise_xor),
        {.name = "bitwise_not",
         .golden = {{"bitwise_not", golden::unary(bitwise_not)}},
         .refusals = {{[] { bitwise_not(ones({2})); }, "f32"}},
         .without_gradients = "the result is of integers"},
        property("isnan", isnan),
        property("isinf", isinf),
        property("isfinite", isfinite),
        {.name = "isclose",
         .golden = {{"isclose", [](Inputs x, const Args& a) { return std::vector{close(x[0], x[1], a)}; }}},
         .refusals = {{[] { isclose(ones({2, 3}), ones({2})); }, "[2, 3]"}},
         .without_gradients = "the result is bool"},
        {.name = "allclose",
         .golden = {{"allclose",
                     [](Inputs x, const Args& a) {
                       return std::vector{full({}, all_close(x[0], x[1], a), boolean)};
                     }}},
         .refusals = {{[] { allclose(ones({2, 3}), ones({2})); }, "[2, 3]", "isclose"}},
         .without_gradients = "the result is bool"},
        {.name = "equal",
         .golden = {{"equal", [](Inputs x,
                                 const Args&) { return std::vector{full({}, equal(x[0], x[1]), boolean)}; }}},
         .without_gradients = "the result is bool",
         .without_refusals = "tensors of different shapes are not equal"},
    }};

TEST(Compare, OperatorsAreElementwise) {
  const Tensor x = tensor({1, 2, 3});
  EXPECT_EQ((x < tensor({2, 2, 2})).to_vector<bool>(), (std::vector<bool>{true, false, false}));
  EXPECT_EQ((x >= 2).to_vector<bool>(), (std::vector<bool>{false, true, true}));
  EXPECT_EQ((x != 3).dtype(), boolean);
}

TEST(Compare, ResultsNeedNoGradient) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_FALSE((x > 0).requires_grad());
  EXPECT_FALSE(isnan(x).requires_grad());
  EXPECT_FALSE(isfinite(x).requires_grad());
}

TEST(Compare, EqualWantsTheSameShapeTypeAndElements) {
  const Tensor x = tensor({1.0, 2.0});
  EXPECT_TRUE(equal(x, tensor({1.0, 2.0})));
  EXPECT_FALSE(equal(x, tensor({1.0, 3.0})));
  EXPECT_FALSE(equal(x, x.to(f64)));
  EXPECT_FALSE(equal(x, x.unsqueeze(0)));
  EXPECT_FALSE(equal(tensor({NAN}), tensor({NAN})));
  EXPECT_TRUE(equal(zeros({0, 3}), zeros({0, 3})));
}

// The values of torch.allclose.
TEST(Compare, AllcloseTreatsToleranceInfinityAndNaNAsPyTorch) {
  const auto one = [](double v) { return full({1}, v, f64); };
  EXPECT_TRUE(allclose(one(1 + 1e-6), one(1)));
  EXPECT_FALSE(allclose(one(1 + 1e-4), one(1)));
  EXPECT_TRUE(allclose(one(1 + 1e-4), one(1), 1e-3));
  EXPECT_TRUE(allclose(one(1e-9), one(0)));
  EXPECT_FALSE(allclose(one(1e-7), one(0)));
  EXPECT_TRUE(allclose(one(INFINITY), one(INFINITY)));
  EXPECT_FALSE(allclose(one(INFINITY), one(-INFINITY)));
  EXPECT_FALSE(allclose(one(1), one(INFINITY)));
  EXPECT_FALSE(allclose(one(NAN), one(NAN)));
  EXPECT_TRUE(allclose(one(NAN), one(NAN), 0, 0, true));
  EXPECT_TRUE(allclose(zeros({0}), zeros({0})));
  EXPECT_TRUE(allclose(tensor({1, 2}), tensor({1.0, 2.0})));
}

TEST(Compare, MasksCombineWithOperators) {
  const Tensor x = tensor({1, 2, 3});
  EXPECT_EQ(((x > 1) & (x < 3)).to_vector<bool>(), (std::vector<bool>{false, true, false}));
  EXPECT_EQ(((x < 2) | (x > 2)).to_vector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(((x > 1) ^ (x > 2)).to_vector<bool>(), (std::vector<bool>{false, true, false}));
  EXPECT_EQ((~(x > 1)).to_vector<bool>(), (std::vector<bool>{true, false, false}));
  EXPECT_EQ((~x).to_vector<int>(), (std::vector<int>{-2, -3, -4}));
}

TEST(Compare, MembersAreTheFunctions) {
  const Tensor x = from_vector(std::vector<double>{1, 2, NAN});
  const Tensor y = full({3}, 2);
  EXPECT_TRUE(equal(x.ne(y), x != y));
  EXPECT_TRUE(equal(x.lt(y), x < y));
  EXPECT_TRUE(equal(x.le(2), x <= 2));
  EXPECT_TRUE(equal(x.gt(1), x > 1));
  EXPECT_TRUE(equal(x.ge(y), x >= y));
  EXPECT_TRUE(equal(x.isnan(), isnan(x)));
  EXPECT_TRUE(equal(x.isfinite(), ~isnan(x)));
}

}  // namespace
}  // namespace mica
