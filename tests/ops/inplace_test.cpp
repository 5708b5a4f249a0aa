#include <utility>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::any_shape;
using gradients::Case;
using gradients::Inputs;

// Operations in place on a clone of the first input: a tensor with a history.
gradients::Function on_clone(Tensor& (Tensor::*op)(const Tensor&)) {
  return [=](Inputs x) { return (x[0].clone().*op)(x[1]) * x[0]; };
}
golden::Operation with_tensor(Tensor& (Tensor::*op)(const Tensor&)) {
  return [op](Inputs x, const Args&) { return std::vector{(x[0].clone().*op)(x[1])}; };
}
golden::Operation with_number(Tensor& (Tensor::*op)(Scalar)) {
  return [op](Inputs x, const Args& a) { return std::vector{(x[0].clone().*op)(a.scalar("s"))}; };
}

table::Refusal of_leaf(std::function<void(Tensor&)> change) {
  return {[change = std::move(change)] {
            Tensor x = ones({2}).requires_grad_();
            change(x);
          },
          "a leaf that requires a gradient, f32 [2]"};
}
table::Refusal of_expanded(std::function<void(Tensor&)> change) {
  return {[change = std::move(change)] {
            Tensor x = ones({1}).expand({2});
            change(x);
          },
          "elements of the tensor share memory"};
}
table::Refusal of_integers(std::function<void(Tensor&)> change) {
  return {[change = std::move(change)] {
            Tensor x = tensor({1, 2});
            change(x);
          },
          "the result would be f32, the tensor is i64"};
}

table::Row function(const std::string& name, const std::string& title, Tensor& (Tensor::*op)(), double low,
                    double high) {
  const auto change = [op](Tensor& x) { (x.*op)(); };
  return {.name = name,
          .golden = {{name, [op](Inputs x, const Args&) { return std::vector{(x[0].clone().*op)()}; }}},
          .gradients = {any_shape({title + "InPlace",
                                   [op](Inputs x) { return (x[0].clone().*op)() * x[0]; },
                                   {{{2, 3}, low, high}}})},
          .refusals = {of_leaf(change), of_expanded(change)}};
}

const table::Rows rows{
    "inplace",
    {
        {.name = "fill_",
         .golden = {{"fill_", with_number(&Tensor::fill_)}},
         .gradients = {{"FillInPlace",
                        [](Inputs x) {
                          Tensor y = square(x[0]);
                          y.fill_(3);
                          return y * x[0];
                        },
                        {{{2, 3}}}}},
         .refusals = {of_leaf([](Tensor& x) { x.fill_(1); })}},
        {.name = "zero_",
         .golden = {{"zero_", [](Inputs x, const Args&) { return std::vector{x[0].clone().zero_()}; }}},
         .gradients = {{"ZeroInPlace", [](Inputs x) { return square(x[0]).zero_() + x[0]; }, {{{2, 3}}}}},
         .refusals = {{[] { ones({2}).requires_grad_().zero_(); }, "leaf", "fill_"}}},
        {.name = "copy_",
         .golden = {{"copy_", with_tensor(&Tensor::copy_)}},
         .gradients = {{"CopyInPlace", on_clone(&Tensor::copy_), {{{2, 3}}, {{3}}}}},
         .refusals = {{[] { zeros({3}).copy_(ones({2, 3})); }, "the result would have shape [2, 3]"},
                      of_leaf([](Tensor& x) { x.copy_(ones({2})); }),
                      of_expanded([](Tensor& x) { x.copy_(ones({2})); })}},
        {.name = "add_",
         .golden = {{"add_", [](Inputs x, const Args&) { return std::vector{x[0].clone() += x[1]}; }},
                    {"add_scalar", with_number(&Tensor::add_)},
                    {"add_alpha_",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].clone().add_(x[1], a.scalar("alpha"))};
                     }}},
         .gradients = {any_shape({"AddInPlace",
                                  [](Inputs x) { return x[0].clone().add_(x[1]) * x[0]; },
                                  {{{2, 3}}, {{2, 3}}}}),
                       {"AddInPlaceScaled",
                        [](Inputs x) { return x[0].clone().add_(x[1], -0.5) * x[0]; },
                        {{{2, 3}}, {{3}}}},
                       {"InPlaceOnAConstant",
                        [](Inputs x) { return (zeros({2, 3}, f64) += x[0]).mul_(x[0]); },
                        {{{2, 3}}}},
                       {"InPlaceTwice",
                        [](Inputs x) {
                          Tensor y = x[0] * 2;
                          y.add_(x[1]).mul_(x[1]);
                          return y + x[0];
                        },
                        {{{2, 3}}, {{2, 3}}}}},
         .refusals = {{[] { zeros({3}).add_(ones({2, 3})); }, "the result would have shape [2, 3]"},
                      {[] { tensor({true}).add_(tensor({1})); }, "the result would be i64, the tensor is bool"},
                      of_integers([](Tensor& x) { x.add_(0.5); }),
                      of_leaf([](Tensor& x) { x += 1; }),
                      of_expanded([](Tensor& x) { x += 1; })}},
        {.name = "sub_",
         .golden = {{"sub_", with_tensor(&Tensor::sub_)}, {"sub_scalar", with_number(&Tensor::sub_)}},
         .gradients = {{"SubInPlace", on_clone(&Tensor::sub_), {{{2, 3}}, {{2, 1}}}}},
         .refusals = {{[] { zeros({3}).sub_(ones({2, 3})); }, "the result would have shape [2, 3]"},
                      of_leaf([](Tensor& x) { x -= 1; })}},
        {.name = "mul_",
         .golden = {{"mul_", with_tensor(&Tensor::mul_)}, {"mul_scalar", with_number(&Tensor::mul_)}},
         .gradients = {{"MulInPlace", on_clone(&Tensor::mul_), {{{2, 3}}, {{3}}}},
                       {"MulInPlaceZeroSize", on_clone(&Tensor::mul_), {{{0, 3}}, {{3}}}},
                       {"MulInPlaceByItself",
                        [](Inputs x) {
                          Tensor y = x[0].clone();
                          return y.mul_(y);
                        },
                        {{{2, 3}}}},
                       {"MulInPlaceByAViewOfItself",
                        [](Inputs x) {
                          Tensor y = x[0].clone();
                          return y.mul_(y.t());
                        },
                        {{{2, 2}}}}},
         .refusals = {of_integers([](Tensor& x) { x.mul_(tensor({0.5})); }),
                      of_leaf([](Tensor& x) { x *= 2; }),
                      of_expanded([](Tensor& x) { x.mul_(ones({2})); })}},
        {.name = "div_",
         .golden = {{"div_", with_tensor(&Tensor::div_)}, {"div_scalar", with_number(&Tensor::div_)}},
         .gradients = {{"DivInPlace", on_clone(&Tensor::div_), {{{2, 3}}, {{3}, 0.5, 2}}},
                       {"NumbersInPlace",
                        [](Inputs x) { return (((x[0].clone() += 2) *= 3) -= 1).div_(4) * x[0]; },
                        {{{2, 3}}}},
                       {"DivInPlaceByItself",
                        [](Inputs x) {
                          Tensor y = x[0].clone();
                          return y.div_(y) * x[0];
                        },
                        {{{2, 3}, 0.5, 2}}}},
         .refusals = {of_integers([](Tensor& x) { x.div_(2); }), of_leaf([](Tensor& x) { x /= 2; })}},
        function("neg_", "Neg", &Tensor::neg_, -2, 2),
        function("abs_", "Abs", &Tensor::abs_, 0.2, 2),
        function("exp_", "Exp", &Tensor::exp_, -2, 2),
        function("log_", "Log", &Tensor::log_, 0.3, 2),
        function("sqrt_", "Sqrt", &Tensor::sqrt_, 0.3, 2),
        function("rsqrt_", "Rsqrt", &Tensor::rsqrt_, 0.3, 2),
        function("reciprocal_", "Reciprocal", &Tensor::reciprocal_, 0.4, 2),
        function("square_", "Square", &Tensor::square_, -2, 2),
        function("floor_", "Floor", &Tensor::floor_, 0.1, 0.4),
        function("ceil_", "Ceil", &Tensor::ceil_, 0.1, 0.4),
        function("round_", "Round", &Tensor::round_, 0.1, 0.4),
        function("trunc_", "Trunc", &Tensor::trunc_, 0.1, 0.4),
        function("relu_", "Relu", &Tensor::relu_, 0.2, 2),
        function("sigmoid_", "Sigmoid", &Tensor::sigmoid_, -2, 2),
        function("tanh_", "Tanh", &Tensor::tanh_, -2, 2),
        {.name = "pow_",
         .golden = {{"pow_", with_number(&Tensor::pow_)}},
         .gradients = {any_shape({"PowInPlace",
                                  [](Inputs x) { return x[0].clone().pow_(2.5) * x[0]; },
                                  {{{2, 3}, 0.3, 2}}})},
         .refusals = {of_integers([](Tensor& x) { x.pow_(0.5); }), of_leaf([](Tensor& x) { x.pow_(2); })}},
        {.name = "clamp_",
         .golden = {{"clamp_",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].clone().clamp_(a.maybe_real("min"), a.maybe_real("max"))};
                     }}},
         .gradients = {any_shape({"ClampInPlace",
                                  [](Inputs x) { return square(x[0]).clamp_(0.5, 2) * x[0]; },
                                  {{{2, 3}}}})},
         .refusals = {of_integers([](Tensor& x) { x.clamp_(0.5, 1); }),
                      of_leaf([](Tensor& x) { x.clamp_(0, 1); }),
                      of_expanded([](Tensor& x) { x.clamp_(0, 1); })}},
        {.name = "masked_fill_",
         .golden = {{"masked_fill_",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].clone().masked_fill_(x[1], a.scalar("s"))};
                     }}},
         .gradients = {{"MaskedFillInPlace",
                        [](Inputs x) { return square(x[0]).masked_fill_(tensor({true, false, true}), 5) * x[0]; },
                        {{{2, 3}}}}},
         .refusals = {of_leaf([](Tensor& x) { x.masked_fill_(tensor({true, false}), 1); }),
                      {[] { ones({2}).masked_fill_(tensor({{true}, {false}}), 0); }, "shape [2, 2]"}}},
        {.name = "lerp_",
         .golden = {{"lerp_",
                     [](Inputs x, const Args& a) { return std::vector{x[0].clone().lerp_(x[1], a.scalar("s"))}; }}},
         .gradients = {any_shape({"LerpInPlace",
                                  [](Inputs x) { return x[0].clone().lerp_(x[1], 0.25) * x[0]; },
                                  {{{2, 3}}, {{2, 3}}}}),
                       {"LerpInPlaceToItself",
                        [](Inputs x) {
                          Tensor y = square(x[0]);
                          return y.lerp_(y, 0.25);
                        },
                        {{{2, 3}}}}},
         .refusals = {of_leaf([](Tensor& x) { x.lerp_(ones({2}), 0.5); })}},
        {.name = "addcmul_",
         .golden = {{"addcmul_",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].clone().addcmul_(x[1], x[2], a.scalar("s"))};
                     }}},
         .gradients = {any_shape({"AddcmulInPlace",
                                  [](Inputs x) { return x[0].clone().addcmul_(x[1], x[2], 2) * x[0]; },
                                  {{{2, 3}}, {{2, 3}}, {{2, 3}}}}),
                       {"AddcmulInPlaceOfItself",
                        [](Inputs x) {
                          Tensor y = square(x[0]);
                          return y.addcmul_(y, y);
                        },
                        {{{2, 3}}}}},
         .refusals = {of_leaf([](Tensor& x) { x.addcmul_(ones({2}), ones({2})); }),
                      of_integers([](Tensor& x) { x.addcmul_(ones({2}), ones({2})); })}},
        {.name = "addcdiv_",
         .golden = {{"addcdiv_",
                     [](Inputs x, const Args& a) {
                       return std::vector{x[0].clone().addcdiv_(x[1], x[2], a.scalar("s"))};
                     }}},
         .gradients = {any_shape({"AddcdivInPlace",
                                  [](Inputs x) { return x[0].clone().addcdiv_(x[1], x[2], 2) * x[0]; },
                                  {{{2, 3}}, {{2, 3}}, {{2, 3}, 0.5, 2}}})},
         .refusals = {of_leaf([](Tensor& x) { x.addcdiv_(ones({2}), ones({2})); })}},
    }};

TEST(Inplace, FunctionsWriteTheTensorsOwnMemoryAndAreRecordedByName) {
  Tensor x = full({3}, 4, f64);
  const void* memory = x.raw_data();
  EXPECT_EQ(&x.sqrt_(), &x);
  EXPECT_EQ(x.raw_data(), memory);
  Tensor y = x.clone().requires_grad_() * 1;
  memory = y.raw_data();
  y.square_();
  EXPECT_EQ(y.raw_data(), memory);
  EXPECT_EQ(y.grad_fn_name(), "square");
}

TEST(Inplace, ChangesMakeWhatWasSavedStale) {
  const Tensor x = full({3}, 0.5, f64).requires_grad_();
  Tensor y = x * 1;
  const Tensor z = y.exp().sum();
  const Tensor saved = (y * y).sum();
  y.neg_();
  EXPECT_NO_THROW(z.backward());  // exp keeps its result
  EXPECT_THROW(saved.backward(), Error);
}

TEST(Inplace, OfTrackedViewsIsRefused) {
  const Tensor x = (ones({2, 3}).requires_grad_()) * 1;
  EXPECT_THROW(x[0].exp_(), Error);
  EXPECT_THROW(x[0].clamp_(0, 1), Error);
}

TEST(Inplace, ChangesTheMemoryOfAllViews) {
  Tensor x = zeros({2, 3});
  const Tensor column = x.select(1, 1);
  x.t()[1].add_(5);
  EXPECT_EQ(column.to_vector<float>(), (std::vector<float>{5, 5}));
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 5, 0, 0, 5, 0}));
  EXPECT_EQ(&(x += 1), &x);
}

TEST(Inplace, OfAViewOfItsOwnMemoryReadsBeforeItWrites) {
  Tensor x = arange(9.0).reshape({3, 3});
  x.add_(x.t());
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 4, 8, 4, 8, 12, 8, 12, 16}));
  Tensor y = arange(6.0);
  y.slice(0, {1, 6}).copy_(y.slice(0, {0, 5}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 0, 1, 2, 3, 4}));
  Tensor z = arange(6.0);
  z.slice(0, {0, 5}).copy_(z.slice(0, {1, 6}));
  EXPECT_EQ(z.to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 5}));
}

TEST(Inplace, TakesExpandedTensorsWhoseElementsDoNotShareMemory) {
  EXPECT_NO_THROW(ones({2, 1}).expand({2, 1}).add_(1));
  EXPECT_NO_THROW(ones({1}).expand({0}).add_(1));
}

TEST(Inplace, NarrowTypesRoundOnce) {
  Tensor x = full({3}, 1, bf16);
  x.add_(full({3}, 1.0 / 512, f32));
  EXPECT_EQ(x.dtype(), bf16);
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(3, 1));  // half a unit in the last place: to even
  x.mul_(3);
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(3, 3));
}

}  // namespace
}  // namespace mica
