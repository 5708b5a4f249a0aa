#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/linear.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Linear, FollowsPyTorch) {
  follow_golden("linear", "linear", [](DType dtype) { return Linear(5, 3, {.dtype = dtype}); });
  follow_golden("linear", "linear f64", [](DType dtype) { return Linear(4, 2, {.dtype = dtype}); });
  follow_golden("linear", "linear without bias",
                [](DType dtype) { return Linear(5, 3, {.bias = false, .dtype = dtype}); });
  follow_golden("linear", "linear of a vector", [](DType dtype) { return Linear(5, 3, {.dtype = dtype}); });
}

TEST(Linear, WithoutBiasHasOnlyAWeight) {
  const Linear layer(4, 3, {.bias = false});
  EXPECT_FALSE(layer.bias.defined());
  EXPECT_EQ(layer.parameters().size(), 1U);
  EXPECT_EQ(layer.num_parameters(), 12);
}

TEST(Linear, MayHaveNoInputsOrOutputs) {
  Linear none(0, 3), nothing(3, 0);
  EXPECT_EQ(none(ones({2, 0})).to_vector<float>(), std::vector<float>(6, 0));
  EXPECT_EQ(to_string(nothing(ones({2, 3})).sizes()), "[2, 0]");
}

TEST(Linear, RefusesWhatDoesNotFit) {
  EXPECT_THAT([] { Linear(-1, 3); }, ThrowsMessage<Error>(HasSubstr("in_features -1")));
  Linear layer(4, 3);
  EXPECT_THAT([&] { layer(ones({2, 5})); },
              ThrowsMessage<Error>(
                  AllOf(HasSubstr("[linear]"), HasSubstr("5"), HasSubstr("4"), HasSubstr("in Linear"))));
  EXPECT_THROW(layer(ones({2, 4}, f64)), Error);
  EXPECT_THROW(layer(ones({2, 4}, i64)), Error);
  EXPECT_THROW(layer(tensor(1.0F)), Error);
  EXPECT_THROW(layer(Tensor()), Error);
}

TEST(Linear, DrawsAnewWhenReset) {
  manual_seed(1);
  Linear layer(4, 3);
  const auto first = layer.weight.to_vector<float>(), bias = layer.bias.to_vector<float>();
  layer.reset_parameters();
  EXPECT_NE(layer.weight.to_vector<float>(), first);
  manual_seed(1);
  layer.reset_parameters();
  EXPECT_EQ(layer.weight.to_vector<float>(), first);
  EXPECT_EQ(layer.bias.to_vector<float>(), bias);
}

std::vector<Tensor> call_with_two(Bilinear& layer, const std::vector<Tensor>& x) {
  return {layer(x.at(0), x.at(1))};
}

TEST(Bilinear, FollowsPyTorch) {
  follow_golden(
      "linear", "bilinear", [](DType dtype) { return Bilinear(3, 2, 4, {.dtype = dtype}); }, call_with_two);
  follow_golden(
      "linear", "bilinear f64", [](DType dtype) { return Bilinear(3, 2, 4, {.dtype = dtype}); },
      call_with_two);
  follow_golden(
      "linear", "bilinear without bias",
      [](DType dtype) { return Bilinear(2, 3, 1, {.bias = false, .dtype = dtype}); }, call_with_two);
  expect_prints("linear", {{"bilinear", Bilinear(3, 2, 4).to_string()},
                           {"bilinear without bias", Bilinear(3, 2, 4, {.bias = false}).to_string()}});
}

TEST(Identity, FollowsPyTorch) {
  follow_golden("linear", "identity", [](DType) { return Identity{}; });
}

TEST(Bilinear, RefusesWhatDoesNotFit) {
  EXPECT_THAT([] { Bilinear(0, 2, 3); }, ThrowsMessage<Error>(HasSubstr("in1_features 0")));
  EXPECT_THROW(Bilinear(1, -2, 3), Error);
  Bilinear layer(3, 2, 4);
  EXPECT_THAT([&] { layer(ones({5, 3}), ones({5, 3})); }, ThrowsMessage<Error>(HasSubstr("in Bilinear")));
}

TEST(Bilinear, IsClonedWithItsNumbers) {
  const Bilinear layer(3, 2, 4);
  const Bilinear copy = layer.clone();
  EXPECT_EQ(copy.out_features, 4);
  EXPECT_EQ(copy.weight.to_vector<float>(), layer.weight.to_vector<float>());
}

TEST(Identity, ReturnsItsInput) {
  Identity layer;
  const Tensor x = ones({2});
  EXPECT_TRUE(layer(x).is_same(x));
}

}  // namespace
}  // namespace mica::nn
