#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <mica/ops/activation.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/sigmoidal.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::derivative_of;
using gradients::Inputs;

table::Row row(const std::string& name, const std::string& title, Tensor (*fn)(Tensor)) {
  return {.name = name,
          .golden = {{name, golden::unary(fn)}},
          .gradients = {any_shape({title, [fn](Inputs x) { return fn(x[0]) * x[0]; }, {{{2, 3}}}}),
                        {title + "ThirdDerivative",
                         derivative_of([fn](Inputs x) { return fn(x[0]); }),
                         {{{2, 3}}}}},
          .refusals = {{[fn] { fn(tensor({1, 2})); }, "got i64"}}};
}

table::Row row_of_any_dtype(const std::string& name, const std::string& title, Tensor (*fn)(Tensor)) {
  table::Row r = row(name, title, fn);
  r.refusals.clear();
  r.without_refusals = "integers are converted";
  return r;
}

const table::Rows rows{
    "sigmoidal",
    {row("silu", "Silu", silu),
     row("mish", "Mish", mish),
     row("hardsigmoid", "Hardsigmoid", hardsigmoid),
     row("hardswish", "Hardswish", hardswish),
     row("logsigmoid", "Logsigmoid", logsigmoid),
     row_of_any_dtype("softsign", "Softsign", softsign),
     row_of_any_dtype("tanhshrink", "Tanhshrink", tanhshrink),
     {.name = "glu",
      .golden = {{"glu", [](Inputs x, const Args& a) { return std::vector{glu(x[0], a.integer("dim"))}; }}},
      .gradients = {{"Glu", [](Inputs x) { return glu(x[0]); }, {{{2, 4}}}},
                    {"GluOfFirstDim", [](Inputs x) { return glu(x[0], 0); }, {{{4, 1, 3}}}},
                    {"GluZeroSize", [](Inputs x) { return glu(x[0], 1); }, {{{0, 2}}}}},
      .refusals = {{[] { glu(ones({2, 3})); }, "dimension -1 of shape [2, 3] has no two halves"},
                   {[] { glu(ones({2, 4}), 2); }, "dimension 2 is out of range"},
                   {[] { glu(ones({})); }, "shape [] has no two halves"},
                   {[] { glu(tensor({1, 2})); }, "got i64"}}}}};

TEST(Sigmoidal, HasNoGradientBeyondTheHardCorners) {
  const Tensor x = tensor({-3.0, 3.0, -4.0, 4.0}).requires_grad_();
  hardsigmoid(x).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0, 0, 0}));
  const Tensor z = tensor({-3.0, 3.0, -4.0, 4.0}).requires_grad_();
  hardswish(z).sum().backward();
  EXPECT_EQ(z.grad().to_vector<double>(), (std::vector<double>{0, 1, 0, 1}));
}

TEST(Sigmoidal, HasFiniteGradientsFarOut) {
  const Tensor x = tensor({800.0, -800.0, 90.0, -90.0}).requires_grad_();
  (mish(x) + silu(x) + logsigmoid(x)).sum().backward();
  EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
}

TEST(Sigmoidal, LogsigmoidIsExactWhereSigmoidIsOneOrZero) {
  EXPECT_EQ(logsigmoid(tensor({-800.0})).item(), -800);
  EXPECT_NEAR(logsigmoid(full({1}, 40.0, f64)).item() / -std::exp(-40.0), 1, 1e-12);
}

TEST(Sigmoidal, ComputesNarrowTypesInF32) {
  const Tensor x = (arange(-8, 8, 1, f32) / 4).to(bf16);
  for (const auto fn : {silu, mish, hardswish, logsigmoid, softsign}) {
    EXPECT_EQ(fn(x).dtype(), bf16);
    EXPECT_TRUE(equal(fn(x), fn(x.to(f32)).to(bf16)));
  }
}

}  // namespace
}  // namespace mica
