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
Tensor signs() { return tensor({{1.0, -1.0, 1.0}, {-1.0, 1.0, 1.0}}).to(f64); }
Tensor far(const Tensor& a, const Tensor& b) { return square(a - b).sum(Shape(-1)); }

const table::Rows rows{
    "loss_margin",
    {{.name = "soft_margin_loss",
      .golden = {{"soft_margin_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{soft_margin_loss(x[0], x[1], reduction(a))};
                  }}},
      .gradients = {any_shape({"SoftMargin",
                               [](Inputs x) { return soft_margin_loss(x[0], x[1], Reduction::sum); },
                               {{{2, 3}}, {{2, 3}}}})},
      .refusals = {{[] { soft_margin_loss(zeros({2, 3}), zeros({2, 4})); }, "do not broadcast", "mul"}}},
     {.name = "hinge_embedding_loss",
      .golden = {{"hinge_embedding_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{hinge_embedding_loss(
                        x[0], x[1], {.margin = a.real("margin", 1), .reduction = reduction(a)})};
                  }}},
      .gradients = {{"HingeEmbedding",
                     [](Inputs x) { return hinge_embedding_loss(x[0], signs(), {.margin = 3}); },
                     {{{2, 3}}}}},
      .refusals = {{[] { hinge_embedding_loss(zeros({2, 3}), zeros({2, 4})); }, "do not broadcast", "where"}}},
     {.name = "multi_margin_loss",
      .golden = {{"multi_margin_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{multi_margin_loss(x[0], x[1],
                                                         {.p = a.maybe_integer("p").value_or(1),
                                                          .margin = a.real("margin", 1),
                                                          .weight = a.tensor("weight"),
                                                          .reduction = reduction(a)})};
                  }}},
      .gradients = {{"MultiMargin",
                     [](Inputs x) { return multi_margin_loss(x[0], tensor({0, 2}), {.margin = 5}); },
                     {{{2, 3}}}},
                    {"MultiMarginSquared",
                     [](Inputs x) {
                       return multi_margin_loss(x[0], tensor({0, 2}),
                                                {.p = 2,
                                                 .margin = 5,
                                                 .weight = weight(),
                                                 .reduction = Reduction::none});
                     },
                     {{{2, 3}}}}},
      .refusals = {{[] { multi_margin_loss(zeros({2, 3}), tensor({0, 3})); }, "target 3 is out of range"},
                   {[] { multi_margin_loss(zeros({2, 3}), tensor({0, 1}), {.p = 3}); }, "p is 3"},
                   {[] { multi_margin_loss(zeros({2, 3}), tensor({0})); }, "shape [2, 3] with targets of shape [1]"},
                   {[] { multi_margin_loss(zeros({2, 3}), zeros({2})); }, "targets are f32"},
                   {[] { multi_margin_loss(zeros({2, 3}), tensor({0, 1}), {.weight = ones({2})}); },
                    "weight of shape [2] for 3 classes"}}},
     {.name = "multilabel_margin_loss",
      .golden = {{"multilabel_margin_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{multilabel_margin_loss(x[0], x[1], reduction(a))};
                  }}},
      .gradients = {{"MultilabelMargin",
                     [](Inputs x) {
                       return multilabel_margin_loss(x[0] * 0.1, tensor({{2, 0, -1, 1}, {3, -1, 0, 0}}),
                                                     Reduction::none);
                     },
                     {{{2, 4}}}}},
      .refusals = {{[] { multilabel_margin_loss(zeros({2, 3}), tensor({{0, 3, 1}, {0, -1, 0}})); },
                    "target 3 is out of range"},
                   {[] { multilabel_margin_loss(zeros({2, 3}), tensor({0, 1})); },
                    "shape [2, 3] with targets of shape [2]"}}},
     {.name = "multilabel_soft_margin_loss",
      .golden = {{"multilabel_soft_margin_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{multilabel_soft_margin_loss(
                        x[0], x[1], {.weight = a.tensor("weight"), .reduction = reduction(a)})};
                  }}},
      .gradients = {{"MultilabelSoftMargin",
                     [](Inputs x) { return multilabel_soft_margin_loss(x[0], x[1], {.weight = weight()}); },
                     {{{2, 3}}, {{2, 3}, 0, 1}}}},
      .refusals = {{[] { multilabel_soft_margin_loss(zeros({2, 3}), zeros({2, 4})); }, "do not broadcast", "mul"}}},
     {.name = "cosine_embedding_loss",
      .golden = {{"cosine_embedding_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{cosine_embedding_loss(
                        x[0], x[1], x[2], {.margin = a.real("margin", 0), .reduction = reduction(a)})};
                  }}},
      .gradients = {{"CosineEmbedding",
                     [](Inputs x) {
                       return cosine_embedding_loss(x[0], x[1], tensor({1.0, -1.0}), {.margin = -2});
                     },
                     {{{2, 3}, 0.5, 2}, {{2, 3}, -2, -0.5}}}},
      .refusals = {{[] { cosine_embedding_loss(zeros({2, 3}), zeros({2, 3}), zeros({})); },
                    "a of shape [2, 3] and b of shape [2, 3] with a target of shape []"}}},
     {.name = "margin_ranking_loss",
      .golden = {{"margin_ranking_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{margin_ranking_loss(
                        x[0], x[1], x[2], {.margin = a.real("margin", 0), .reduction = reduction(a)})};
                  }}},
      .gradients = {{"MarginRanking",
                     [](Inputs x) { return margin_ranking_loss(x[0], x[1], signs(), {.margin = 9}); },
                     {{{2, 3}}, {{2, 3}}}}},
      .refusals = {{[] { margin_ranking_loss(zeros({2, 3}), zeros({3}), zeros({2, 3})); },
                    "2, 1 and 2 dimensions"}}},
     {.name = "triplet_margin_loss",
      .golden = {{"triplet_margin_loss",
                  [](Inputs x, const Args& a) {
                    return std::vector{triplet_margin_loss(x[0], x[1], x[2],
                                                           {.margin = a.real("margin", 1),
                                                            .p = a.real("p", 2),
                                                            .eps = a.real("eps", 1e-6),
                                                            .swap = a.flag("swap"),
                                                            .reduction = reduction(a)})};
                  }}},
      .gradients = {{"TripletMargin",
                     [](Inputs x) { return triplet_margin_loss(x[0], x[1], x[2], {.margin = 20}); },
                     {{{2, 3}, 0, 1}, {{2, 3}, 2, 3}, {{2, 3}, 5, 6}}},
                    {"TripletMarginSwap",
                     [](Inputs x) {
                       return triplet_margin_loss(
                           x[0], x[1], x[2],
                           {.margin = 20, .p = 3, .swap = true, .reduction = Reduction::none});
                     },
                     {{{2, 3}, 0, 1}, {{2, 3}, 2, 3}, {{2, 3}, 5, 6}}}},
      .refusals = {{[] { triplet_margin_loss(zeros({2, 3}), zeros({3}), zeros({2, 3})); }, "2, 1 and 2 dimensions"},
                   {[] { triplet_margin_loss(zeros({3}), zeros({3}), zeros({3}), {.margin = 0}); },
                    "margin 0 is not positive"}}},
     {.name = "triplet_margin_with_distance_loss",
      .golden = {{"triplet_margin_with_distance_loss",
                  [](Inputs x, const Args& a) {
                    TripletMarginWithDistanceLossOptions o{.margin = a.real("margin", 1),
                                                           .swap = a.flag("swap"),
                                                           .reduction = reduction(a)};
                    if (a.has("distance")) o.distance_function = far;
                    return std::vector{triplet_margin_with_distance_loss(x[0], x[1], x[2], o)};
                  }}},
      .gradients = {{"TripletMarginWithDistance",
                     [](Inputs x) {
                       return triplet_margin_with_distance_loss(x[0], x[1], x[2],
                                                                {.distance_function = far, .margin = 200});
                     },
                     {{{2, 3}, 0, 1}, {{2, 3}, 2, 3}, {{2, 3}, 5, 6}}}},
      .refusals = {{[] {
                      triplet_margin_with_distance_loss(zeros({3}), zeros({3}), zeros({3}), {.margin = -1});
                    },
                    "margin -1 is not positive"}}}}};

TEST(Loss, SoftMarginDoesNotOverflow) {
  const Tensor x = tensor({1000.0, -1000.0}).to(f64), target = tensor({-1.0, 1.0}).to(f64);
  EXPECT_EQ(soft_margin_loss(x, target).item(), 1000);
}

}  // namespace
}  // namespace mica
