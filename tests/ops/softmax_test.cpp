#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

golden::Operation along(Tensor (*fn)(const Tensor&, std::int64_t, std::optional<DType>)) {
  return [fn](Inputs x, const Args& a) {
    std::optional<DType> dtype;
    if (a.has("dtype")) dtype = a.text("dtype") == "f64" ? f64 : f32;
    return std::vector{fn(x[0], a.integer("dim"), dtype)};
  };
}

// The same numbers at every call, as finite differences need.
Tensor drawn(const Tensor& logits, const GumbelSoftmaxOptions& options) {
  manual_seed(3);
  return gumbel_softmax(logits, options);
}

const table::Rows rows{
    "softmax",
    {
        {.name = "softmax",
         .golden = {{"softmax", along(softmax)}},
         .gradients = {{"Softmax", [](Inputs x) { return softmax(x[0], 1); }, {{{2, 3, 2}}}},
                       {"SoftmaxThirdDerivative",
                        derivative_of([](Inputs x) { return softmax(x[0], -1); }),
                        {{{2, 3}}}},
                       {"SoftmaxZeroDim", [](Inputs x) { return softmax(x[0], 0) * x[0]; }, {{{}}}},
                       {"SoftmaxZeroSize", [](Inputs x) { return softmax(x[0], 1); }, {{{2, 0}}}}},
         .refusals = {{[] { softmax(tensor({1, 2}), 0); }, "got i64"},
                      {[] { softmax(ones({2, 3}), 2); }, "dimension 2 is out of range"}}},
        {.name = "log_softmax",
         .golden = {{"log_softmax", along(log_softmax)}},
         .gradients = {{"LogSoftmax", [](Inputs x) { return log_softmax(x[0], 0); }, {{{3, 2}}}},
                       {"LogSoftmaxLastDim", [](Inputs x) { return log_softmax(x[0], -1); }, {{{2, 4}}}},
                       {"LogSoftmaxZeroDim", [](Inputs x) { return log_softmax(x[0], 0) * x[0]; }, {{{}}}}},
         .refusals = {{[] { log_softmax(tensor({1, 2}), 0); }, "got i64"},
                      {[] { log_softmax(ones({2, 3}), -3); }, "dimension -3 is out of range"}}},
        {.name = "softmin",
         .golden = {{"softmin", along(softmin)}},
         .gradients = {{"Softmin", [](Inputs x) { return softmin(x[0], 1); }, {{{2, 3}}}}},
         .refusals = {{[] { softmin(tensor({1, 2}), 0); }, "got i64"}}},
        {.name = "gumbel_softmax",
         .golden = {{"gumbel_softmax",
                     [](Inputs x, const Args& a) {
                       return std::vector{drawn(x[0], {.tau = a.real("tau", 1),
                                                       .hard = a.flag("hard"),
                                                       .dim = a.maybe_integer("dim").value_or(-1)})};
                     }}},
         .gradients = {{"GumbelSoftmax", [](Inputs x) { return drawn(x[0], {.tau = 0.7}); }, {{{2, 3}}}}},
         .refusals = {{[] { gumbel_softmax(ones({2}), {.tau = 0}); }, "tau is 0"},
                      {[] { gumbel_softmax(ones({2}), {.dim = 1}); }, "dimension 1 is out of range"},
                      {[] { gumbel_softmax(tensor({1, 2})); }, "got i64"}}},
    }};

TEST(Softmax, HardGumbelIsOneHotWithASoftGradient) {
  const Tensor logits = randn({50, 4}, f64).requires_grad_();
  const Tensor y = drawn(logits, {.hard = true});
  EXPECT_TRUE(equal(y.detach().sum({1}), ones({50}, f64)));
  EXPECT_TRUE(allclose(y.detach(), y.detach().round(), 0, 1e-12));
  (y * arange(4)).sum().backward();
  const Tensor soft = logits.detach().clone().requires_grad_();
  (drawn(soft, {}) * arange(4)).sum().backward();
  EXPECT_TRUE(allclose(logits.grad(), soft.grad()));
}

TEST(Softmax, ComputesNarrowTypesInF32) {
  for (const DType type : {bf16, f16}) {
    const Tensor x = randn({3, 5}).to(type);
    EXPECT_TRUE(equal(softmax(x, 1), softmax(x.to(f32), 1).to(type)));
    EXPECT_TRUE(equal(log_softmax(x, 0), log_softmax(x.to(f32), 0).to(type)));
  }
}

}  // namespace
}  // namespace mica
