#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/functional.h>
#include <mica/autograd/gradcheck.h>
#include <mica/ops/ops.h>

#include "message_of.h"

namespace mica {
namespace {

using autograd::hessian;
using autograd::jacobian;
using autograd::jvp;
using autograd::vjp;
using testing::HasSubstr;
using Inputs = std::span<const Tensor>;
using Numbers = std::vector<double>;

Tensor vector(Numbers values) { return from_vector(values); }
Numbers numbers(const Tensor& x) { return x.detach().to_vector<double>(); }

TEST(Functional, JacobianHasTheSizesOfOutputAndInput) {
  const Tensor x = vector({1, 2, 3, 4, 5, 6}).view({2, 3});
  const Tensor weight = vector({1, 0, 2, 0, 3, 0}).view({3, 2});
  const Tensor J = jacobian([&](const Tensor& in) { return matmul(in, weight); }, x);
  EXPECT_EQ(J.sizes(), Shape({2, 2, 2, 3}));
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      for (int k = 0; k < 2; ++k)
        for (int l = 0; l < 3; ++l) EXPECT_EQ(J[i][j][k][l].item(), i == k ? weight[l][j].item() : 0);
  EXPECT_FALSE(J.requires_grad());
  EXPECT_FALSE(x.requires_grad());
}

TEST(Functional, JacobianOfSeveralBySeveral) {
  const std::vector<Tensor> in{vector({1, 2}), vector({3, 4})};
  const auto J = jacobian([](Inputs x) { return std::vector{x[0] * x[1], x[1].sum()}; }, in);
  ASSERT_EQ(J.size(), 2U);
  EXPECT_EQ(numbers(J[0][0]), (Numbers{3, 0, 0, 4}));
  EXPECT_EQ(numbers(J[0][1]), (Numbers{1, 0, 0, 2}));
  EXPECT_EQ(numbers(J[1][0]), (Numbers{0, 0}));  // independent: zero
  EXPECT_EQ(J[1][1].sizes(), Shape({2}));
  EXPECT_EQ(numbers(J[1][1]), (Numbers{1, 1}));
}

TEST(Functional, JacobianOfEmptyAndScalars) {
  const auto twice = [](const Tensor& x) { return x * 2; };
  EXPECT_EQ(jacobian(twice, zeros({0}, f64)).sizes(), Shape({0, 0}));
  EXPECT_EQ(jacobian(twice, full({}, 3, f64)).item(), 2);
  EXPECT_EQ(jacobian(twice, full({}, 3, f64)).dim(), 0);
}

TEST(Functional, HessianIsTheJacobianOfTheGradient) {
  const Tensor x = vector({1, 2, 3});
  EXPECT_EQ(numbers(hessian([](const Tensor& in) { return (in * in * in).sum(); }, x)),
            (Numbers{6, 0, 0, 0, 12, 0, 0, 0, 18}));
  const std::vector<Tensor> in{vector({2}), vector({5})};
  const auto H = hessian([](Inputs v) { return (v[0] * v[0] * v[1]).sum(); }, in);
  EXPECT_EQ(numbers(H[0][0]), Numbers{10});
  EXPECT_EQ(numbers(H[0][1]), Numbers{4});
  EXPECT_EQ(numbers(H[1][0]), Numbers{4});
  EXPECT_EQ(numbers(H[1][1]), Numbers{0});
  EXPECT_EQ(numbers(hessian([](const Tensor& v) { return v.sum(); }, x)), Numbers(9));  // linear
}

TEST(Functional, ProductsAgreeWithTheJacobian) {
  const Tensor x = vector({0.5, -1, 2}), v = vector({1, 2, 3});
  const auto fn = [](const Tensor& in) { return tanh(in) * in.sum(); };
  const Tensor J = jacobian(fn, x);
  const auto [y, pulled] = vjp(fn, x, v);
  const auto [same, pushed] = jvp(fn, x, v);
  EXPECT_EQ(numbers(y), numbers(fn(x)));
  EXPECT_EQ(numbers(same), numbers(y));
  EXPECT_TRUE(allclose(pulled, matmul(v, J), 1e-12));
  EXPECT_TRUE(allclose(pushed, matmul(J, v), 1e-12));
  EXPECT_FALSE(pulled.requires_grad() || pushed.requires_grad() || y.requires_grad());
}

TEST(Functional, ProductsOfSeveral) {
  const std::vector<Tensor> in{vector({1, 2}), vector({3, 4})};
  const auto fn = [](Inputs x) { return std::vector{x[0] * x[1], x[1].sum()}; };
  const auto [y, pulled] = vjp(fn, in, std::vector{vector({1, 1}), Tensor()});
  EXPECT_EQ(numbers(pulled[0]), (Numbers{3, 4}));
  EXPECT_EQ(numbers(pulled[1]), (Numbers{2, 3}));
  const auto [same, pushed] = jvp(fn, in, std::vector{vector({1, 0}), vector({0, 1})});
  EXPECT_EQ(numbers(pushed[0]), (Numbers{3, 2}));
  EXPECT_EQ(numbers(pushed[1]), Numbers{1});
}

TEST(Functional, CreateGraphMakesThemFunctionsOfTheInputs) {
  const Tensor x = vector({0.5, -1, 2}).requires_grad_();
  const auto fn = [](const Tensor& in) { return tanh(in) * in.sum(); };
  const autograd::FunctionalOptions graph{.create_graph = true};
  const Tensor v = vector({1, 2, 3});
  const auto check = [&](auto of) { EXPECT_EQ(autograd::gradcheck(of, {&x, 1}), ""); };
  check([&](Inputs in) { return jacobian(fn, in[0], graph); });
  check([&](Inputs in) { return hessian([&](const Tensor& t) { return fn(t).sum(); }, in[0], graph); });
  check([&](Inputs in) { return vjp(fn, in[0], v, graph).second; });
  check([&](Inputs in) { return jvp(fn, in[0], v, graph).second; });
  EXPECT_FALSE(x.grad().defined());
}

TEST(Functional, WhatDoesNotDependOnTheInputIsZeroOrWithStrictAnError) {
  const Tensor x = vector({1, 2});
  const auto constant = [](const Tensor&) { return ones({3}, f64); };
  EXPECT_EQ(numbers(jacobian(constant, x)), Numbers(6));
  EXPECT_EQ(numbers(vjp(constant, x, ones({3}, f64)).second), Numbers(2));
  EXPECT_EQ(numbers(jvp(constant, x, ones({2}, f64)).second), Numbers(3));
  EXPECT_THAT(message_of([&] { jacobian(constant, x, {.strict = true}); }),
              HasSubstr("[jacobian] output 0 depends on no input"));
  EXPECT_THAT(message_of([&] { vjp(constant, x, ones({3}, f64), {.strict = true}); }), HasSubstr("[vjp]"));
  EXPECT_THAT(message_of([&] { jvp(constant, x, ones({2}, f64), {.strict = true}); }), HasSubstr("[jvp]"));
  const std::vector<Tensor> in{x, x};
  const auto first = [](Inputs v) { return std::vector{v[0] * 2}; };
  EXPECT_THAT(message_of([&] { jacobian(first, in, {.strict = true}); }),
              HasSubstr("do not depend on input 1"));
}

TEST(Functional, ErrorsSayWhatWasGiven) {
  const Tensor x = vector({1, 2});
  const auto twice = [](const Tensor& in) { return in * 2; };
  EXPECT_THAT(message_of([&] { vjp(twice, x, ones({3}, f64)); }),
              HasSubstr("[vjp] output 0 has shape [2], its direction has [3]"));
  EXPECT_THAT(message_of([&] { vjp(twice, x); }), HasSubstr("its direction was left out"));
  EXPECT_THAT(message_of([&] { jvp(twice, x); }), HasSubstr("[jvp] input 0 has shape [2]"));
  EXPECT_THAT(message_of([&] { hessian(twice, x); }),
              HasSubstr("[hessian] the function's result has shape [2]"));
  EXPECT_THAT(message_of([&] { jacobian(twice, arange(3)); }), HasSubstr("input 0 is i64"));
  EXPECT_THAT(message_of([&] { jacobian(twice, ones({1, 1, 1, 1, 1}, f64)); }),
              HasSubstr("more than 8 dimensions"));
}

}  // namespace
}  // namespace mica
