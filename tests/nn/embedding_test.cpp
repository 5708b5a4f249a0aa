#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/embedding.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Embedding, FollowsPyTorch) {
  follow_golden("embedding", "embedding", [](DType dtype) { return Embedding(6, 3, {.dtype = dtype}); });
  follow_golden("embedding", "embedding with padding",
                [](DType dtype) { return Embedding(6, 4, {.padding_idx = -2, .dtype = dtype}); });
}

TEST(Embedding, KeepsThePaddingRowAtZero) {
  Embedding layer(3, 2, {.padding_idx = 1});
  EXPECT_EQ(layer.weight[1].to_vector<float>(), (std::vector<float>{0, 0}));
  layer.reset_parameters();
  EXPECT_EQ(layer.weight[1].to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_NE(layer.weight[0].to_vector<float>(), (std::vector<float>{0, 0}));
  layer(tensor({0, 1, 1})).sum().backward();
  EXPECT_EQ(layer.weight.grad().to_vector<float>(), (std::vector<float>{1, 1, 0, 0, 0, 0}));
}

TEST(Embedding, TakesIndicesOfAnyShapeAndWidth) {
  Embedding layer(3, 2);
  EXPECT_EQ(to_string(layer(tensor(2)).sizes()), "[2]");
  EXPECT_EQ(to_string(layer(zeros({0, 4}, i64)).sizes()), "[0, 4, 2]");
  EXPECT_EQ(layer(tensor({2}).to(i32)).to_vector<float>(), layer(tensor({2})).to_vector<float>());
}

TEST(Embedding, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { Embedding(-1, 2); }, message("num_embeddings -1"));
  EXPECT_THAT([] { Embedding(3, 2, {.padding_idx = 3}); }, message("padding_idx 3 is out of range"));
  EXPECT_THAT([] { Embedding(3, 2, {.padding_idx = -4}); }, message("padding_idx -4 is out of range"));
  Embedding layer(3, 2);
  EXPECT_THAT([&] { layer(tensor({0, 3})); }, message("index 3 is out of range for a table of 3 rows"));
  EXPECT_THAT([&] { layer(tensor({-1})); }, message("in Embedding"));
  EXPECT_THAT([&] { layer(ones({2})); }, message("f32"));
}

}  // namespace
}  // namespace mica::nn
