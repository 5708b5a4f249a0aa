#include <gtest/gtest.h>

#include <mica/autograd/hooks.h>
#include <mica/core/allocator.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using gradients::any_shape;
using gradients::derivative_of;
using gradients::Inputs;

const table::Rows rows{
    "activation",
    {
        {.name = "relu",
         .golden = {{"relu", golden::unary(relu)}},
         .gradients = {any_shape({"Relu", [](Inputs x) { return relu(x[0] * x[0] - 1); }, {{{3, 4}}}})},
         .without_refusals = "every dtype has a positive part"},
        {.name = "sigmoid",
         .golden = {{"sigmoid", golden::unary(sigmoid)}},
         .gradients =
             {any_shape({"Sigmoid", [](Inputs x) { return sigmoid(x[0]); }, {{{2, 3}}}}),
              {"SigmoidThirdDerivative", derivative_of([](Inputs x) { return sigmoid(x[0]); }), {{{2, 3}}}}},
         .without_refusals = "integers are converted"},
        {.name = "tanh",
         .golden = {{"tanh", golden::unary(tanh)}},
         .gradients = {any_shape({"Tanh", [](Inputs x) { return tanh(x[0]); }, {{{2, 3}}}})},
         .without_refusals = "integers are converted"},
        {.name = "softplus",
         .golden = {{"softplus",
                     [](Inputs x, const golden::Args& a) {
                       return std::vector{softplus(x[0], a.real("beta", 1), a.real("threshold", 20))};
                     }}},
         .gradients = {any_shape({"Softplus", [](Inputs x) { return softplus(x[0]); }, {{{2, 3}}}}),
                       {"SoftplusOptions",
                        [](Inputs x) { return softplus(x[0], 2, 1.5) + softplus(x[0], 3, -10); },
                        {{{2, 3}, 0.8, 2}}}},
         .refusals = {{[] { softplus(ones({2}), 0); }, "beta is 0"}}},
        {.name = "gelu",
         .golden = {{"gelu", [](Inputs x, const golden::Args&) { return std::vector{gelu(x[0])}; }},
                    {"gelu_tanh",
                     [](Inputs x, const golden::Args&) { return std::vector{gelu(x[0], Gelu::tanh)}; }}},
         .gradients =
             {any_shape({"Gelu", [](Inputs x) { return gelu(x[0]); }, {{{2, 3}}}}),
              {"GeluThirdDerivative", derivative_of([](Inputs x) { return gelu(x[0]); }), {{{2, 3}}}},
              {"GeluTanh", [](Inputs x) { return gelu(x[0], Gelu::tanh); }, {{{2, 3}}}}},
         .refusals = {{[] { gelu(tensor({1, 2})); }, "got i64"}}},
    }};

// How many bytes backward() needs beyond what is live before it.
std::size_t room_for_backward(const Tensor& y, const Tensor& gradient) {
  reset_peak_memory();
  const std::size_t before = memory_stats().in_use;
  y.backward(gradient);
  return memory_stats().peak_in_use - before;
}

TEST(Activation, BackwardWritesIntoTheGradientThatCame) {
  constexpr std::size_t size = std::size_t{4} << 20;
  for (const auto fn :
       std::vector<Tensor (*)(Tensor)>{relu, sigmoid, tanh, [](Tensor x) { return gelu(x); }}) {
    const Tensor x = ones({1 << 20}).requires_grad_();
    const Tensor scale = ones({1 << 20});
    const Tensor gradient = ones({1 << 20});
    EXPECT_LE(room_for_backward(fn(x) * scale, gradient), size + (size / 4));
  }
}

TEST(Activation, BackwardLeavesAGradientAloneThatSomebodyHolds) {
  for (const auto fn :
       std::vector<Tensor (*)(Tensor)>{relu, sigmoid, tanh, [](Tensor x) { return gelu(x); }}) {
    const Tensor x = tensor({-1.0F, 2.0F}).requires_grad_();
    const Tensor gradient = tensor({5.0F, 7.0F});
    fn(x).backward(gradient);
    EXPECT_TRUE(equal(gradient, tensor({5.0F, 7.0F})));

    const Tensor once = x.grad().clone();

    // One gradient that goes to two operations.
    const Tensor input = x * 1;
    (fn(input) + fn(input)).backward(gradient);
    EXPECT_TRUE(equal(x.grad(), once * 3));

    Tensor seen;
    const Tensor y = fn(x);
    const auto hook = y.register_hook([&](const Tensor& grad) { seen = grad; });
    (y * 3).sum().backward();
    EXPECT_TRUE(equal(seen, tensor({3.0F, 3.0F})));
  }
}

TEST(Activation, ComputesNarrowTypesInF32) {
  for (const DType type : {bf16, f16}) {
    const Tensor x = (arange(-8, 8, 1, f32) / 4).to(type);
    for (const auto fn : {relu, sigmoid, tanh}) {
      const Tensor y = fn(x);
      EXPECT_EQ(y.dtype(), type);
      EXPECT_TRUE(equal(y, fn(x.to(f32)).to(type)));
    }
    EXPECT_TRUE(equal(gelu(x), gelu(x.to(f32)).to(type)));
  }
}

TEST(Activation, SoftplusDoesNotOverflowBelowItsThreshold) {
  const Tensor x = tensor({-800.0, 0.0, 800.0});
  EXPECT_EQ(softplus(x, 1, 1000).to_vector<float>(), (std::vector<float>{0, 0.693147181F, 800}));
}

TEST(Activation, SavesItsResultNotItsInput) {
  const Tensor x = (zeros({3}, f64) + 0.5).requires_grad_();
  Tensor input = x * 1;
  const Tensor y = tanh(input);
  input.add_(1);  // the input does not matter any more
  y.sum().backward();
  EXPECT_TRUE(allclose(x.grad(), 1 - square(tanh(full({3}, 0.5, f64)))));
}

}  // namespace
}  // namespace mica
