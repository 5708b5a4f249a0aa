#include <cmath>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"

namespace mica {
namespace {

using golden::Args;
using golden::Inputs;

golden::Operation against_number(Tensor (*fn)(const Tensor&, Scalar)) {
  return [fn](Inputs x, const Args& a) { return std::vector{fn(x[0], a.scalar("s"))}; };
}

TEST(Compare, AgreesWithPyTorch) {
  golden::expect_golden("compare", {
                                       {"eq", golden::binary(eq)},
                                       {"ne", golden::binary(ne)},
                                       {"lt", golden::binary(lt)},
                                       {"le", golden::binary(le)},
                                       {"gt", golden::binary(gt)},
                                       {"ge", golden::binary(ge)},
                                       {"eq_scalar", against_number(eq)},
                                       {"ne_scalar", against_number(ne)},
                                       {"lt_scalar", against_number(lt)},
                                       {"le_scalar", against_number(le)},
                                       {"gt_scalar", against_number(gt)},
                                       {"ge_scalar", against_number(ge)},
                                       {"logical_and", golden::binary(logical_and)},
                                       {"logical_or", golden::binary(logical_or)},
                                       {"logical_not", golden::unary(logical_not)},
                                       {"isnan", golden::unary(isnan)},
                                       {"isfinite", golden::unary(isfinite)},
                                   });
}

TEST(Compare, OperatorsAreElementwise) {
  const Tensor x = tensor({1, 2, 3});
  EXPECT_EQ((x < tensor({2, 2, 2})).to_vector<bool>(), (std::vector<bool>{true, false, false}));
  EXPECT_EQ((x >= 2).to_vector<bool>(), (std::vector<bool>{false, true, true}));
  EXPECT_EQ((x != 3).dtype(), boolean);
}

TEST(Compare, ResultsNeedNoGradient) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_FALSE((x > 0).requires_grad());
  EXPECT_FALSE(isnan(x).requires_grad());
  EXPECT_FALSE(isfinite(x).requires_grad());
}

TEST(Compare, EqualWantsTheSameShapeTypeAndElements) {
  const Tensor x = tensor({1.0, 2.0});
  EXPECT_TRUE(equal(x, tensor({1.0, 2.0})));
  EXPECT_FALSE(equal(x, tensor({1.0, 3.0})));
  EXPECT_FALSE(equal(x, x.to(f64)));
  EXPECT_FALSE(equal(x, x.unsqueeze(0)));
  EXPECT_FALSE(equal(tensor({NAN}), tensor({NAN})));
  EXPECT_TRUE(equal(zeros({0, 3}), zeros({0, 3})));
}

// The values of torch.allclose.
TEST(Compare, AllcloseTreatsToleranceInfinityAndNaNAsPyTorch) {
  const auto one = [](double v) { return full({1}, v, f64); };
  EXPECT_TRUE(allclose(one(1 + 1e-6), one(1)));
  EXPECT_FALSE(allclose(one(1 + 1e-4), one(1)));
  EXPECT_TRUE(allclose(one(1 + 1e-4), one(1), 1e-3));
  EXPECT_TRUE(allclose(one(1e-9), one(0)));
  EXPECT_FALSE(allclose(one(1e-7), one(0)));
  EXPECT_TRUE(allclose(one(INFINITY), one(INFINITY)));
  EXPECT_FALSE(allclose(one(INFINITY), one(-INFINITY)));
  EXPECT_FALSE(allclose(one(1), one(INFINITY)));
  EXPECT_FALSE(allclose(one(NAN), one(NAN)));
  EXPECT_TRUE(allclose(one(NAN), one(NAN), 0, 0, true));
  EXPECT_TRUE(allclose(zeros({0}), zeros({0})));
  EXPECT_TRUE(allclose(tensor({1, 2}), tensor({1.0, 2.0})));
}

TEST(Compare, NamesTheShapesThatDoNotMatch) {
  EXPECT_THROW(eq(ones({2}), ones({3})), Error);
  EXPECT_THROW(logical_and(ones({2}), ones({3})), Error);
}

}  // namespace
}  // namespace mica
