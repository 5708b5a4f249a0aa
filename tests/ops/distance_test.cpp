#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/distance.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Inputs;

constexpr double inf = std::numeric_limits<double>::infinity();

CdistMode mode_of(const Args& a) {
  if (!a.has("mode")) return CdistMode::use_mm_if_necessary;
  return a.text("mode") == "use_mm_for_euclid_dist" ? CdistMode::use_mm : CdistMode::donot_use_mm;
}

const table::Rows rows{
    "distance",
    {{.name = "pairwise_distance",
      .golden = {{"pairwise_distance",
                  [](Inputs x, const Args& a) {
                    return std::vector{pairwise_distance(
                        x[0], x[1],
                        {.p = a.real("p", 2), .eps = a.real("eps", 1e-6), .keepdim = a.flag("keepdim")})};
                  }}},
      .gradients = {{"PairwiseDistance",
                     [](Inputs x) { return pairwise_distance(x[0], x[1]); },
                     {{{2, 3}}, {{2, 3}, 3, 5}}},
                    {"PairwiseDistanceThree",
                     [](Inputs x) { return pairwise_distance(x[0], x[1], {.p = 3}); },
                     {{{3}}, {{2, 3}, 3, 5}}}},
      .refusals = {{[] { pairwise_distance(ones({}), ones({})); }, "of two numbers"},
                   {[] { pairwise_distance(ones({2}), ones({3})); }, "[2]", "sub"}}},
     {.name = "cosine_similarity",
      .golden = {{"cosine_similarity",
                  [](Inputs x, const Args& a) {
                    return std::vector{cosine_similarity(x[0], x[1], a.maybe_integer("dim").value_or(1),
                                                         a.real("eps", 1e-8))};
                  }}},
      .gradients = {{"CosineSimilarity",
                     [](Inputs x) { return cosine_similarity(x[0], x[1]); },
                     {{{2, 3}, 1, 3}, {{2, 3}, 1, 3}}},
                    {"CosineSimilarityBelowEps",
                     [](Inputs x) { return cosine_similarity(x[0], x[1], 1, 10); },
                     {{{2, 3}, 1, 3}, {{2, 3}, 1, 3}}},
                    {"CosineSimilarityBroadcast",
                     [](Inputs x) { return cosine_similarity(x[0], x[1], -1); },
                     {{{3}, 1, 3}, {{2, 3}, 1, 3}}}},
      .refusals = {{[] { cosine_similarity(tensor({1, 2}), tensor({1, 2}), 0); }, "both tensors are i64"},
                   {[] { cosine_similarity(ones({2}), ones({2}), 1); }, "dimension 1 is out of range"},
                   {[] { cosine_similarity(ones({2}), ones({3}), 0); }, "[2]"}}},
     {.name = "pdist",
      .golden = {{"pdist", [](Inputs x, const Args& a) { return std::vector{pdist(x[0], a.real("p", 2))}; }}},
      .gradients = {{"Pdist", [](Inputs x) { return pdist(x[0]); }, {{{4, 2}}}, false},
                    {"PdistThree", [](Inputs x) { return pdist(x[0], 3); }, {{{3, 2}}}, false}},
      .refusals = {{[] { pdist(ones({4})); }, "x has the shape [4]"},
                   {[] { pdist(ones({2, 2}), -1); }, "p is -1, which is no norm"},
                   {[] { pdist(ones({2, 2}), std::numeric_limits<double>::quiet_NaN()); }, "p is nan"},
                   {[] { pdist(ones({2, 2}, i64)); }, "got i64"}}},
     {.name = "cdist",
      .golden = {{"cdist",
                  [](Inputs x, const Args& a) {
                    return std::vector{cdist(x[0], x[1], {.p = a.real("p", 2), .compute_mode = mode_of(a)})};
                  }}},
      .gradients =
          {{"Cdist", [](Inputs x) { return cdist(x[0], x[1]); }, {{{3, 2}}, {{2, 2}, 3, 5}}},
           {"CdistByProduct",
            [](Inputs x) { return cdist(x[0], x[1], {.compute_mode = CdistMode::use_mm}); },
            {{{2, 3, 2}}, {{2, 2}, 3, 5}}},
           {"CdistFour", [](Inputs x) { return cdist(x[0], x[1], {.p = 4}); }, {{{3, 2}}, {{2, 2}, 3, 5}}}},
      .refusals = {{[] { cdist(ones({2, 3}), ones({2, 4})); }, "shapes [2, 3] and [2, 4]"},
                   {[] { cdist(ones({3}), ones({2, 3})); }, "expected (..., P, D)"},
                   {[] { cdist(ones({2, 3}), ones({2, 3}), {.p = -2}); }, "p is -2"},
                   {[] { cdist(ones({2, 3}), ones({2, 3}, f64)); }, "f64"},
                   {[] { cdist(ones({2, 3}, i64), ones({2, 3}, i64)); }, "got i64"}}}}};

TEST(Distance, OfEqualVectorsHasTheGradientZeroByProductToo) {
  const Tensor x = randn({30, 3}, f64).requires_grad_();
  const Tensor d = cdist(x, x.detach(), {.compute_mode = CdistMode::use_mm});
  d.diagonal().sum().backward();
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
  EXPECT_LT(d.detach().diagonal().amax().item(), 1e-6);
}

TEST(Distance, ByProductAgreesWithDifferences) {
  const Tensor a = randn({2, 40, 5}, f64);
  const Tensor b = randn({30, 5}, f64);
  EXPECT_TRUE(allclose(cdist(a, b), cdist(a, b, {.compute_mode = CdistMode::donot_use_mm}), 1e-9, 1e-9));
  EXPECT_TRUE(allclose(cdist(a, b, {.p = inf}), (a.unsqueeze(-2) - b).abs().amax({-1})));
}

TEST(Distance, CosineStaysWithinOne) {
  const Tensor x = randn({1000, 7}) * 1e18;
  EXPECT_LE(cosine_similarity(x, x).amax().item(), 1 + 1e-6);
}

}  // namespace
}  // namespace mica
