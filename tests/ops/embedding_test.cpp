#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

Tensor indices() { return tensor({{1, 0, 2}, {2, 2, 0}}); }

const table::Rows rows{
    "embedding",
    {{.name = "embedding",
      .golden = {{"embedding",
                  [](Inputs x, const Args& a) {
                    return std::vector{embedding(x[0], x[1], a.maybe_integer("padding"))};
                  }}},
      .gradients =
          {{"Embedding", [](Inputs x) { return square(embedding(indices(), x[0])); }, {{{4, 2}}}},
           {"EmbeddingPadding",
            [](Inputs x) {  // a padding row that is constant: the others get what they would get without it
              return embedding(indices(), masked_fill(x[0], tensor({{false}, {false}, {true}, {false}}), 1),
                               -2) *
                     2;
            },
            {{{4, 2}}}},
           {"EmbeddingOfNothing", [](Inputs x) { return embedding(zeros({0}, i64), x[0]); }, {{{4, 2}}}},
           {"EmbeddingOfEmptyRows", [](Inputs x) { return embedding(indices(), x[0]); }, {{{3, 0}}}},
           {"EmbeddingOfOne", [](Inputs x) { return square(embedding(tensor(3), x[0])); }, {{{4, 2}}}},
           {"EmbeddingThirdDerivative",
            derivative_of([](Inputs x) { return embedding(indices(), x[0]); }),
            {{{3, 2}}}}},
      .refusals = {
          {[] { embedding(tensor({0, 4}), ones({4, 2})); }, "index 4 is out of range for a table of 4 rows"},
          {[] { embedding(tensor({-1}), ones({4, 2})); }, "index -1"},
          {[] { embedding(tensor({0}), ones({0, 2})); }, "a table of 0 rows"},
          {[] { embedding(tensor({1.0}), ones({4, 2})); }, "use i64 or i32"},
          {[] { embedding(tensor({0}), ones({4})); }, "weight of shape [4] is no table"},
          {[] { embedding(tensor({0}), ones({4, 2}), 4); }, "padding_idx 4 is out of range"},
          {[] { embedding(tensor({0}), ones({4, 2}), -5); }, "padding_idx -5 is out of range"}}}}};

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
