#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

golden::Operation along(Tensor (*fn)(const Tensor&, std::int64_t)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.integer("dim"))}; };
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
    }};

TEST(Softmax, ComputesNarrowTypesInF32) {
  for (const DType type : {bf16, f16}) {
    const Tensor x = randn({3, 5}).to(type);
    EXPECT_TRUE(equal(softmax(x, 1), softmax(x.to(f32), 1).to(type)));
    EXPECT_TRUE(equal(log_softmax(x, 0), log_softmax(x.to(f32), 0).to(type)));
  }
}

}  // namespace
}  // namespace mica
