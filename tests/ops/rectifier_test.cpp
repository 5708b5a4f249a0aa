#include <limits>

#include <gtest/gtest.h>

#include <mica/core/random.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/ops/rectifier.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Case;
using gradients::derivative_of;
using gradients::Inputs;

RReluOptions rrelu_options(const Args& a) {
  return {
      .lower = a.real("lower", 1.0 / 8), .upper = a.real("upper", 1.0 / 3), .training = a.flag("training")};
}

// The same numbers at every call, as finite differences need.
Tensor drawn(const Tensor& x, const RReluOptions& options) {
  manual_seed(9);
  return rrelu(x, options);
}

// Inputs keep away from the corners at 0 (and 0.5, 1...), which finite differences do not see.
Case smooth(const std::string& name, Tensor (*fn)(Tensor)) {
  return any_shape(
      {name, [fn](Inputs x) { return fn(x[0] * x[0] + 0.1) * fn(-x[0] * x[0] - 0.1); }, {{{2, 3}, 0.8, 2}}});
}

table::Refusal of_integers(Tensor (*fn)(Tensor)) {
  return {[fn] { fn(tensor({1, 2})); }, "got i64"};
}
table::Refusal of_leaf(Tensor& (*change)(Tensor&)) {
  return {[change] {
            Tensor x = ones({2}).requires_grad_();
            change(x);
          },
          "a leaf that requires a gradient, f32 [2]"};
}

// A form in place, on a clone of the input: a tensor with a history.
table::Row row_in_place(const std::string& name, const std::string& title, golden::Operation run,
                        Tensor& (*change)(Tensor&)) {
  return {.name = name,
          .golden = {{name, std::move(run)}},
          .gradients = {any_shape({title + "InPlace",
                                   [change](Inputs x) {
                                     Tensor y = x[0].clone();
                                     return change(y) * x[0];
                                   },
                                   {{{2, 3}, 0.1, 0.4}}}),
                        {title + "InPlaceOfNegative",
                         [change](Inputs x) {
                           Tensor y = -x[0];
                           return change(y) * x[0];
                         },
                         {{{2, 3}, 0.1, 0.4}}}},
          .refusals = {of_leaf(change)}};
}

Tensor clone_of(Inputs x) { return x[0].clone(); }

const table::Rows rows{
    "rectifier",
    {{.name = "threshold",
      .golden = {{"threshold",
                  [](Inputs x, const Args& a) {
                    return std::vector{threshold(x[0], a.real("threshold", 0), a.real("value", 0))};
                  }}},
      .gradients = {smooth("Threshold", [](Tensor x) { return threshold(std::move(x), 0.05, 3) + 1; })},
      .without_refusals = "every dtype is compared"},
     {.name = "hardtanh",
      .golden = {{"hardtanh",
                  [](Inputs x, const Args& a) {
                    return std::vector{hardtanh(x[0], a.real("min_val", -1), a.real("max_val", 1))};
                  }}},
      .gradients = {smooth("Hardtanh", [](Tensor x) { return hardtanh(std::move(x), -0.3, 9); })},
      .refusals = {{[] { hardtanh(ones({2}), 1, 0.5); }, "min_val 1 is not below max_val 0.5"},
                   {[] { hardtanh(ones({2}), std::numeric_limits<double>::quiet_NaN(), 1); }, "min_val nan"}}},
     {.name = "relu6",
      .golden = {{"relu6", golden::unary(relu6)}},
      .gradients = {smooth("Relu6", [](Tensor x) { return relu6(std::move(x)) + 1; })},
      .without_refusals = "every dtype is compared"},
     {.name = "elu",
      .golden = {{"elu", [](Inputs x, const Args& a) { return std::vector{elu(x[0], a.real("alpha", 1))}; }}},
      .gradients = {smooth("Elu", [](Tensor x) { return elu(std::move(x), 0.7); }),
                    {"EluThirdDerivative", derivative_of([](Inputs x) { return elu(-x[0]); }), {{{2, 3}, 0.1, 1}}}},
      .refusals = {of_integers([](Tensor x) { return elu(std::move(x)); })}},
     {.name = "selu",
      .golden = {{"selu", golden::unary(selu)}},
      .gradients = {smooth("Selu", selu)},
      .refusals = {of_integers(selu)}},
     {.name = "celu",
      .golden = {{"celu", [](Inputs x, const Args& a) { return std::vector{celu(x[0], a.real("alpha", 1))}; }}},
      .gradients = {smooth("Celu", [](Tensor x) { return celu(std::move(x), 0.7); })},
      .refusals = {{[] { celu(ones({2}), 0); }, "alpha is 0"},
                   of_integers([](Tensor x) { return celu(std::move(x)); })}},
     {.name = "leaky_relu",
      .golden = {{"leaky_relu",
                  [](Inputs x, const Args& a) {
                    return std::vector{leaky_relu(x[0], a.real("negative_slope", 0.01))};
                  }}},
      .gradients = {smooth("LeakyRelu", [](Tensor x) { return leaky_relu(std::move(x), 0.3); })},
      .refusals = {of_integers([](Tensor x) { return leaky_relu(std::move(x)); })}},
     {.name = "prelu",
      .golden = {{"prelu", golden::binary(prelu)}},
      .gradients = {{"Prelu", [](Inputs x) { return prelu(x[0], x[1]); }, {{{2, 3, 2}, -2, -0.1}, {{3}}}},
                    {"PreluOfPositive", [](Inputs x) { return prelu(x[0], x[1]) * x[0]; }, {{{2, 3}, 0.1, 2}, {{3}}}},
                    {"PreluOneSlope", [](Inputs x) { return prelu(x[0], x[1]); }, {{{4}, -2, -0.1}, {{1}}}},
                    {"PreluZeroDim", [](Inputs x) { return prelu(x[0], x[1]); }, {{{}, -2, -0.1}, {{}}}},
                    {"PreluZeroSize", [](Inputs x) { return prelu(x[0], x[1]); }, {{{0, 3}}, {{3}}}}},
      .refusals = {{[] { prelu(ones({2, 3}), ones({2})); }, "weight of shape [2] for an x of shape [2, 3]"},
                   {[] { prelu(ones({4}), ones({4})); }, "expected one slope, or 1 of them"},
                   {[] { prelu(ones({2, 3}), ones({1, 3})); }, "weight of shape [1, 3]"},
                   {[] { prelu(ones({2, 3}), ones({3}, f64)); }, "f64"},
                   {[] { prelu(tensor({1, 2}), tensor({1})); }, "got i64"}}},
     {.name = "rrelu",
      .golden = {{"rrelu",
                  [](Inputs x, const Args& a) { return std::vector{drawn(x[0], rrelu_options(a))}; }}},
      .gradients = {any_shape({"RreluTraining",
                               [](Inputs x) { return drawn(-x[0], {.training = true}) * drawn(x[0], {.training = true}); },
                               {{{2, 3}, 0.1, 2}}}),
                    smooth("RreluEvaluating", [](Tensor x) { return rrelu(std::move(x)); })},
      .refusals = {{[] { rrelu(ones({2}), {.lower = 0.5, .upper = 0.25}); }, "slopes between 0.5 and 0.25"},
                   {[] { rrelu(ones({2}), {.upper = std::numeric_limits<double>::infinity()}); }, "and inf"},
                   of_integers([](Tensor x) { return rrelu(std::move(x)); })}},
     {.name = "hardshrink",
      .golden = {{"hardshrink",
                  [](Inputs x, const Args& a) { return std::vector{hardshrink(x[0], a.real("lambd", 0.5))}; }}},
      .gradients = {smooth("Hardshrink", [](Tensor x) { return hardshrink(std::move(x)) + 1; })},
      .refusals = {of_integers([](Tensor x) { return hardshrink(std::move(x)); })}},
     {.name = "softshrink",
      .golden = {{"softshrink",
                  [](Inputs x, const Args& a) { return std::vector{softshrink(x[0], a.real("lambd", 0.5))}; }}},
      .gradients = {smooth("Softshrink", [](Tensor x) { return softshrink(std::move(x)) + 1; })},
      .refusals = {{[] { softshrink(ones({2}), -0.5); }, "lambd -0.5 is negative"},
                   of_integers([](Tensor x) { return softshrink(std::move(x)); })}},
     row_in_place(
         "threshold_", "Threshold",
         [](Inputs x, const Args& a) {
           Tensor y = clone_of(x);
           return std::vector{threshold_(y, a.real("threshold", 0), a.real("value", 0))};
         },
         [](Tensor& x) -> Tensor& { return threshold_(x, 0.05, 3); }),
     row_in_place(
         "hardtanh_", "Hardtanh",
         [](Inputs x, const Args& a) {
           Tensor y = clone_of(x);
           return std::vector{hardtanh_(y, a.real("min_val", -1), a.real("max_val", 1))};
         },
         [](Tensor& x) -> Tensor& { return hardtanh_(x, -0.05, 3); }),
     row_in_place(
         "elu_", "Elu",
         [](Inputs x, const Args& a) {
           Tensor y = clone_of(x);
           return std::vector{elu_(y, a.real("alpha", 1))};
         },
         [](Tensor& x) -> Tensor& { return elu_(x, 0.7); }),
     row_in_place(
         "selu_", "Selu",
         [](Inputs x, const Args&) {
           Tensor y = clone_of(x);
           return std::vector{selu_(y)};
         },
         selu_),
     row_in_place(
         "celu_", "Celu",
         [](Inputs x, const Args& a) {
           Tensor y = clone_of(x);
           return std::vector{celu_(y, a.real("alpha", 1))};
         },
         [](Tensor& x) -> Tensor& { return celu_(x, 0.7); }),
     row_in_place(
         "leaky_relu_", "LeakyRelu",
         [](Inputs x, const Args& a) {
           Tensor y = clone_of(x);
           return std::vector{leaky_relu_(y, a.real("negative_slope", 0.01))};
         },
         [](Tensor& x) -> Tensor& { return leaky_relu_(x, 0.3); }),
     row_in_place(
         "rrelu_", "Rrelu",
         [](Inputs x, const Args& a) {
           Tensor y = clone_of(x);
           manual_seed(9);
           return std::vector{rrelu_(y, rrelu_options(a))};
         },
         [](Tensor& x) -> Tensor& {
           manual_seed(9);
           return rrelu_(x, {.training = true});
         })}};

TEST(Rectifier, LendsTheMemoryOfATemporary) {
  Tensor x = arange(-8, 8, 1, f32);
  const void* memory = x.raw_data();
  const Tensor expected = leaky_relu(x, 0.5);
  EXPECT_NE(expected.raw_data(), memory);
  const Tensor y = leaky_relu(std::move(x), 0.5);
  EXPECT_EQ(y.raw_data(), memory);
  EXPECT_TRUE(equal(y, expected));
}

TEST(Rectifier, NamesItselfInTheGraph) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_EQ(elu(x).grad_fn_name(), "elu");
  EXPECT_EQ(relu6(x).grad_fn_name(), "hardtanh");
}

TEST(Rectifier, HasAFiniteGradientWhereTheOtherBranchOverflows) {
  const Tensor x = tensor({800.0, -800.0}).requires_grad_();
  (elu(x) + selu(x) + celu(x)).sum().backward();
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
}

TEST(Rectifier, KeepsNaN) {
  const Tensor x = full({1}, std::numeric_limits<double>::quiet_NaN());
  for (const Tensor& y :
       {threshold(x, 0, 1), hardtanh(x), elu(x), leaky_relu(x), hardshrink(x), softshrink(x)})
    EXPECT_TRUE(y.isnan().item<bool>());
}

TEST(Rectifier, ThresholdOfIntegersWithAFractionGivesF32) {
  EXPECT_EQ(threshold(tensor({1, 5}), 2, 0.5).to_vector<float>(), (std::vector<float>{0.5, 5}));
  EXPECT_EQ(threshold(tensor({1, 5}), 2, 7).dtype(), i64);
}

TEST(Rectifier, RreluDrawsOnlyWhereItNeedsASlope) {
  const Tensor x = tensor({1.0, -1.0, 2.0, -1.0});
  manual_seed(1);
  const auto y = rrelu(x, {.training = true}).to_vector<double>();
  manual_seed(1);
  const auto z = rrelu(tensor({-1.0, -1.0}), {.training = true}).to_vector<double>();
  EXPECT_EQ(y, (std::vector<double>{1, z[0], 2, z[1]}));
}

}  // namespace
}  // namespace mica
