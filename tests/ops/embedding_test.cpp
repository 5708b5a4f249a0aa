#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/embedding.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

Tensor indices() { return tensor({{1, 0, 2}, {2, 2, 0}}); }

std::vector<Tensor> run_bags(Inputs x, const Args& a) {
  const std::string mode = a.text("mode");
  return {embedding_bag(x[0], x[1],
                        {.offsets = x[2],
                         .per_sample_weights = x.size() > 3 ? x[3] : Tensor(),
                         .scale_grad_by_freq = a.flag("scale_grad_by_freq"),
                         .mode = mode == "sum"    ? BagMode::sum
                                 : mode == "mean" ? BagMode::mean
                                                  : BagMode::max,
                         .include_last_offset = a.flag("include_last_offset"),
                         .padding_idx = a.maybe_integer("padding_idx")})};
}

// Bags with an empty one, padding and a row that comes twice.
gradients::Function bags(BagMode mode) {
  return [mode](Inputs x) {
    return square(embedding_bag(tensor({1, 0, 4, 4, 2}), x[0],
                                {.offsets = tensor({0, 2, 2}), .mode = mode, .padding_idx = 0}));
  };
}

const table::Rows rows{
    "embedding",
    {{.name = "embedding",
      .golden = {{"embedding",
                  [](Inputs x, const Args& a) {
                    return std::vector{embedding(x[0], x[1],
                                                 {.padding_idx = a.maybe_integer("padding"),
                                                  .scale_grad_by_freq = a.flag("frequency")})};
                  }},
                 {"embedding max_norm",
                  [](Inputs x, const Args& a) {
                    const Tensor table = x[1].clone();
                    const Tensor y =
                        embedding(x[0], table,
                                  {.max_norm = a.real("max_norm", 0), .norm_type = a.real("norm_type", 2)});
                    return std::vector{y, table};
                  }}},
      .gradients =
          {{"Embedding", [](Inputs x) { return square(embedding(indices(), x[0])); }, {{{4, 2}}}},
           {"EmbeddingPadding",
            [](Inputs x) {  // a padding row that is constant: the others get what they would get without it
              return embedding(indices(), masked_fill(x[0], tensor({{false}, {false}, {true}, {false}}), 1),
                               {.padding_idx = -2}) *
                     2;
            },
            {{{4, 2}}}},
           {"EmbeddingOfNothing", [](Inputs x) { return embedding(zeros({0}, i64), x[0]); }, {{{4, 2}}}},
           {"EmbeddingOfEmptyRows", [](Inputs x) { return embedding(indices(), x[0]); }, {{{3, 0}}}},
           {"EmbeddingOfOne", [](Inputs x) { return square(embedding(tensor(3), x[0])); }, {{{4, 2}}}},
           {"EmbeddingByFrequency",  // of indices that come once: else it is no derivative
            [](Inputs x) { return square(embedding(tensor({1, 0, 2}), x[0], {.scale_grad_by_freq = true})); },
            {{{4, 2}}}},
           {"EmbeddingThirdDerivative",
            derivative_of([](Inputs x) { return embedding(indices(), x[0]); }),
            {{{3, 2}}}}},
      .refusals = {{[] { embedding(tensor({0, 4}), ones({4, 2})); },
                    "index 4 is out of range for a table of 4 rows"},
                   {[] { embedding(tensor({-1}), ones({4, 2})); }, "index -1"},
                   {[] { embedding(tensor({0}), ones({0, 2})); }, "a table of 0 rows"},
                   {[] { embedding(tensor({1.0}), ones({4, 2})); }, "use i64 or i32"},
                   {[] { embedding(tensor({0}), ones({4})); }, "weight of shape [4] is no table"},
                   {[] { embedding(tensor({0}), ones({4, 2}), {.padding_idx = 4}); },
                    "padding_idx 4 is out of range"},
                   {[] { embedding(tensor({0}), ones({4, 2}), {.padding_idx = -5}); },
                    "padding_idx -5 is out of range"},
                   {[] { embedding(tensor({0}), ones({4, 2}), {.max_norm = -1}); }, "max_norm is -1"}}},
     {.name = "embedding_bag",
      .golden = {{"embedding_bag", run_bags}},
      .gradients = {{"EmbeddingBagSum", bags(BagMode::sum), {{{5, 2}}}},
                    {"EmbeddingBagMean", bags(BagMode::mean), {{{5, 2}}}},
                    {"EmbeddingBagMax", bags(BagMode::max), {{{5, 2}}}, false},
                    {"EmbeddingBagOfNothing",
                     [](Inputs x) { return embedding_bag(zeros({2, 0}, i64), x[0], {.mode = BagMode::max}); },
                     {{{4, 2}}}},
                    {"EmbeddingBagWeighted",
                     [](Inputs x) {
                       return embedding_bag(indices(), x[0],
                                            {.per_sample_weights = x[1], .mode = BagMode::sum});
                     },
                     {{{4, 2}}, {{2, 3}}}}},
      .refusals = {
          {[] { embedding_bag(tensor({0, 4}), ones({4, 2})); }, "index 4 is out of range"},
          {[] { embedding_bag(tensor({0, 1}), ones({4, 2})); }, "indices of shape [2] without offsets"},
          {[] { embedding_bag(indices(), ones({4, 2}), {.offsets = tensor({0})}); },
           "shape [2, 3] with offsets"},
          {[] { embedding_bag(zeros({1, 1, 1}, i64), ones({4, 2})); }, "indices of shape [1, 1, 1]"},
          {[] { embedding_bag(tensor({0, 1}), ones({4, 2}), {.offsets = tensor({1, 2})}); },
           "the first offset is 1"},
          {[] { embedding_bag(tensor({0, 1}), ones({4, 2}), {.offsets = tensor({0, 2, 1})}); },
           "must not fall"},
          {[] { embedding_bag(tensor({0, 1}), ones({4, 2}), {.offsets = tensor({0, 3})}); },
           "2 offsets, the last of which is 3, for 2 indices"},
          {[] { embedding_bag(tensor({0, 1}), ones({4, 2}), {.offsets = tensor({0.0, 1.0})}); },
           "offsets are f32"},
          {[] { embedding_bag(tensor({0, 1}), ones({4, 2}), {.offsets = zeros({1, 1}, i64)}); },
           "offsets of shape [1, 1]"},
          {[] {
             embedding_bag(tensor({0}), ones({4, 2}),
                           {.offsets = zeros({0}, i64), .include_last_offset = true});
           },
           "at least one"},
          {[] { embedding_bag(indices(), ones({4, 2}), {.per_sample_weights = ones({2, 3})}); },
           "use BagMode::sum"},
          {[] {
             embedding_bag(indices(), ones({4, 2}), {.per_sample_weights = ones({6}), .mode = BagMode::sum});
           },
           "per_sample_weights of shape [6] for indices of shape [2, 3]"},
          {[] {
             embedding_bag(indices(), ones({4, 2}),
                           {.per_sample_weights = ones({2, 3}, f64), .mode = BagMode::sum});
           },
           "f64"},
          {[] { embedding_bag(indices(), ones({4, 2}), {.scale_grad_by_freq = true, .mode = BagMode::max}); },
           "scale_grad_by_freq with BagMode::max"},
          {[] { embedding_bag(indices(), ones({4, 2}), {.padding_idx = 7}); },
           "padding_idx 7 is out of range"},
          {[] { embedding_bag(indices(), ones({4, 2}), {.max_norm = -1}); }, "max_norm is -1"}}}}};

TEST(Embedding, ShortensOnlyTheRowsThatAreLookedUp) {
  const Tensor table = full({4, 2}, 3.0F);
  embedding_bag(tensor({{0, 2}}), table, {.max_norm = 1});
  EXPECT_NEAR(table[0].norm().item(), 1, 1e-6);
  EXPECT_NEAR(table[2].norm().item(), 1, 1e-6);
  EXPECT_EQ(table[1].to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(Embedding, BagsScaleGradientsByFrequencyAsSingleRowsDo) {
  const Tensor one = rand({4, 2}, f64).requires_grad_();
  const Tensor other = one.detach().clone().requires_grad_();
  const Tensor factors = arange(1, 7, 1, f64).view({2, 3});
  const Tensor y = embedding(indices(), one, {.scale_grad_by_freq = true});
  (y * factors.unsqueeze(-1)).sum().backward();
  embedding_bag(indices(), other,
                {.per_sample_weights = factors, .scale_grad_by_freq = true, .mode = BagMode::sum})
      .sum()
      .backward();
  EXPECT_TRUE(allclose(one.grad(), other.grad()));
}

TEST(Embedding, ChangesNothingWhenItThrows) {
  const Tensor table = full({4, 2}, 3.0F);
  EXPECT_THROW(embedding_bag(tensor({0, 1}), table, {.offsets = tensor({1}), .max_norm = 1}), Error);
  EXPECT_EQ(table.to_vector<float>(), std::vector<float>(8, 3));
}

TEST(Embedding, BagsOfNarrowTypesAreSummedInF32) {
  const Tensor table = (arange(8) / 4).reshape({4, 2}).to(bf16);
  for (const BagMode mode : {BagMode::sum, BagMode::mean, BagMode::max}) {
    const Tensor y = embedding_bag(indices(), table, {.mode = mode});
    EXPECT_EQ(y.dtype(), bf16);
    EXPECT_TRUE(equal(y, embedding_bag(indices(), table.to(f32), {.mode = mode}).to(bf16)));
  }
}

TEST(Embedding, TakesTablesOfEveryFloatingType) {
  for (const DType type : {f32, f64, bf16, f16}) {
    const Tensor table = arange(8).reshape({4, 2}).to(type).requires_grad_();
    const Tensor y = embedding(indices(), table);
    EXPECT_EQ(y.dtype(), type);
    EXPECT_EQ(y[1][0].to_vector<int>(), (std::vector<int>{4, 5}));
    y.sum().backward();
    EXPECT_EQ(table.grad().dtype(), type);
    EXPECT_EQ(table.grad().to_vector<int>(), (std::vector<int>{2, 2, 1, 1, 3, 3, 0, 0}));
  }
}

TEST(Embedding, NoticesChangedIndices) {
  const Tensor table = ones({4, 2}).requires_grad_();
  Tensor at = indices();
  const Tensor y = embedding(at, table).sum();
  at.fill_(0);
  EXPECT_THROW(y.backward(), Error);
}

}  // namespace
}  // namespace mica
