#include <cmath>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "loss_options.h"
#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Inputs;

Tensor weight() { return from_vector(std::vector<double>{0.5, 2, 1}); }

const table::Rows rows{
    "loss_distribution",
    {{.name = "poisson_nll_loss",
      .golden = {{"poisson_nll_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{poisson_nll_loss(x[0], x[1],
                                                        {.log_input = !a.has("log_input") || a.flag("log_input"),
                                                         .full = a.flag("full"),
                                                         .eps = a.real("eps", 1e-8),
                                                         .reduction = reduction(a)})};
                  }}},
      .gradients = {any_shape({"PoissonNll",
                               [](Inputs x) { return poisson_nll_loss(x[0], x[1], {.reduction = Reduction::sum}); },
                               {{{2, 3}}, {{2, 3}}}}),
                    {"PoissonNllRateFull",
                     [](Inputs x) { return poisson_nll_loss(x[0], x[1], {.log_input = false, .full = true}); },
                     {{{2, 3}, 0.5, 2}, {{2, 3}, 1.2, 4}}}},
      .refusals = {{[] { poisson_nll_loss(zeros({2}), zeros({2}), {.reduction = Reduction::batchmean}); },
                    "batchmean"}}},
     {.name = "gaussian_nll_loss",
      .golden = {{"gaussian_nll_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{gaussian_nll_loss(x[0], x[1], x[2],
                                                         {.full = a.flag("full"),
                                                          .eps = a.real("eps", 1e-6),
                                                          .reduction = reduction(a)})};
                  }}},
      .gradients = {{"GaussianNll",
                     [](Inputs x) { return gaussian_nll_loss(x[0], x[1], x[2]); },
                     {{{2, 3}}, {{2, 3}}, {{2, 3}, 0.5, 2}}},
                    {"GaussianNllOneVariance",
                     [](Inputs x) {
                       return gaussian_nll_loss(x[0], x[1], x[2], {.full = true, .reduction = Reduction::none});
                     },
                     {{{2, 3}}, {{2, 3}}, {{2}, 0.5, 2}}}},
      .refusals = {{[] { gaussian_nll_loss(zeros({2, 3}), zeros({2, 3}), ones({3})); },
                    "var of shape [3] for x of shape [2, 3]"},
                   {[] { gaussian_nll_loss(zeros({2}), zeros({2}), full({2}, -1)); }, "variance is negative"},
                   {[] { gaussian_nll_loss(zeros({2}), zeros({2}), ones({2}), {.eps = 0}); },
                    "eps 0 is not positive"}}},
     {.name = "kl_div",
      .golden = {{"kl_div",
                  [](Inputs x, const Args& a) {
                    return std::vector{
                        kl_div(x[0], x[1], {.reduction = reduction(a), .log_target = a.flag("log_target")})};
                  }}},
      .gradients = {{"KlDiv",
                     [](Inputs x) { return kl_div(x[0], x[1], {.reduction = Reduction::batchmean}); },
                     {{{2, 3}}, {{2, 3}, 0.1, 1}}},
                    {"KlDivLogTarget",
                     [](Inputs x) {
                       return kl_div(x[0], x[1], {.reduction = Reduction::none, .log_target = true});
                     },
                     {{{2, 3}}, {{2, 3}}}}},
      .refusals = {{[] { kl_div(zeros({2, 3}), zeros({2, 4})); }, "do not broadcast", "mul"}}},
     {.name = "binary_cross_entropy",
      .golden = {{"binary_cross_entropy",
                  [](Inputs x, const Args& a) {
                    return std::vector{binary_cross_entropy(x[0], a.has("target") ? a.tensor("target") : x[1],
                                                            {.weight = a.tensor("weight"),
                                                             .reduction = reduction(a)})};
                  }}},
      .gradients = {{"BinaryCrossEntropy",
                     [](Inputs x) { return binary_cross_entropy(x[0], x[1], {.weight = weight()}); },
                     {{{2, 3}, 0.1, 0.9}, {{2, 3}, 0, 1}}},
                    any_shape({"BinaryCrossEntropyNone",
                               [](Inputs x) {
                                 return binary_cross_entropy(x[0], x[1], {.reduction = Reduction::none});
                               },
                               {{{2, 3}, 0.1, 0.9}, {{2, 3}, 0, 1}}})},
      .refusals = {{[] { binary_cross_entropy(zeros({2}), zeros({1})); }, "shape [2] with a target of shape [1]"},
                   {[] { binary_cross_entropy(full({2}, 1.5), zeros({2})); }, "not between 0 and 1"},
                   {[] { binary_cross_entropy(full({2}, NAN), zeros({2})); }, "not between 0 and 1"},
                   {[] { binary_cross_entropy(zeros({2}, i64), zeros({2})); }, "got i64"}}},
     {.name = "binary_cross_entropy_with_logits",
      .golden = {{"binary_cross_entropy_with_logits",
                  [](Inputs x, const Args& a) {
                    return std::vector{binary_cross_entropy_with_logits(x[0], x[1],
                                                                        {.weight = a.tensor("weight"),
                                                                         .reduction = reduction(a),
                                                                         .pos_weight = a.tensor("pos_weight")})};
                  }}},
      .gradients = {{"BceWithLogits",
                     [](Inputs x) {
                       return binary_cross_entropy_with_logits(x[0], x[1],
                                                               {.weight = weight(), .pos_weight = weight()});
                     },
                     {{{2, 3}}, {{2, 3}, 0, 1}}},
                    any_shape({"BceWithLogitsNone",
                               [](Inputs x) {
                                 return binary_cross_entropy_with_logits(x[0], x[1],
                                                                         {.reduction = Reduction::none});
                               },
                               {{{2, 3}}, {{2, 3}, 0, 1}}})},
      .refusals = {{[] { binary_cross_entropy_with_logits(zeros({2}), zeros({3})); },
                    "shape [2] with a target of shape [3]"},
                   {[] { binary_cross_entropy_with_logits(zeros({2}, i64), zeros({2})); }, "got i64"}}}}};

TEST(Loss, BceWithLogitsIsBceOfTheSigmoidWithoutOverflow) {
  const Tensor x = randn({4, 3}, f64), target = rand({4, 3}, f64);
  EXPECT_TRUE(
      allclose(binary_cross_entropy_with_logits(x, target), binary_cross_entropy(sigmoid(x), target), 1e-10));
  Tensor large = full({1}, -1e4, f64).requires_grad_();
  const Tensor loss = binary_cross_entropy_with_logits(large, ones({1}, f64));
  loss.backward();
  EXPECT_EQ(loss.item(), 1e4);
  EXPECT_EQ(large.grad().item(), -1);
}

TEST(Loss, WeightsOfBinaryCrossEntropyHaveNoGradient) {
  Tensor w = ones({2});
  w.requires_grad_();
  EXPECT_THROW(binary_cross_entropy_with_logits(zeros({2}), zeros({2}), {.weight = w}), Error);
}

}  // namespace
}  // namespace mica
