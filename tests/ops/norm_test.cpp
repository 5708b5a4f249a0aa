#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

Case layer_case(const std::string& name, const Shape& x, const Shape& normalized) {
  return {name,
          [=](Inputs in) { return layer_norm(in[0], normalized, in[1], in[2], 0.1); },
          {{x}, {normalized}, {normalized}}};
}
Case batch_case(const std::string& name, const Shape& x, bool training) {
  const auto run = [=](Inputs in) {
    const Tensor mean = from_vector(std::vector<double>{0.5, -1});
    const Tensor var = from_vector(std::vector<double>{1.5, 0.5});
    return batch_norm(in[0], mean, var, in[1], in[2], {.training = training, .eps = 0.1});
  };
  return {name, run, {{x}, {{2}}, {{2}}}};
}

const std::vector<Case> layer_norm_cases{
    layer_case("LayerNorm", {2, 4}, {4}),
    layer_case("LayerNormTwoDims", {2, 2, 2}, {2, 2}),
    layer_case("LayerNormOneRow", {4}, {4}),
    layer_case("LayerNormNoRows", {0, 3}, {3}),
    {"LayerNormPlain", [](Inputs x) { return layer_norm(x[0], {4}, {}, {}, 0.1); }, {{{2, 4}}}},
    {"LayerNormWithoutBias",
     [](Inputs x) { return layer_norm(x[0], {4}, x[1], {}, 0.1); },
     {{{2, 4}}, {{4}}}},
};

const std::vector<Case> batch_norm_cases{
    batch_case("BatchNormTraining", {4, 2}, true),
    batch_case("BatchNormTrainingSequence", {2, 2, 3}, true),
    batch_case("BatchNormTrainingImages", {2, 2, 2, 2}, true),
    batch_case("BatchNormEval", {3, 2}, false),
    batch_case("BatchNormEvalImages", {2, 2, 2, 1}, false),
    {"BatchNormPlain",
     [](Inputs x) { return batch_norm(x[0], {}, {}, {}, {}, {.training = true, .eps = 0.1}); },
     {{{3, 2}}}},
    {"BatchNormPlainEval",
     [](Inputs x) {
       const Tensor ones = full({2}, 1, f64);
       return square(batch_norm(x[0], ones, ones, {}, {}, {.eps = 0.1}));
     },
     {{{3, 2}}}},
    {"BatchNormWithoutStatistics",
     [](Inputs x) { return batch_norm(x[0], {}, {}, x[1], {}, {.eps = 0.1}); },
     {{{3, 2}}, {{2}}}},
    {"BatchNormChannelsLast",
     [](Inputs x) {
       const Tensor last = x[0].permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
       return batch_norm(last, {}, {}, x[1], x[2], {.training = true, .eps = 0.1});
     },
     {{{2, 2, 2, 2}}, {{2}}, {{2}}}},
};

const table::Rows rows{
    "norm",
    {{.name = "layer_norm",
      .golden = {{"layer_norm",
                  [](Inputs x, const Args& a) {
                    const auto at = [&](std::size_t i) { return i < x.size() ? x[i] : Tensor(); };
                    return std::vector{layer_norm(x[0], a.shape("shape"), at(1), at(2), a.real("eps", 0))};
                  }}},
      .gradients = layer_norm_cases,
      .refusals = {{[] { layer_norm(ones({2, 3}), {2}); },
                    "[2, 3] does not end with the normalized shape [2]"},
                   {[] { layer_norm(ones({2, 3}), {1, 2, 3}); }, "normalized shape [1, 2, 3]"},
                   {[] { layer_norm(ones({2, 3}), {}); }, "normalized shape []"},
                   {[] { layer_norm(ones({2, 3}), {3}, ones({2})); }, "weight is f32 [2], expected f32 [3]"},
                   {[] { layer_norm(ones({2, 3}), {3}, ones({3}, f64)); }, "weight is f64 [3]"},
                   {[] { layer_norm(ones({2, 3}), {3}, {}, ones({1})); }, "bias is f32 [1]"},
                   {[] { layer_norm(ones({2, 3}, i64), {3}); }, "got i64"}}},
     {.name = "batch_norm",
      .golden = {{"batch_norm",
                  [](Inputs x, const Args& a) {
                    const auto at = [&](std::size_t i) { return i < x.size() ? x[i] : Tensor(); };
                    const Tensor mean = a.tensor("mean");
                    const Tensor var = a.tensor("var");
                    const Tensor y = batch_norm(x[0], mean, var, at(1), at(2),
                                                {.training = a.flag("training"),
                                                 .momentum = a.real("momentum", 0),
                                                 .eps = a.real("eps", 0)});
                    return mean.defined() ? std::vector{y, mean, var} : std::vector{y};
                  }}},
      .gradients = batch_norm_cases,
      .refusals = {{[] { batch_norm(ones({3}), {}, {}); }, "input of shape [3] has no channels"},
                   {[] { batch_norm(ones({2, 3}), ones({2}), ones({3})); },
                    "running_mean is f32 [2], expected f32 [3]"},
                   {[] { batch_norm(ones({2, 3}), ones({3}), ones({3, 1})); }, "running_var is f32 [3, 1]"},
                   {[] { batch_norm(ones({2, 3}), {}, {}, ones({3}, f64)); }, "weight is f64 [3]"},
                   {[] { batch_norm(ones({2, 3}), {}, {}, {}, ones({2})); }, "bias is f32 [2]"},
                   {[] { batch_norm(ones({1, 3}), {}, {}, {}, {}, {.training = true}); },
                    "one value per channel when training, input shape [1, 3]"},
                   {[] { batch_norm(ones({2, 3}, i32), {}, {}); }, "got i32"}}},
     {.name = "normalize",
      .golden = {{"normalize",
                  [](Inputs x, const Args& a) {
                    return std::vector{normalize(x[0], {.p = a.real("p", 2),
                                                        .dim = a.maybe_integer("dim").value_or(1),
                                                        .eps = a.real("eps", 1e-12)})};
                  }}},
      .gradients = {{"Normalize", [](Inputs x) { return normalize(x[0]); }, {{{2, 3}}}},
                    {"NormalizeCubes", [](Inputs x) { return normalize(x[0], {.p = 3, .dim = 0}); }, {{{3}}}},
                    {"NormalizeByEps", [](Inputs x) { return normalize(x[0], {.eps = 100}); }, {{{2, 3}}}},
                    {"NormalizeNothing", [](Inputs x) { return normalize(x[0]); }, {{{2, 0}}}}},
      .refusals = {{[] { normalize(ones({2, 2}, i64)); }, "got i64"},
                   {[] { normalize(ones({2})); }, "dimension 1", "norm"}}}}};

TEST(Normalize, TakesTheLargestMagnitudeAsTheLength) {
  const Tensor x = tensor({{1.0F, -4.0F}, {0.5F, 0.25F}});
  EXPECT_TRUE(equal(normalize(x, {.p = std::numeric_limits<double>::infinity()}),
                    tensor({{0.25F, -1.0F}, {1.0F, 0.5F}})));
}

TEST(Norm, RunningStatisticsMayChangeBeforeBackward) {
  const Tensor x = randn({5, 3}, f64).requires_grad_();
  Tensor mean = zeros({3}, f64);
  Tensor var = full({3}, 4, f64);
  const Tensor y = batch_norm(x, mean, var, {}, {}, {.eps = 0});
  mean.fill_(9);
  var.fill_(1);
  y.sum().backward();
  EXPECT_TRUE(allclose(x.grad(), full({5, 3}, 0.5, f64)));
}

TEST(Norm, EvalLeavesTheRunningStatisticsAlone) {
  const Tensor mean = zeros({3});
  const Tensor var = ones({3});
  const auto version = mean.version();
  static_cast<void>(batch_norm(randn({5, 3}), mean, var));
  EXPECT_EQ(mean.version(), version);
  EXPECT_TRUE(equal(mean, zeros({3})));
  static_cast<void>(batch_norm(randn({5, 3}), mean, var, {}, {}, {.training = true}));
  EXPECT_FALSE(equal(mean, zeros({3})));
}

TEST(Norm, ComputesLayerNormOfNarrowTypesInF32) {
  const Tensor x = randn({3, 8}).to(bf16);
  const Tensor w = randn({8}).to(bf16);
  EXPECT_TRUE(equal(layer_norm(x, {8}, w), layer_norm(x.to(f32), {8}, w.to(f32)).to(bf16)));
}

}  // namespace
}  // namespace mica
