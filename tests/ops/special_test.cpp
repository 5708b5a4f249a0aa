#include <cctype>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Inputs;

// A function of one element, with inputs for its gradients between low and high.
table::Row function(const std::string& name, Tensor (*fn)(Tensor), double low, double high) {
  std::string title = name;
  title[0] = static_cast<char>(std::toupper(title[0]));
  return {.name = name,
          .golden = {{name, golden::unary(fn)}},
          .gradients = {any_shape({title, [fn](Inputs x) { return fn(x[0]); }, {{{2, 3}, low, high}}})},
          .without_refusals = "integers are converted, NaN stands for what is undefined"};
}

const auto mismatched = [](Tensor (*fn)(const Tensor&, const Tensor&)) {
  return std::vector<table::Refusal>{{[fn] { fn(ones({2, 3}), ones({2})); }, "[2, 3]"}};
};

const table::Rows rows{
    "special",
    {
        function("exp2", exp2, -2, 2),
        function("expm1", expm1, -2, 2),
        function("log1p", log1p, -0.5, 2),
        function("log2", log2, 0.3, 2),
        function("log10", log10, 0.3, 2),
        function("sin", sin, -3, 3),
        function("cos", cos, -3, 3),
        function("tan", tan, -1, 1),
        function("asin", asin, -0.7, 0.7),
        function("acos", acos, -0.7, 0.7),
        function("atan", atan, -2, 2),
        function("sinh", sinh, -2, 2),
        function("cosh", cosh, -2, 2),
        function("asinh", asinh, -2, 2),
        function("acosh", acosh, 1.5, 3),
        function("atanh", atanh, -0.7, 0.7),
        function("erf", erf, -2, 2),
        function("erfc", erfc, -2, 2),
        function("erfinv", erfinv, -0.7, 0.7),
        function("lgamma", lgamma, 0.5, 4),
        function("digamma", digamma, 0.5, 4),
        {.name = "atan2",
         .golden = {{"atan2", golden::binary(atan2)}},
         .gradients = {any_shape(
             {"Atan2", [](Inputs x) { return atan2(x[0], x[1]); }, {{{2, 3}}, {{2, 3}, 0.5, 2}}})},
         .refusals = mismatched(atan2)},
        {.name = "hypot",
         .golden = {{"hypot", golden::binary(hypot)}},
         .gradients = {any_shape(
             {"Hypot", [](Inputs x) { return hypot(x[0], x[1]); }, {{{2, 3}}, {{2, 3}, 0.5, 2}}})},
         .refusals = mismatched(hypot)},
        {.name = "logaddexp",
         .golden = {{"logaddexp", golden::binary(logaddexp)}},
         .gradients = {any_shape(
             {"Logaddexp", [](Inputs x) { return logaddexp(x[0], x[1]); }, {{{2, 3}}, {{2, 3}}}})},
         .refusals = mismatched(logaddexp)},
        {.name = "xlogy",
         .golden = {{"xlogy", golden::binary(xlogy)}},
         .gradients = {any_shape(
             {"Xlogy", [](Inputs x) { return xlogy(x[0], x[1]); }, {{{2, 3}, 0.2, 2}, {{2, 3}, 0.5, 2}}})},
         .refusals = mismatched(xlogy)},
        {.name = "polygamma",
         .golden = {{"polygamma",
                     [](Inputs x, const Args& a) { return std::vector{polygamma(a.integer("n"), x[0])}; }}},
         .gradients =
             {any_shape({"Polygamma1", [](Inputs x) { return polygamma(1, x[0]); }, {{{2, 3}, 0.7, 4}}}),
              {"Polygamma4", [](Inputs x) { return polygamma(4, x[0]); }, {{{2, 3}, 1.5, 4}}},
              {"PolygammaOfNegatives", [](Inputs x) { return polygamma(2, x[0]); }, {{{2, 3}, -2.7, -2.3}}}},
         .refusals = {{[] { polygamma(-1, ones({2})); }, "n is -1"}}},
        {.name = "logit",
         .golden = {{"logit", [](Inputs x, const Args&) { return std::vector{logit(x[0])}; }},
                    {"logit_eps",
                     [](Inputs x, const Args& a) { return std::vector{logit(x[0], a.maybe_real("eps"))}; }}},
         .gradients = {any_shape({"Logit", [](Inputs x) { return logit(x[0]); }, {{{2, 3}, 0.2, 0.8}}}),
                       {"LogitWithEps", [](Inputs x) { return logit(x[0], 0.1); }, {{{2, 3}, 0.2, 0.8}}}},
         .without_refusals = "integers are converted, NaN stands for what is undefined"},
        {.name = "sinc",
         .golden = {{"sinc", golden::unary(sinc)}},
         .gradients = {any_shape({"Sinc", [](Inputs x) { return sinc(x[0]); }, {{{2, 3}, 0.2, 2}}}),
                       {"SincNearZero", [](Inputs x) { return sinc(x[0]); }, {{{2, 3}, -0.02, 0.02}}}},
         .without_refusals = "integers are converted"},
    }};

TEST(Special, PowersOfTwoHaveWholeLogarithms) {
  for (const DType type : {f32, f64}) {
    const Tensor n = arange(-60, 61, 1, type);
    EXPECT_TRUE(equal(log2(exp2(n)), n));
  }
}

// PyTorch's values have ten digits or fewer there; these are mpmath's.
TEST(Special, KeepAllDigitsWhereTheyAreHardToKeep) {
  const auto value = [](Tensor (*fn)(Tensor), double x) { return fn(full({}, x, f64)).item(); };
  const auto trigamma = [](double x) { return polygamma(1, full({}, x, f64)).item(); };
  EXPECT_NEAR(trigamma(0.523), 4.57202514642948844, 1e-14);
  EXPECT_NEAR(trigamma(1), M_PI * M_PI / 6, 1e-15);
  EXPECT_NEAR(trigamma(-0.5), M_PI * M_PI / 2 + 4, 1e-14);
  EXPECT_NEAR(value(digamma, -1e-9), 999999999.422784271, 1e-6);
  EXPECT_NEAR(value(erfinv, 0.999999), 3.45891073727549878, 1e-14);
}

TEST(Special, SaveTheirInputsAgainstChanges) {
  const Tensor x = full({3}, 0.5, f64).requires_grad_();
  Tensor y = x * 1;
  const Tensor z = sin(y).sum();
  y.add_(1);
  EXPECT_THROW(z.backward(), Error);
}

TEST(Special, XlogyOfZeroKeepsTheLogarithmOutOfTheGradient) {
  const Tensor x = zeros({2}, f64).requires_grad_();
  const Tensor y = zeros({2}, f64).requires_grad_();
  xlogy(x, y).sum().backward();
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{0, 0}));
}

TEST(Special, DerivativesOfSincHoldAtZero) {
  const Tensor x = zeros({1}, f64).requires_grad_();
  const Tensor slope = autograd::grad(sinc(x).sum(), x, {.create_graph = true});
  EXPECT_EQ(slope.item(), 0);
  slope.sum().backward();
  EXPECT_NEAR(x.grad().item(), -M_PI * M_PI / 3, 1e-12);
}

TEST(Special, ComputesNarrowTypesInF32) {
  const Tensor x = (arange(1, 8, 1, f32) / 8).to(f16);
  for (const auto fn : {sin, erf, log1p, lgamma, erfinv}) EXPECT_TRUE(equal(fn(x), fn(x.to(f32)).to(f16)));
  EXPECT_TRUE(equal(logit(x), logit(x.to(f32)).to(f16)));
}

}  // namespace
}  // namespace mica
