#include <limits>

#include <gtest/gtest.h>

#include <mica/core/parallel.h>
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
golden::Operation along(ValuesIndices (*fn)(const Tensor&, std::int64_t)) {
  return [fn](Inputs x, const Args& a) {
    const auto [values, indices] = fn(x[0], a.integer("dim"));
    return std::vector{values, indices};
  };
}

Tensor with_zeros(const Tensor& x) { return x * tensor({{1, 0, 1, 1}, {0, 1, 0, 1}}); }

const table::Rows rows{
    "scan",
    {
        {.name = "cumsum",
         .golden = {{"cumsum", along(cumsum)}},
         .gradients = {{"Cumsum", [](Inputs x) { return square(cumsum(x[0], 1)); }, {{{2, 3, 2}}}},
                       {"CumsumZeroDim", [](Inputs x) { return square(cumsum(x[0], 0)); }, {{{}}}},
                       {"CumsumZeroSize", [](Inputs x) { return square(cumsum(x[0], 0)); }, {{{0, 2}}}}},
         .refusals = {{[] { cumsum(ones({2, 3}), 2); }, "dimension 2 is out of range"}}},
        {.name = "cumprod",
         .golden = {{"cumprod", along(cumprod)}},
         .gradients = {{"Cumprod", [](Inputs x) { return cumprod(x[0], 1); }, {{{2, 3, 2}}}},
                       {"CumprodOfZeros", [](Inputs x) { return cumprod(with_zeros(x[0]), 1); }, {{{2, 4}}}},
                       {"CumprodThirdDerivative",
                        derivative_of([](Inputs x) { return cumprod(with_zeros(x[0]), 1); }),
                        {{{2, 4}}}},
                       {"CumprodZeroDim", [](Inputs x) { return square(cumprod(x[0], 0)); }, {{{}}}},
                       {"CumprodZeroSize", [](Inputs x) { return cumprod(x[0], 1); }, {{{2, 0}}}}},
         .refusals = {{[] { cumprod(ones({2, 3}), -3); }, "dimension -3 is out of range"}}},
        {.name = "logcumsumexp",
         .golden = {{"logcumsumexp", along(logcumsumexp)}},
         .gradients =
             {{"Logcumsumexp", [](Inputs x) { return logcumsumexp(x[0], 1); }, {{{2, 3, 2}}}},
              {"LogcumsumexpThirdDerivative",
               derivative_of([](Inputs x) { return logcumsumexp(x[0], 0); }),
               {{{3, 2}}}},
              {"LogcumsumexpZeroDim", [](Inputs x) { return square(logcumsumexp(x[0], 0)); }, {{{}}}}},
         .refusals = {{[] { logcumsumexp(tensor({1, 2}), 0); }, "got i64"},
                      {[] { logcumsumexp(ones({2}), 1); }, "dimension 1 is out of range"}}},
        {.name = "cummax",
         .golden = {{"cummax", along(cummax)}},
         .gradients =
             {{"Cummax", [](Inputs x) { return square(cummax(x[0], 1).values); }, {{{2, 4, 2}}}, false},
              {"CummaxZeroDim", [](Inputs x) { return square(cummax(x[0], 0).values); }, {{{}}}}},
         .refusals = {{[] { cummax(ones({2}), 1); }, "dimension 1 is out of range"}}},
        {.name = "cummin",
         .golden = {{"cummin", along(cummin)}},
         .gradients =
             {{"Cummin", [](Inputs x) { return square(cummin(x[0], 0).values); }, {{{4, 2}}}, false}},
         .refusals = {{[] { cummin(ones({2}), 1); }, "dimension 1 is out of range"}}},
    }};

TEST(Scan, AgreesWithALoopOnLargeTensorsAndDoesNotDependOnThreads) {
  Generator generator(3);
  for (const Shape& sizes : {Shape{7, 300, 130}, Shape{300, 1, 200}, Shape{50000}, Shape{3, 20000}}) {
    const Tensor x = randint(-5, 6, sizes, generator);
    for (int d = 0; d < sizes.size(); ++d) {
      const int threads = num_threads();
      set_num_threads(3);
      const Tensor y = cumsum(x, d);
      const ValuesIndices m = cummax(x, d);
      set_num_threads(threads);
      // Differences give the elements back.
      const std::int64_t n = sizes[d];
      EXPECT_TRUE(equal(y.narrow(d, 0, 1), x.narrow(d, 0, 1)));
      EXPECT_TRUE(equal(y.narrow(d, 1, n - 1) - y.narrow(d, 0, n - 1), x.narrow(d, 1, n - 1)));
      EXPECT_TRUE(equal(m.values, x.gather(d, m.indices)));
      EXPECT_TRUE(equal(m.values.select(d, n - 1), x.amax(d)));
    }
  }
}

TEST(Scan, SumsManySmallNumbersInF32WithoutLosingThem) {
  const Tensor y = cumsum(full({1 << 20}, 0.1F), 0);
  EXPECT_NEAR(y.select(0, -1).item(), 0.1 * (1 << 20), 0.02);
}

TEST(Scan, LogarithmOfNothingYetHasGradientZero) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = from_vector(std::vector<double>{-infinity, -infinity, -2000, 0}).requires_grad_();
  logcumsumexp(x, 0).sum().backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 0, 1, 1}));
}

}  // namespace
}  // namespace mica
