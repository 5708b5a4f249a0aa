#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "golden.h"

namespace mica {
namespace {

using golden::Args;
using golden::Inputs;

DType type_of(const Args& a) { return a.text("dtype") == "f64" ? f64 : f32; }
void seed(const Args& a) { manual_seed(static_cast<std::uint64_t>(a.integer("seed"))); }

TEST(Creation, AgreesWithPyTorchAndDrawsItsNumbers) {
  golden::expect_golden(
      "creation",
      {
          {"arange",
           [](Inputs, const Args& a) {
             return std::vector{arange(a.scalar("first"), a.scalar("last"), a.scalar("step"))};
           }},
          {"eye", [](Inputs, const Args& a) { return std::vector{eye(a.integer("n"), a.integer("m"))}; }},
          {"rand",
           [](Inputs, const Args& a) {
             seed(a);
             return std::vector{rand(a.shape("sizes"), type_of(a))};
           }},
          {"randn",
           [](Inputs, const Args& a) {
             seed(a);
             return std::vector{randn(a.shape("sizes"), type_of(a))};
           }},
          {"randint",
           [](Inputs, const Args& a) {
             seed(a);
             return std::vector{randint(a.integer("low"), a.integer("high"), a.shape("sizes"))};
           }},
          {"randperm",
           [](Inputs, const Args& a) {
             seed(a);
             return std::vector{randperm(a.integer("n"))};
           }},
      });
}

TEST(Creation, LiteralsTakePyTorchsTypes) {
  EXPECT_EQ(tensor(3).dtype(), i64);
  EXPECT_EQ(tensor(3.5).dtype(), f32);
  EXPECT_EQ(tensor(true).dtype(), boolean);
  EXPECT_EQ(tensor(3).dim(), 0);
  EXPECT_EQ(tensor({1, 2, 3}).sizes(), Shape({3}));
  const Tensor m = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  EXPECT_EQ(m.sizes(), Shape({2, 3}));
  EXPECT_EQ(m.to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(tensor({(std::int64_t{1} << 60) + 1}).item<std::int64_t>(), (std::int64_t{1} << 60) + 1);
  EXPECT_EQ(tensor({{true, false}}).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_THROW(tensor({{1, 2}, {3}}), Error);
}

TEST(Creation, FromVectorCopies) {
  std::vector<double> values{1, 2, 3, 4, 5, 6};
  const Tensor x = from_vector(values, {2, 3});
  values[0] = 9;
  EXPECT_EQ(x[0][0].item(), 1);
  EXPECT_EQ(x.dtype(), f64);
  EXPECT_EQ(from_vector(std::vector<std::int64_t>{}).sizes(), Shape({0}));
  EXPECT_EQ(from_vector(std::vector<bool>{true, false}).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_THROW(from_vector(values, {4, 2}), Error);
}

TEST(Creation, FillsEveryType) {
  for (const DType type : {f32, f64, bf16, f16, i64, i32, u8, boolean}) {
    EXPECT_EQ(full({2, 2}, 1, type).to_vector<double>(), std::vector<double>(4, 1)) << name(type);
    EXPECT_EQ(zeros({3}, type).dtype(), type);
    EXPECT_EQ(eye(2, 2, type).to_vector<double>(), (std::vector<double>{1, 0, 0, 1}));
  }
  EXPECT_EQ(full({1}, (std::int64_t{1} << 60) + 1, i64).item<std::int64_t>(), (std::int64_t{1} << 60) + 1);
}

TEST(Creation, LikeKeepsShapeTypeAndMemoryOrder) {
  const Tensor x = zeros({2, 3}, f64).t();
  EXPECT_EQ(ones_like(x).strides(), x.strides());
  EXPECT_EQ(zeros_like(x).dtype(), f64);
  EXPECT_TRUE(zeros_like(ones({1}).expand({4})).is_contiguous());
}

TEST(Creation, OwnGeneratorsLeaveTheDefaultOneAlone) {
  manual_seed(1);
  const Tensor expected = rand({4});
  manual_seed(1);
  Generator generator(5);
  const Tensor own = rand({4}, generator);
  EXPECT_TRUE(equal(rand({4}), expected));
  Generator again(5);
  EXPECT_TRUE(equal(rand({4}, again), own));
}

TEST(Creation, DrawsInPlaceWhateverTheStridesAndTheType) {
  manual_seed(2);
  const Tensor expected = empty({3, 4}).uniform_(-1, 1);
  manual_seed(2);
  Tensor wide = zeros({3, 8});
  wide.slice(1, {0, 8, 2}).uniform_(-1, 1);
  EXPECT_TRUE(equal(wide.slice(1, {0, 8, 2}), expected));
  EXPECT_TRUE(equal(wide.slice(1, {1, 8, 2}), zeros({3, 4})));
  manual_seed(2);
  EXPECT_TRUE(equal(empty({3, 4}, bf16).uniform_(-1, 1), expected.to(bf16)));
}

TEST(Creation, BernoulliDrawsZeroesAndOnes) {
  const Tensor x = empty({10000}, f64).bernoulli_(0.3);
  EXPECT_TRUE(logical_or(x == 0, x == 1).all().item<bool>());
  EXPECT_NEAR(x.mean().item(), 0.3, 0.02);
  EXPECT_EQ(empty({5}, i64).bernoulli_(1).to_vector<int>(), std::vector<int>(5, 1));
}

TEST(Creation, ExplainsWhatItRefuses) {
  EXPECT_THROW(arange(0, 5, 0), Error);
  EXPECT_THROW(arange(0, 5, -1), Error);
  EXPECT_THROW(rand({2}, i64), Error);
  EXPECT_THROW(randint(3, 3, {2}), Error);
  EXPECT_THROW(zeros({-1}), Error);
  EXPECT_THROW(zeros({2}).normal_(0, -1), Error);
  EXPECT_THROW(zeros({2}).bernoulli_(1.5), Error);
  EXPECT_THROW(zeros({std::int64_t{1} << 40, std::int64_t{1} << 40}), Error);
}

}  // namespace
}  // namespace mica
