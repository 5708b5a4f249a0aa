#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/clip_grad.h>
#include <mica/nn/linear.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double inf = std::numeric_limits<double>::infinity();

// Parameters with the gradients (3, 0), (-4), and none.
std::vector<Tensor> some(DType dtype = f64) {
  std::vector<Tensor> p{ones({2}, dtype).requires_grad_(), ones({1}, dtype).requires_grad_(),
                        ones({3}).requires_grad_()};
  p[0].set_grad(tensor({3.0, 0.0}).to(dtype));
  p[1].set_grad(tensor({-4.0}).to(dtype));
  return p;
}

TEST(ClipGrad, ShortensAllGradientsTogether) {
  const auto p = some();
  EXPECT_NEAR(clip_grad_norm_(p, 1).item(), 5, 1e-12);
  EXPECT_NEAR(p[0].grad()[0].item(), 3 / (5 + 1e-6), 1e-12);
  EXPECT_NEAR(p[1].grad()[0].item(), -4 / (5 + 1e-6), 1e-12);
  EXPECT_FALSE(p[2].grad().defined());
}

TEST(ClipGrad, LeavesShortGradientsAlone) {
  const auto p = some();
  clip_grad_norm_(p, 5.1);
  EXPECT_EQ(p[0].grad().to_vector<double>(), (std::vector<double>{3, 0}));
}

TEST(ClipGrad, TakesEveryNorm) {
  EXPECT_NEAR(clip_grad_norm_(some(), 10, {.norm_type = 1}).item(), 7, 1e-12);
  EXPECT_NEAR(clip_grad_norm_(some(), 10, {.norm_type = inf}).item(), 4, 1e-12);
  EXPECT_NEAR(clip_grad_norm_(some(), 10, {.norm_type = 3}).item(), std::cbrt(27 + 64), 1e-12);
  EXPECT_EQ(clip_grad_norm_({}, 10).item(), 0);
  const auto p = some();
  clip_grad_norm_(p, 2, {.norm_type = inf});
  EXPECT_NEAR(p[1].grad().item(), -2, 1e-5);
}

TEST(ClipGrad, MeasuresNarrowGradientsInF32) {
  const auto p = some(bf16);
  const Tensor norm = clip_grad_norm_(p, 1);
  EXPECT_EQ(norm.dtype(), f32);
  EXPECT_NEAR(norm.item(), 5, 1e-6);
  EXPECT_EQ(p[0].grad().dtype(), bf16);
  EXPECT_NEAR(p[0].grad()[0].item(), 0.6, 0.01);
}

TEST(ClipGrad, TellsOfInfiniteNormsIfAsked) {
  const auto p = some();
  p[1].grad().detach().fill_(inf);
  EXPECT_THAT([&] { clip_grad_norm_(p, 1, {.error_if_nonfinite = true}); },
              ThrowsMessage<Error>(HasSubstr("the norm of order 2 is inf")));
  EXPECT_EQ(p[0].grad()[0].item(), 3);  // nothing was changed
  EXPECT_EQ(clip_grad_norm_(p, 1).item(), inf);
  EXPECT_EQ(p[0].grad()[0].item(), 0);
  EXPECT_TRUE(p[1].grad().isnan().item<bool>());
}

TEST(ClipGrad, HasItsHalves) {
  const auto p = some();
  const std::vector<Tensor> grads{p[0].grad(), p[1].grad()};
  const Tensor norm = get_total_norm(grads);
  EXPECT_NEAR(norm.item(), 5, 1e-12);
  clip_grads_with_norm_(p, 2.5, norm);
  EXPECT_NEAR(p[0].grad()[0].item(), 1.5, 1e-6);
}

TEST(ClipGrad, LimitsEachValue) {
  const auto p = some();
  clip_grad_value_(p, 3.5);
  EXPECT_EQ(p[0].grad().to_vector<double>(), (std::vector<double>{3, 0}));
  EXPECT_EQ(p[1].grad().item(), -3.5);
}

TEST(ClipGrad, RefusesNegativeLimits) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { clip_grad_norm_(some(), -1); }, message("max_norm is -1"));
  EXPECT_THAT([] { clip_grad_norm_(some(), std::nan("")); }, message("max_norm is nan"));
  EXPECT_THAT([] { clip_grads_with_norm_(some(), -1, ones({})); }, message("max_norm is -1"));
  EXPECT_THAT([] { clip_grad_value_(some(), -1); }, message("clip_value is -1"));
}

TEST(ParametersToVector, GoesThereAndBack) {
  Linear layer(3, 2), other(3, 2);
  const Tensor vector = parameters_to_vector(layer.parameters());
  EXPECT_EQ(vector.numel(), 8);
  EXPECT_TRUE(equal(vector.narrow(0, 6, 2), layer.bias));
  vector_to_parameters(vector, other.parameters());
  EXPECT_TRUE(equal(other.weight, layer.weight));
  EXPECT_FALSE(other.weight.shares_storage(vector));
  square(vector).sum().backward();
  EXPECT_TRUE(allclose(layer.bias.grad(), layer.bias * 2));
}

TEST(ParametersToVector, RefusesOtherLengths) {
  Linear layer(3, 2);
  EXPECT_THAT([&] { vector_to_parameters(ones({9}), layer.parameters()); },
              ThrowsMessage<Error>(HasSubstr("a tensor of shape [9] for 8 numbers")));
  EXPECT_THROW(vector_to_parameters(ones({2, 4}), layer.parameters()), Error);
  EXPECT_THROW(parameters_to_vector({}), Error);
}

}  // namespace
}  // namespace mica::nn
