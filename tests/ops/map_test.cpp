#include <functional>
#include <string>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/ops/map_gradient.h>
#include <mica/ops/ops.h>

#include "layouts.h"
#include "table.h"

namespace mica {
namespace {

using elementwise::Recorder;
using elementwise::Value;
using gradients::any_shape;
using gradients::derivative_of;
using gradients::Inputs;

// map with a function of one to four elements, as an entry of the table.
template <class F> golden::Operation mapped(F fn) {
  return [fn](Inputs x, const golden::Args&) -> std::vector<Tensor> {
    if constexpr (std::is_invocable_v<F, Value>) return {map(x[0], fn)};
    if constexpr (std::is_invocable_v<F, Value, Value>) return {map(x[0], x[1], fn)};
    if constexpr (std::is_invocable_v<F, Value, Value, Value>) return {map(x[0], x[1], x[2], fn)};
    if constexpr (std::is_invocable_v<F, Value, Value, Value, Value>)
      return {map(x[0], x[1], x[2], x[3], fn)};
  };
}

constexpr auto gated = [](Value a, Value b) { return a * sigmoid(b); };
constexpr auto quick_gelu = [](Value x) { return x * sigmoid(1.702 * x); };
constexpr auto affine = [](Value a, Value b, Value c) { return tanh(a * b + c); };
constexpr auto quotient = [](Value a, Value b, Value c, Value d) { return (a * b - c) / (1 + d * d); };
constexpr auto piecewise = [](Value a, Value b) {
  return where((a > b && b != 0) || isnan(a), a * b, exp(-abs(a)));
};

const table::Rows rows{
    "map",
    {{.name = "map",
      .golden = {{"abs", mapped([](Value x) { return abs(x); })},
                 {"sign", mapped([](Value x) { return sign(x); })},
                 {"square", mapped([](Value x) { return square(x); })},
                 {"reciprocal", mapped([](Value x) { return reciprocal(x); })},
                 {"sqrt", mapped([](Value x) { return sqrt(x); })},
                 {"rsqrt", mapped([](Value x) { return rsqrt(x); })},
                 {"exp", mapped([](Value x) { return exp(x); })},
                 {"expm1", mapped([](Value x) { return expm1(x); })},
                 {"log", mapped([](Value x) { return log(x); })},
                 {"log1p", mapped([](Value x) { return log1p(x); })},
                 {"sin", mapped([](Value x) { return sin(x); })},
                 {"cos", mapped([](Value x) { return cos(x); })},
                 {"erf", mapped([](Value x) { return erf(x); })},
                 {"floor", mapped([](Value x) { return floor(x); })},
                 {"ceil", mapped([](Value x) { return ceil(x); })},
                 {"round", mapped([](Value x) { return round(x); })},
                 {"trunc", mapped([](Value x) { return trunc(x); })},
                 {"relu", mapped([](Value x) { return relu(x); })},
                 {"sigmoid", mapped([](Value x) { return sigmoid(x); })},
                 {"tanh", mapped([](Value x) { return tanh(x); })},
                 {"gelu", mapped([](Value x) { return gelu(x); })},
                 {"gelu_tanh", mapped([](Value x) { return gelu(x, Gelu::tanh); })},
                 {"powers", mapped([](Value x) {
                    return pow(x, 0) + pow(x, 1) + pow(x, 2) + pow(x, 3) + pow(x, -1) + pow(x, 0.5) +
                           pow(x, 2.5);
                  })},
                 {"clamp", mapped([](Value x) { return clamp(x, -0.5, 1.25); })},
                 {"maximum", mapped([](Value a, Value b) { return maximum(a, b); })},
                 {"minimum", mapped([](Value a, Value b) { return minimum(a, b); })},
                 {"pow", mapped([](Value a, Value b) { return pow(a, b); })},
                 {"gated", mapped(gated)},
                 {"quick_gelu", mapped(quick_gelu)},
                 {"affine", mapped(affine)},
                 {"quotient", mapped(quotient)},
                 {"piecewise", mapped(piecewise)},
                 {"scaled",
                  [](Inputs x, const golden::Args& args) {
                    const double alpha = args.real("alpha", 1);
                    return std::vector{map(x[0], x[1], [=](auto a, auto b) { return a + b * alpha; })};
                  }}},
      .gradients =
          {any_shape({"MapOfOne", [](Inputs x) { return map(x[0], quick_gelu); }, {{{2, 3}}}}),
           any_shape({"MapOfTwo", [](Inputs x) { return map(x[0], x[1], gated); }, {{{2, 3}}, {{2, 3}}}}),
           any_shape({"MapOfThree",
                      [](Inputs x) { return map(x[0], x[1], x[2], affine); },
                      {{{2, 3}}, {{2, 3}}, {{2, 3}}}}),
           any_shape({"MapOfFour",
                      [](Inputs x) { return map(x[0], x[1], x[2], x[3], quotient); },
                      {{{2, 3}}, {{2, 3}}, {{2, 3}}, {{2, 3}}}}),
           {"MapBroadcast",
            [](Inputs x) { return map(x[0], x[1], x[2], x[3], quotient); },
            {{{2, 1, 3}}, {{4, 1}}, {{3}}, {{}}}},
           {"MapPiecewise",
            [](Inputs x) {
              return map(x[0], x[1], [](auto a, auto b) {
                return where(a * a > 1 || !(b < 0.5), gelu(a) * b, pow(a * a + 1, b)) + maximum(a, b * b) -
                       minimum(abs(a), b) * clamp(b, -1, 1);
              });
            },
            {{{2, 3}}, {{3}}}},
           {"MapFunctions",
            [](Inputs x) {
              return map(x[0], [](auto x) {
                return exp(x) + expm1(x) * log(x) + log1p(x) * sqrt(x) - sin(x) * cos(x) + erf(x) / x +
                       sigmoid(x) * tanh(x) + gelu(x, Gelu::tanh) + rsqrt(x) * relu(-x) - reciprocal(x) +
                       square(x) + sign(x) * x + floor(x) + ceil(x) * round(x) * trunc(x);
              });
            },
            {{{2, 3}, 0.55, 0.95}}},
           {"MapPowers",
            [](Inputs x) {
              return map(x[0], x[1], [](auto a, auto b) { return pow(a, b) + pow(a, 2.5) + pow(2, b); });
            },
            {{{2, 3}, 0.3, 2}, {{2, 3}, 0.5, 2}}},
           {"MapThirdDerivative", derivative_of([](Inputs x) { return map(x[0], quick_gelu); }), {{{2, 3}}}},
           {"MapThirdDerivativeOfTwo",
            derivative_of([](Inputs x) { return map(x[0], x[1], gated); }),
            {{{2, 3}}, {{3}}}},
           {"MapFourthDerivative",
            derivative_of(derivative_of([](Inputs x) { return map(x[0], [](auto x) { return sin(x) * x; }); })),
            {{{3}}}}},
      .refusals = {{[] { map(zeros({2}), zeros({3}), gated); }, "[3]"},
                   {[] { map(zeros({2}), Tensor(), gated); }, "tensor 2 of 2 is undefined"},
                   {[] {
                      map(zeros({2}), [](Value a) {
                        map(ones({2}), [a](Value b) { return a * b; });
                        return a;
                      });
                    },
                    "another call"}}}}};

TEST(Map, EqualsTheOperationsAtEverySizeAndOverThreads) {
  for (const DType type : {f32, f64}) {
    for (const std::int64_t n : {1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025, 40000, 700001}) {
      const Tensor a = randn({n}, type);
      const Tensor b = randn({n}, type);
      EXPECT_TRUE(allclose(map(a, b, gated), a * sigmoid(b), 1e-6, 1e-7)) << name(type) << " " << n;
    }
  }
}

TEST(Map, WritesLargeResultsAroundTheCaches) {
  const std::int64_t n = (5 << 20) + 3;  // f32 of more than 16 MiB, with a part of a vector at the end
  const Tensor a = randn({n}).requires_grad_();
  const Tensor b = randn({n}).requires_grad_();
  const Tensor y = map(a, b, gated);
  EXPECT_TRUE(allclose(y, a * sigmoid(b), 1e-6, 1e-7));
  y.backward(ones({n}));
  const Tensor s = sigmoid(b.detach());
  EXPECT_TRUE(allclose(a.grad(), s, 1e-6, 1e-7));
  EXPECT_TRUE(allclose(b.grad(), a.detach() * s * (1 - s), 1e-5, 1e-6));
  // A result that is an input, and one that is a number.
  EXPECT_TRUE(equal(map(a, [](auto x) { return x; }), a));
  EXPECT_TRUE(equal(map(a, [](auto) { return 2.5; }), full({n}, 2.5)));
}

TEST(Map, DoesNotDependOnTheNumberOfThreads) {
  const Tensor a = randn({300, 1001}).transpose(0, 1);
  const Tensor b = randn({1, 300});
  const Tensor parallel = map(a, b, gated);
  const SerialGuard serial;
  EXPECT_TRUE(equal(map(a, b, gated), parallel));
}

TEST(Map, ReadsEveryLayoutAndBroadcast) {
  const Shape full_sizes{3, 5, 4, 6};
  const Shape shapes[] = {{3, 5, 4, 6}, {5, 1, 6}, {3, 1, 4, 1}, {6}, {}, {1, 5, 4, 1}};
  for (const DType type : {f32, f64, bf16, i32}) {
    for (const auto first : layouts::all) {
      const Tensor a = layouts::arranged((randn(full_sizes) * 4).to(type), first);
      for (const auto second : layouts::all) {
        for (const Shape& sizes : shapes) {
          const Tensor b = layouts::arranged((randn(sizes) * 4).to(f32), second);
          const Tensor y = map(a, b, [](auto a, auto b) { return a - b * 2; });
          const Tensor expected = a.to(f64) - b.to(f64) * 2;
          EXPECT_EQ(y.sizes(), full_sizes);
          const double tolerance = y.dtype() == bf16 ? 1e-2 : 1e-5;  // a 0-d f32 leaves bf16 as it is
          EXPECT_TRUE(allclose(y.to(f64), expected, tolerance, tolerance)) << name(type) << to_string(sizes);
        }
      }
    }
  }
}

TEST(Map, KeepsTheLayoutOfItsFirstFullSizeInput) {
  const Tensor a = randn({3, 4}).t();
  const Tensor b = randn({4, 3});
  EXPECT_EQ(map(randn({3}), a, gated).strides(), a.strides());
  EXPECT_EQ(map(b, a, gated).strides(), b.strides());
  EXPECT_TRUE(map(a.slice(0, {.step = 2}), quick_gelu).is_contiguous());
}

TEST(Map, ComputesNarrowTypesInF32AndRoundsOnce) {
  for (const DType type : {bf16, f16}) {
    const Tensor x = randn({1000}).to(type);
    const auto fn = [](auto x) { return x * 1.0009765625 * x - x; };
    EXPECT_EQ(map(x, fn).dtype(), type);
    EXPECT_TRUE(equal(map(x, fn), map(x.to(f32), fn).to(type)));
  }
}

TEST(Map, GradientsOfNarrowAndMixedTypesHaveTheInputsType) {
  const Tensor a = randn({4}).to(bf16).requires_grad_();
  const Tensor b = randn({2, 4}).to(f64).requires_grad_();
  map(a, b, gated).sum().backward();
  EXPECT_EQ(a.grad().dtype(), bf16);
  EXPECT_EQ(a.grad().sizes(), Shape({4}));
  EXPECT_TRUE(allclose(a.grad().to(f64), sigmoid(b.detach()).sum(0), 1e-2, 1e-2));
}

TEST(Map, TakesAnythingThatCanBeCalled) {
  const Tensor x = tensor({1.0F, 2.0F});
  float scale = 3;
  int bias = 1;
  EXPECT_TRUE(equal(map(x, [&](auto x) { return scale * x + bias; }), x * 3 + 1));
  const std::function<Value(Value)> fn = [](Value x) { return x + x; };
  EXPECT_TRUE(equal(map(x, fn), x * 2));
  const auto accumulated = [](auto x) {
    auto sum = x;
    for (int i = 0; i < 3; ++i) sum += x * i;
    sum -= 1;
    sum *= 2;
    sum /= 4;
    return sum;
  };
  EXPECT_TRUE(equal(map(x, accumulated), (x * 4 - 1) / 2));
}

TEST(Map, AnInputThatIsNotUsedCountsForTheShapeAndGetsNoGradient) {
  const Tensor x = randn({3}).requires_grad_();
  const Tensor y = randn({2, 1}).requires_grad_();
  const Tensor z = map(x, y, [](auto x, auto) { return x * x; });
  EXPECT_EQ(z.sizes(), Shape({2, 3}));
  z.sum().backward();
  EXPECT_TRUE(allclose(x.grad(), x.detach() * 4));
  EXPECT_FALSE(y.grad().defined());
  EXPECT_FALSE(map(y, [](auto) { return 1; }).requires_grad());
}

TEST(Map, AStepHasTheDerivativeZero) {
  const Tensor x = randn({3}).requires_grad_();
  map(x, [](auto x) { return floor(x) + where(x > 0, 1, 0); }).sum().backward();
  EXPECT_TRUE(equal(x.grad(), zeros({3})));
}

TEST(Map, SavesOnlyWhatItsGradientReads) {
  const Tensor leaf = ones({3}).requires_grad_();
  Tensor a = leaf * 2;
  Tensor b = leaf * 3;
  const Tensor y = map(a, b, [](auto a, auto b) { return a + b * b; });
  a.add_(1);
  EXPECT_NO_THROW(autograd::grad(y.sum(), leaf, {.retain_graph = true}));
  b.add_(1);
  try {
    y.sum().backward();
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("changed in place"), std::string::npos) << e.what();
  }
}

TEST(Map, ASecondBackwardNeedsTheGraph) {
  const Tensor x = ones({3}).requires_grad_();
  const Tensor y = map(x, [](auto x) { return x * x; }).sum();
  y.backward();
  EXPECT_THROW(y.backward(), Error);
}

TEST(Map, UsesEveryValueOnce) {
  Recorder recorder;
  const Value x = recorder.input(0);
  const Value unused = exp(x);
  const Value y = sigmoid(x) * 2 + 2 * sigmoid(x) + sigmoid(x + 0.0) * 1;
  (void)unused;
  const auto program = recorder.finish({&y, 1});
  // x, sigmoid(x), 2, their product, its sum with itself; 0, x + 0 (0 where x is -0), its sigmoid; the sum
  EXPECT_EQ(program.steps.size(), 9U);
}

TEST(Map, ComputesWithNumbersAtOnce) {
  Recorder recorder;
  const Value x = recorder.input(0);
  const Value half = exp(Value(0)) / 2;
  const Value y = where(Value(1) < 2 && !(Value(3) > 4), x * half, exp(x));
  const auto program = recorder.finish({&y, 1});
  EXPECT_EQ(program.steps.size(), 3U);  // x, 0.5, their product
}

}  // namespace
}  // namespace mica
