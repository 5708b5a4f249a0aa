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
using gradients::Case;
using gradients::Input;
using gradients::Inputs;

const std::vector<double> class_weights{0.5, 2, 1, 0.25};
Tensor weight() { return from_vector(class_weights); }

Case of_classes(const std::string& name, const Shape& logits, const Tensor& target, CrossEntropyOptions o) {
  return {name, [=](Inputs x) { return cross_entropy(x[0], target, o); }, {{logits}}};
}
Case of_probabilities(const std::string& name, const Shape& sizes, CrossEntropyOptions o) {
  return {name, [=](Inputs x) { return cross_entropy(x[0], x[1], o); }, {{sizes}, {sizes, 0, 1}}};
}

const std::vector<Case> cross_entropy_cases{
    of_classes("CrossEntropy", {3, 4}, tensor({0, 3, 1}), {}),
    of_classes("CrossEntropySum", {3, 4}, tensor({0, 3, 1}), {.reduction = Reduction::sum}),
    of_classes("CrossEntropyNone", {3, 4}, tensor({0, 3, 1}), {.reduction = Reduction::none}),
    of_classes("CrossEntropyWeight", {3, 4}, tensor({0, 3, 1}), {.weight = weight()}),
    of_classes("CrossEntropyIgnore", {3, 4}, tensor({0, 3, 1}), {.ignore_index = 3}),
    of_classes("CrossEntropySmoothing", {3, 4}, tensor({0, 3, 1}), {.label_smoothing = 0.2}),
    of_classes("CrossEntropyEverything", {3, 4}, tensor({0, 3, 1}),
               {.weight = weight(), .ignore_index = 3, .label_smoothing = 0.2}),
    of_classes("CrossEntropyEverythingNone", {3, 4}, tensor({0, 3, 1}),
               {.weight = weight(), .ignore_index = 3, .reduction = Reduction::none, .label_smoothing = 0.2}),
    of_classes("CrossEntropyPixels", {2, 3, 2}, tensor({{0, 2}, {1, 1}}), {.reduction = Reduction::none}),
    of_classes("CrossEntropyPixelsMean", {2, 3, 2}, tensor({{0, 2}, {1, -100}}), {}),
    of_classes("CrossEntropyUnbatched", {4}, tensor(2), {.weight = weight(), .label_smoothing = 0.1}),
    of_classes("CrossEntropyNoItems", {0, 4}, zeros({0}, i64), {.reduction = Reduction::sum}),
    of_probabilities("CrossEntropyProbabilities", {2, 4}, {}),
    of_probabilities("CrossEntropyProbabilitiesEverything", {2, 4},
                     {.weight = weight(), .label_smoothing = 0.2}),
    of_probabilities("CrossEntropyProbabilitiesPixels", {2, 4, 2}, {.reduction = Reduction::none}),
    of_probabilities("CrossEntropyProbabilitiesUnbatched", {4}, {.reduction = Reduction::sum}),
    {"CrossEntropyThirdDerivative",
     gradients::derivative_of([](Inputs x) { return cross_entropy(x[0], tensor({0, 2})); }),
     {{{2, 3}}}},
};

Tensor logits() { return zeros({2, 3}); }

const table::Rows rows{
    "loss",
    {{.name = "cross_entropy",
      .golden = {{"cross_entropy",
                  [](Inputs x, const Args& a) {
                    return std::vector{
                        cross_entropy(x[0], x[1],
                                      {.weight = a.tensor("weight"),
                                       .ignore_index = a.maybe_integer("ignore_index").value_or(-100),
                                       .reduction = reduction(a),
                                       .label_smoothing = a.real("label_smoothing", 0)})};
                  }}},
      .gradients = cross_entropy_cases,
      .refusals =
          {{[] { cross_entropy(logits(), tensor({0, 3})); }, "target 3 is out of range for 3 classes"},
           {[] { cross_entropy(logits(), tensor({0, -1})); }, "class numbers go from 0 to 2"},
           {[] { cross_entropy(logits(), tensor({0, 1, 2})); },
            "logits of shape [2, 3] with targets of shape [3]"},
           {[] { cross_entropy(logits(), tensor({true, false})); }, "targets are bool"},
           {[] { cross_entropy(logits(), zeros({2, 2})); },
            "probabilities of shape [2, 2] for logits of shape [2, 3]"},
           {[] { cross_entropy(logits(), tensor({0, 1}), {.weight = ones({2})}); }, "weight is f32 [2]"},
           {[] { cross_entropy(logits(), tensor({0, 1}), {.weight = ones({3}, f64)}); },
            "weight is f64 [3], expected f32 [3]"},
           {[] { cross_entropy(logits(), tensor({0, 1}), {.label_smoothing = 1.5}); },
            "label_smoothing 1.5 is not between 0 and 1"},
           {[] { cross_entropy(zeros({}), tensor(0)); }, "logits of shape []"},
           {[] { cross_entropy(logits(), tensor({0, 1}), {.reduction = Reduction::batchmean}); },
            "batchmean"},
           {[] { cross_entropy(logits().to(i64), tensor({0, 1})); }, "got i64"}}},
     {.name = "nll_loss",
      .golden = {{"nll_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{
                        nll_loss(x[0], x[1],
                                 {.weight = a.tensor("weight"),
                                  .ignore_index = a.maybe_integer("ignore_index").value_or(-100),
                                  .reduction = reduction(a)})};
                  }}},
      .gradients = {{"NllLoss", [](Inputs x) { return nll_loss(x[0], tensor({0, 3, 1})); }, {{{3, 4}}}},
                    {"NllLossEverything",
                     [](Inputs x) {
                       return nll_loss(x[0], tensor({0, 3, 1}), {.weight = weight(), .ignore_index = 3});
                     },
                     {{{3, 4}}}},
                    {"NllLossPixelsNone",
                     [](Inputs x) {
                       return nll_loss(x[0], tensor({{0, 2}, {1, 1}}), {.reduction = Reduction::none});
                     },
                     {{{2, 3, 2}}}},
                    {"NllLossUnbatched", [](Inputs x) { return nll_loss(x[0], tensor(2)); }, {{{4}}}}},
      .refusals = {{[] { nll_loss(logits(), tensor({0, 3})); }, "target 3 is out of range for 3 classes"},
                   {[] { nll_loss(logits(), tensor({0, 1, 2})); }, "shape [2, 3] with targets of shape [3]"},
                   {[] { nll_loss(zeros({}), tensor(0)); }, "shape []"},
                   {[] { nll_loss(logits(), tensor({true, false})); }, "targets are bool"},
                   {[] { nll_loss(logits(), tensor({0, 1}), {.weight = ones({2})}); }, "weight of shape [2]"},
                   {[] { nll_loss(logits(), tensor({0, 1}), {.reduction = Reduction::batchmean}); },
                    "batchmean"},
                   {[] { nll_loss(logits().to(i64), tensor({0, 1})); }, "got i64"}}},
     {.name = "l1_loss",
      .golden = {{"l1_loss",
                  [](Inputs x, const Args& a) { return std::vector{l1_loss(x[0], x[1], reduction(a))}; }}},
      .gradients = {any_shape({"L1LossNone",
                               [](Inputs x) { return l1_loss(x[0], x[1], Reduction::none); },
                               {{{2, 3}, 1, 2}, {{2, 3}, -2, 0.5}}}),
                    {"L1LossSum",
                     [](Inputs x) { return l1_loss(x[0], x[1], Reduction::sum); },
                     {{{2, 3}, 1, 2}, {{3}, -2, 0.5}}}},
      .refusals = {{[] { l1_loss(zeros({2, 3}), zeros({2, 4})); }, "do not broadcast", "sub"},
                   {[] { l1_loss(zeros({2}), zeros({2}), Reduction::batchmean); }, "batchmean"}}},
     {.name = "smooth_l1_loss",
      .golden = {{"smooth_l1_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{
                        smooth_l1_loss(x[0], x[1], {.reduction = reduction(a), .beta = a.real("beta", 1)})};
                  }}},
      .gradients = {{"SmoothL1Inside",
                     [](Inputs x) { return smooth_l1_loss(x[0], x[1], {.beta = 5}); },
                     {{{2, 3}}, {{2, 3}}}},
                    {"SmoothL1Outside",
                     [](Inputs x) {
                       return smooth_l1_loss(x[0], x[1], {.reduction = Reduction::none, .beta = 0.2});
                     },
                     {{{2, 3}, 1, 2}, {{2, 3}, -2, 0.5}}}},
      .refusals = {{[] { smooth_l1_loss(zeros({2}), zeros({2}), {.beta = -1}); }, "beta -1 is negative"}}},
     {.name = "huber_loss",
      .golden = {{"huber_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{
                        huber_loss(x[0], x[1], {.reduction = reduction(a), .delta = a.real("delta", 1)})};
                  }}},
      .gradients = {{"HuberInside",
                     [](Inputs x) { return huber_loss(x[0], x[1], {.delta = 5}); },
                     {{{2, 3}}, {{2, 3}}}},
                    {"HuberOutside",
                     [](Inputs x) {
                       return huber_loss(x[0], x[1], {.reduction = Reduction::none, .delta = 0.2});
                     },
                     {{{2, 3}, 1, 2}, {{2, 3}, -2, 0.5}}}},
      .refusals = {{[] { huber_loss(zeros({2}), zeros({2}), {.delta = 0}); }, "delta 0 is not positive"}}},
     {.name = "mse_loss",
      .golden = {{"mse_loss",
                  [](Inputs x, const Args& a) { return std::vector{mse_loss(x[0], x[1], reduction(a))}; }}},
      .gradients =
          {{"MseLoss", [](Inputs x) { return mse_loss(x[0], x[1]); }, {{{2, 3}}, {{2, 3}}}},
           any_shape({"MseLossNone",
                      [](Inputs x) { return mse_loss(x[0], x[1], Reduction::none); },
                      {{{2, 3}}, {{2, 3}}}}),
           {"MseLossSum", [](Inputs x) { return mse_loss(x[0], x[1], Reduction::sum); }, {{{2, 3}}, {{3}}}}},
      .refusals = {{[] { mse_loss(zeros({2, 3}), zeros({2, 4})); }, "do not broadcast", "sub"}}}}};

TEST(Loss, TakesNarrowTypesAndAnyIntegers) {
  const Tensor x = randn({3, 4});
  const Tensor target = tensor({0, 3, 1});
  EXPECT_EQ(cross_entropy(x.to(bf16), target).dtype(), bf16);
  EXPECT_TRUE(equal(cross_entropy(x, target.to(i32)), cross_entropy(x, target)));
  EXPECT_TRUE(equal(cross_entropy(x, target.to(u8)), cross_entropy(x, target)));
}

// The loss keeps the caller's target and weight, not copies.
TEST(Loss, NoticesChangesToWhatBackwardNeeds) {
  Tensor x = randn({3, 4}, f64).requires_grad_();
  Tensor target = tensor({0, 3, 1});
  Tensor w = weight();
  const auto loss = [&] { return cross_entropy(x, target, {.weight = w}); };
  const Tensor first = loss();
  target.fill_(2);
  EXPECT_THROW(first.backward(), Error);
  const Tensor second = loss();
  w.mul_(2);
  EXPECT_THROW(second.backward(), Error);
  EXPECT_NO_THROW(loss().backward());
}

TEST(Loss, NllOfLogSoftmaxIsCrossEntropy) {
  const Tensor x = randn({5, 4, 3}, f64), target = randint(0, 4, {5, 3});
  const auto both = [&](Reduction r) {
    EXPECT_TRUE(allclose(nll_loss(log_softmax(x, 1), target, {.weight = weight(), .reduction = r}),
                         cross_entropy(x, target, {.weight = weight(), .reduction = r}), 1e-12, 1e-12));
  };
  for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) both(r);
}

TEST(Loss, RefusesAWeightThatWantsAGradient) {
  Tensor w = weight();
  w.requires_grad_();
  EXPECT_THROW(cross_entropy(zeros({2, 4}, f64), tensor({0, 1}), {.weight = w}), Error);
  const NoGrad no_grad;
  EXPECT_NO_THROW(cross_entropy(zeros({2, 4}, f64), tensor({0, 1}), {.weight = w}));
}

}  // namespace
}  // namespace mica
