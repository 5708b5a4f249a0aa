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

const gradients::Cases softmax_cases{
    {"Softmax", [](Inputs x) { return softmax(x[0], 1); }, {{{2, 3, 2}}}},
    {"SoftmaxThirdDerivative", derivative_of([](Inputs x) { return softmax(x[0], -1); }), {{{2, 3}}}},
    {"SoftmaxZeroDim", [](Inputs x) { return softmax(x[0], 0) * x[0]; }, {{{}}}},
    {"SoftmaxZeroSize", [](Inputs x) { return softmax(x[0], 1); }, {{{2, 0}}}},
    {"LogSoftmax", [](Inputs x) { return log_softmax(x[0], 0); }, {{{3, 2}}}},
    {"LogSoftmaxLastDim", [](Inputs x) { return log_softmax(x[0], -1); }, {{{2, 4}}}},
};

TEST(Softmax, AgreesWithPyTorch) {
  golden::expect_golden(
      "softmax",
      {
          {"softmax", [](Inputs x, const Args& a) { return std::vector{softmax(x[0], a.integer("dim"))}; }},
          {"log_softmax",
           [](Inputs x, const Args& a) { return std::vector{log_softmax(x[0], a.integer("dim"))}; }},
      });
}

TEST(Softmax, ComputesNarrowTypesInF32) {
  for (const DType type : {bf16, f16}) {
    const Tensor x = randn({3, 5}).to(type);
    EXPECT_TRUE(equal(softmax(x, 1), softmax(x.to(f32), 1).to(type)));
    EXPECT_TRUE(equal(log_softmax(x, 0), log_softmax(x.to(f32), 0).to(type)));
  }
}

TEST(Softmax, RefusesIntegersAndMissingDimensions) {
  EXPECT_THROW(softmax(tensor({1, 2}), 0), Error);
  EXPECT_THROW(softmax(ones({2, 3}), 2), Error);
  EXPECT_THROW(log_softmax(ones({2, 3}), -3), Error);
}

}  // namespace
}  // namespace mica
