#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/adaptive.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

using Layer = AdaptiveLogSoftmaxWithLoss;

std::vector<Tensor> everything(Layer& layer, const std::vector<Tensor>& x) {
  const auto [output, loss] = layer(x.at(0), x.at(1));
  return {output, loss, layer.log_prob(x.at(0)), layer.predict(x.at(0))};
}

TEST(AdaptiveLogSoftmax, FollowsPyTorch) {
  follow_golden(
      "adaptive", "adaptive", [](DType dtype) { return Layer(8, 12, {3, 7}, {.dtype = dtype}); }, everything);
  follow_golden(
      "adaptive", "adaptive of all options",
      [](DType dtype) {
        return Layer(6, 10, {2, 4, 5}, {.div_value = 1.5, .head_bias = true, .dtype = dtype});
      },
      everything);
  follow_golden(
      "adaptive", "adaptive of the shortlist",
      [](DType dtype) { return Layer(4, 10, {8}, {.dtype = dtype}); }, everything);
  follow_golden(
      "adaptive", "adaptive without batch", [](DType dtype) { return Layer(4, 10, {2}, {.dtype = dtype}); },
      [](Layer& layer, const std::vector<Tensor>& x) {
        const auto [output, loss] = layer(x.at(0), x.at(1));
        return std::vector<Tensor>{output, loss};
      });
  expect_prints("adaptive", {{"adaptive", Layer(8, 12, {3, 7}, {.head_bias = true}).to_string()}});
}

TEST(AdaptiveLogSoftmax, GivesProbabilitiesThatSumToOneAndPredictsTheLargest) {
  manual_seed(1);
  Layer layer(8, 20, {4, 10}, {.dtype = f64});
  const Tensor x = randn({30, 8}, f64) * 4;
  const Tensor all = layer.log_prob(x);
  EXPECT_TRUE(allclose(exp(all).sum({1}), ones({30}, f64)));
  EXPECT_TRUE(equal(layer.predict(x), all.argmax(1)));
  EXPECT_EQ(layer.predict(ones({0, 8}, f64)).numel(), 0);
}

TEST(AdaptiveLogSoftmax, IsClonedAndLoaded) {
  Layer layer(8, 12, {3, 7});
  Layer copy = layer.clone();
  EXPECT_EQ(copy.cutoffs, (std::vector<std::int64_t>{3, 7, 12}));
  const Tensor x = randn({4, 8});
  EXPECT_TRUE(equal(copy.log_prob(x), layer.log_prob(x)));
  copy.reset_parameters();
  EXPECT_FALSE(equal(copy.log_prob(x), layer.log_prob(x)));
  copy.load_state_dict(layer.state_dict());
  EXPECT_TRUE(equal(copy.log_prob(x), layer.log_prob(x)));
}

TEST(AdaptiveLogSoftmax, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { Layer(4, 10, {}); }, message("0 cutoffs for 10 classes"));
  EXPECT_THAT([] { Layer(4, 10, {3, 3}); }, message("must rise"));
  EXPECT_THROW(Layer(4, 10, {5, 3}), Error);
  EXPECT_THROW(Layer(4, 10, {0}), Error);
  EXPECT_THROW(Layer(4, 10, {10}), Error);
  EXPECT_THAT([] { Layer(4, 10, {3}, {.div_value = 0}); }, message("div_value is 0"));
  Layer layer(4, 10, {3});
  EXPECT_THAT([&] { layer(ones({2, 4}), tensor({0, 10})); },
              message("target 10 is out of range for 10 classes"));
  EXPECT_THAT([&] { layer(ones({2, 4}), tensor({0, -1})); }, message("target -1"));
  EXPECT_THAT([&] { layer(ones({2, 4}), tensor({0})); },
              message("x of shape [2, 4] and target of shape [1]"));
  EXPECT_THAT([&] { layer(ones({4}), tensor({0})); }, message("target of shape [1]"));
  EXPECT_THAT([&] { layer(ones({2, 4}), ones({2})); }, message("target is f32"));
  EXPECT_THAT([&] { layer.log_prob(ones({4})); }, message("x has the shape [4]"));
  EXPECT_THAT([&] { layer.predict(ones({4})); }, message("x has the shape [4]"));
}

}  // namespace
}  // namespace mica::nn
