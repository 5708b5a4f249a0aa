#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

Tensor indices() { return tensor({{1, 0, 2}, {2, 2, 0}}); }

const gradients::Cases embedding_cases{
    {"Embedding", [](Inputs x) { return square(embedding(indices(), x[0])); }, {{{4, 2}}}},
    {"EmbeddingPadding",
     [](Inputs x) {  // a padding row that is constant: the others get what they would get without it
       return embedding(indices(), masked_fill(x[0], tensor({{false}, {false}, {true}, {false}}), 1), -2) * 2;
     },
     {{{4, 2}}}},
    {"EmbeddingOfNothing", [](Inputs x) { return embedding(zeros({0}, i64), x[0]); }, {{{4, 2}}}},
    {"EmbeddingOfOne", [](Inputs x) { return square(embedding(tensor(3), x[0])); }, {{{4, 2}}}},
    {"EmbeddingThirdDerivative",
     derivative_of([](Inputs x) { return embedding(indices(), x[0]); }),
     {{{3, 2}}}},
};

TEST(Embedding, AgreesWithPyTorch) {
  golden::expect_golden("embedding",
                        {{"embedding", [](Inputs x, const Args& a) {
                            return std::vector{embedding(x[0], x[1], a.maybe_integer("padding"))};
                          }}});
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

TEST(Embedding, ExplainsWhatItRefuses) {
  const Tensor table = ones({4, 2});
  EXPECT_THROW(embedding(tensor({0, 4}), table), Error);
  EXPECT_THROW(embedding(tensor({-1}), table), Error);
  EXPECT_THROW(embedding(tensor({1.0}), table), Error);
  EXPECT_THROW(embedding(tensor({0}), ones({4})), Error);
  EXPECT_THROW(embedding(tensor({0}), table, 4), Error);
  EXPECT_THROW(embedding(tensor({0}), table, -5), Error);
}

}  // namespace
}  // namespace mica
