#include <gtest/gtest.h>

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
