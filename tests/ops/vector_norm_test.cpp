#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::derivative_of;
using gradients::Inputs;

constexpr double infinity = std::numeric_limits<double>::infinity();

gradients::Case norm_case(const std::string& name, double p) {
  return {name, [p](Inputs x) { return norm(x[0], p, {0, -1}, true); }, {{{2, 3, 2}}}};
}

const table::Rows rows{
    "vector_norm",
    {
        {.name = "norm",
         .golden = {{"norm",
                     [](Inputs x, const Args& a) {
                       return std::vector{norm(x[0], a.real("p", 2), a.shape("dims"), a.flag("keepdim"))};
                     }}},
         .gradients = {norm_case("NormTwo", 2),
                       norm_case("NormOne", 1),
                       norm_case("NormThree", 3),
                       norm_case("NormOneAndAHalf", 1.5),
                       norm_case("NormHalf", 0.5),
                       norm_case("NormMinusOne", -1),
                       {"NormZero", [](Inputs x) { return square(x[0]) * norm(x[0], 0); }, {{{2, 3}}}},
                       norm_case("NormInfinity", infinity),
                       norm_case("NormMinusInfinity", -infinity),
                       {"NormOfAll", [](Inputs x) { return norm(x[0]); }, {{{2, 3}}}},
                       {"NormZeroDim", [](Inputs x) { return norm(x[0]); }, {{{}}}},
                       {"NormOfNothing", [](Inputs x) { return norm(x[0], 2, 1); }, {{{2, 0}}}}},
         .refusals = {{[] { norm(tensor({1, 2})); }, "got i64"},
                      {[] { norm(zeros({2, 0}), infinity, 1); }, "nothing to reduce in shape [2, 0]"},
                      {[] { norm(zeros({2, 3}), 2, 2); }, "dimension 2 is out of range"}}},
        {.name = "logsumexp",
         .golden = {{"logsumexp",
                     [](Inputs x, const Args& a) {
                       return std::vector{logsumexp(x[0], a.shape("dims"), a.flag("keepdim"))};
                     }}},
         .gradients = {{"Logsumexp", [](Inputs x) { return logsumexp(x[0], {0, 2}); }, {{{2, 3, 2}}}},
                       {"LogsumexpKeepdim", [](Inputs x) { return logsumexp(x[0], -1, true); }, {{{2, 3}}}},
                       {"LogsumexpThirdDerivative",
                        derivative_of([](Inputs x) { return logsumexp(x[0], 1); }),
                        {{{2, 3}}}},
                       {"LogsumexpZeroDim", [](Inputs x) { return logsumexp(x[0], 0) * x[0]; }, {{{}}}},
                       {"LogsumexpOfNothing", [](Inputs x) { return exp(logsumexp(x[0], 1)); }, {{{2, 0}}}}},
         .refusals = {{[] { logsumexp(ones({2, 3}), 2); }, "dimension 2 is out of range"}}},
    }};

// PyTorch's are NaN or infinite below p = 1.
TEST(Norm, HasGradientZeroWhereItHasNone) {
  for (const double p : {0.5, 1.0, 1.5, 2.0, 3.0, infinity}) {
    const Tensor x = zeros({3}, f64).requires_grad_();
    norm(x, p).backward();
    EXPECT_TRUE(equal(x.grad(), zeros({3}, f64))) << p;
  }
}

TEST(Norm, OfSeveralDimensionsIsThatOfTheFlattenedOnes) {
  Generator generator(1);
  const Tensor x = randn({40, 30, 50}, generator);
  EXPECT_TRUE(allclose(norm(x, 2, {0, 2}), norm(x.permute({1, 0, 2}).flatten(1), 2, 1)));
}

TEST(Logsumexp, OfNothingButMinusInfinityHasGradientZero) {
  const Tensor x = from_vector(std::vector<double>{-infinity, -infinity, 0, 0}, {2, 2}).requires_grad_();
  const Tensor y = logsumexp(x, 1);
  EXPECT_EQ(y.select(0, 0).item(), -infinity);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0, 0.5, 0.5}));
}

}  // namespace
}  // namespace mica
