#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"
#include "gradients.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Input;
using gradients::Inputs;

// x.clone().op(other): an operation in place on a tensor with a history.
template <class... A> gradients::Function on_clone(Tensor& (Tensor::*op)(const Tensor&, A...), A... rest) {
  return [=](Inputs x) { return (x[0].clone().*op)(x[1], rest...) * x[0]; };
}

const gradients::Cases inplace_cases{
    {"AddInPlace", on_clone<Scalar>(&Tensor::add_, 1), {{{2, 3}}, {{2, 3}}}},
    {"AddInPlaceScaled", on_clone<Scalar>(&Tensor::add_, -0.5), {{{2, 3}}, {{3}}}},
    {"SubInPlace", on_clone(&Tensor::sub_), {{{2, 3}}, {{2, 1}}}},
    {"MulInPlace", on_clone(&Tensor::mul_), {{{2, 3}}, {{3}}}},
    {"MulInPlaceZeroSize", on_clone(&Tensor::mul_), {{{0, 3}}, {{3}}}},
    {"DivInPlace", on_clone(&Tensor::div_), {{{2, 3}}, {{3}, 0.5, 2}}},
    {"CopyInPlace", on_clone(&Tensor::copy_), {{{2, 3}}, {{3}}}},
    {"NumbersInPlace", [](Inputs x) { return (((x[0].clone() += 2) *= 3) -= 1).div_(4) * x[0]; }, {{{2, 3}}}},
    {"InPlaceOnAConstant", [](Inputs x) { return (zeros({2, 3}, f64) += x[0]).mul_(x[0]); }, {{{2, 3}}}},
    {"FillInPlace",
     [](Inputs x) {
       Tensor y = square(x[0]);
       y.fill_(3);
       return y * x[0];
     },
     {{{2, 3}}}},
    {"InPlaceTwice",
     [](Inputs x) {
       Tensor y = x[0] * 2;
       y.add_(x[1]).mul_(x[1]);
       return y + x[0];
     },
     {{{2, 3}}, {{2, 3}}}},
};

golden::Operation on_clone_golden(Tensor& (Tensor::*op)(const Tensor&)) {
  return [op](Inputs x, const Args&) { return std::vector{(x[0].clone().*op)(x[1])}; };
}
golden::Operation with_number(Tensor& (Tensor::*op)(Scalar)) {
  return [op](Inputs x, const Args& a) { return std::vector{(x[0].clone().*op)(a.scalar("s"))}; };
}

TEST(Inplace, AgreesWithPyTorch) {
  golden::expect_golden(
      "inplace",
      {
          {"add_", [](Inputs x, const Args&) { return std::vector{x[0].clone() += x[1]}; }},
          {"sub_", on_clone_golden(&Tensor::sub_)},
          {"mul_", on_clone_golden(&Tensor::mul_)},
          {"div_", on_clone_golden(&Tensor::div_)},
          {"add_scalar", with_number(&Tensor::add_)},
          {"sub_scalar", with_number(&Tensor::sub_)},
          {"mul_scalar", with_number(&Tensor::mul_)},
          {"div_scalar", with_number(&Tensor::div_)},
          {"add_alpha_",
           [](Inputs x, const Args& a) { return std::vector{x[0].clone().add_(x[1], a.scalar("alpha"))}; }},
          {"copy_", on_clone_golden(&Tensor::copy_)},
          {"fill_", with_number(&Tensor::fill_)},
      });
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

TEST(Inplace, NeverGrowsTheTensorOrItsType) {
  EXPECT_THROW(zeros({3}).add_(ones({2, 3})), Error);
  EXPECT_THROW(zeros({3}).copy_(ones({2, 3})), Error);
  EXPECT_THROW(tensor({1, 2}).add_(0.5), Error);
  EXPECT_THROW(tensor({1, 2}).div_(2), Error);
  EXPECT_THROW(tensor({1, 2}).mul_(tensor({0.5})), Error);
  EXPECT_THROW(tensor({true}).add_(tensor({1})), Error);
}

TEST(Inplace, RefusesTensorsWhoseElementsShareMemory) {
  EXPECT_THROW(ones({1}).expand({3}).add_(1), Error);
  EXPECT_THROW(ones({1}).expand({3}).mul_(ones({3})), Error);
  EXPECT_THROW(ones({1}).expand({3}).copy_(ones({3})), Error);
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
