#include <array>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "../golden/golden.h"
#include "table.h"

namespace mica {
namespace {

using golden::Args;
using golden::Inputs;

DType type_of(const Args& a, DType otherwise = f32) {
  return a.has("dtype") ? golden::dtype(a.text("dtype")) : otherwise;
}
std::optional<DType> maybe_type_of(const Args& a) {
  return a.has("dtype") ? std::optional(type_of(a)) : std::nullopt;
}

// Wraps a function of the arguments alone, or of one input and them.
golden::Operation of(std::function<Tensor(const Args&)> fn) {
  return [=](Inputs, const Args& a) { return std::vector{fn(a)}; };
}
golden::Operation on(std::function<Tensor(const Tensor&, const Args&)> fn) {
  return [=](Inputs x, const Args& a) { return std::vector{fn(x[0], a)}; };
}

constexpr auto takes_no_input = "it takes no tensor";
constexpr auto constant = "the result does not depend on the numbers";
constexpr std::int64_t huge = std::int64_t{1} << 40;
const table::Refusal negative_size{[] { zeros({2, -1}); }, "negative size in [2, -1]", "empty"};

const table::Rows rows{
    "creation",
    {
        {.name = "zeros",
         .golden = {{"zeros", of([](const Args& a) { return zeros(a.shape("sizes"), type_of(a)); })}},
         .refusals = {negative_size,
                      {[] { zeros({huge, huge}); }, "more bytes than can be counted", "empty"}},
         .without_gradients = takes_no_input},
        {.name = "ones",
         .golden = {{"ones", of([](const Args& a) { return ones(a.shape("sizes"), type_of(a)); })}},
         .refusals = {{[] { ones({-3}); }, "negative size in [-3]", "empty"}},
         .without_gradients = takes_no_input},
        {.name = "full",
         .golden = {{"full", of([](const Args& a) {
                       return full(a.shape("sizes"), a.scalar("value"), type_of(a));
                     })}},
         .refusals = {{[] { full({0, huge, huge}, 1); }, "[0, 1099511627776, 1099511627776]", "empty"}},
         .without_gradients = takes_no_input},
        {.name = "zeros_like",
         .golden = {{"zeros_like",
                     on([](const Tensor& x, const Args& a) { return zeros_like(x, maybe_type_of(a)); })}},
         .without_gradients = constant,
         .without_refusals = "every tensor has a shape"},
        {.name = "ones_like",
         .golden = {{"ones_like",
                     on([](const Tensor& x, const Args& a) { return ones_like(x, maybe_type_of(a)); })}},
         .without_gradients = constant,
         .without_refusals = "every tensor has a shape"},
        {.name = "full_like",
         .golden = {{"full_like", on([](const Tensor& x, const Args& a) {
                       return full_like(x, a.scalar("value"), maybe_type_of(a));
                     })}},
         .without_gradients = constant,
         .without_refusals = "every tensor has a shape"},
        {.name = "arange",
         .golden = {{"arange", of([](const Args& a) {
                       const Scalar first = a.scalar("first"), last = a.scalar("last"),
                                    step = a.scalar("step");
                       return a.has("dtype") ? arange(first, last, step, type_of(a))
                                             : arange(first, last, step);
                     })}},
         .refusals = {{[] { arange(0, 5, 0); }, "from 0 to 5 in steps of 0"},
                      {[] { arange(0, 5, -1); }, "steps of -1 never lead from 0 to 5"}},
         .without_gradients = takes_no_input},
        {.name = "linspace",
         .golden = {{"linspace", of([](const Args& a) {
                       return linspace(a.real("first", 0), a.real("last", 0), a.integer("steps"), type_of(a));
                     })}},
         .refusals = {{[] { linspace(0, 1, -1); }, "-1 steps"}},
         .without_gradients = takes_no_input},
        {.name = "logspace",
         .golden = {{"logspace", of([](const Args& a) {
                       return logspace(a.real("first", 0), a.real("last", 0), a.integer("steps"),
                                       a.real("base", 10), type_of(a));
                     })}},
         .refusals = {{[] { logspace(0, 1, -2); }, "-2 steps"}},
         .without_gradients = takes_no_input},
        {.name = "eye",
         .golden = {{"eye", of([](const Args& a) {
                       return eye(a.integer("n"), a.maybe_integer("m"), type_of(a));
                     })}},
         .refusals = {{[] { eye(2, -1); }, "negative size in [2, -1]", "empty"}},
         .without_gradients = takes_no_input},
        {.name = "to",
         .golden = {{"to", on([](const Tensor& x, const Args& a) { return x.to(type_of(a)); })}},
         .gradients = {gradients::any_shape(
             {"ToNarrowerAndBack", [](gradients::Inputs x) { return (x[0] * 3).to(f64); }, {{{2, 3}}}})},
         .without_refusals = "every dtype converts to every other"},
        {.name = "clone",
         .golden = {{"clone", on([](const Tensor& x, const Args&) { return x.clone(); })}},
         .gradients = {gradients::any_shape(
             {"CloneOfAnyShape", [](gradients::Inputs x) { return x[0].clone() * x[0]; }, {{{2, 3}}}})},
         .without_refusals = "every tensor can be copied"},
        {.name = "contiguous",
         .golden = {{"contiguous", on([](const Tensor& x, const Args&) { return x.contiguous(); })}},
         .gradients = {gradients::any_shape({"ContiguousOfAnyShape",
                                             [](gradients::Inputs x) { return x[0].contiguous() * x[0]; },
                                             {{{2, 3}}}})},
         .without_refusals = "every tensor can be copied"},
    }};

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

TEST(Creation, ThreeLevelsOfBracesMakeThreeDimensions) {
  const Tensor x = tensor({{{1, 2, 3}, {4, 5, 6}}, {{7, 8, 9}, {10, 11, 12}}});
  EXPECT_EQ(x.sizes(), Shape({2, 2, 3}));
  EXPECT_EQ(x.dtype(), i64);
  EXPECT_TRUE(equal(x, arange(1, 13).reshape({2, 2, 3})));
  EXPECT_THROW(tensor({{{1, 2}, {3, 4}}, {{5, 6}}}), Error);
  EXPECT_THROW(tensor({{{1, 2}}, {{5}}}), Error);
  EXPECT_THROW(tensor({{{1, 2}, {3}}}), Error);
}

// ---- memory of others ----

TEST(Creation, SpansStayTheCallers) {
  std::array<double, 6> memory{1, 2, 3, 4, 5, 6};
  const Tensor x = from_blob(std::span(memory), {2, 3});
  EXPECT_EQ(x.raw_data(), memory.data());
  memory[4] = 50;
  EXPECT_EQ(x[1][1].item(), 50);
  Tensor(x).mul_(2);
  EXPECT_EQ(memory[5], 12);
  EXPECT_EQ(from_blob(std::span<std::int32_t>{}).sizes(), Shape({0}));
  EXPECT_THROW(from_blob(std::span(memory), {7}), Error);
}

TEST(Creation, VectorsAreTakenWithoutACopy) {
  std::vector<float> values{1, 2, 3, 4};
  const float* memory = values.data();
  Tensor row;
  {
    const Tensor x = from_vector(std::move(values), {2, 2});
    EXPECT_EQ(x.raw_data(), memory);
    row = x[1];
  }
  EXPECT_EQ(row.to_vector<float>(), (std::vector<float>{3, 4}));  // the vector lives as long as its views
  EXPECT_EQ((row + 1).to_vector<float>(), (std::vector<float>{4, 5}));
  EXPECT_EQ(from_vector(std::vector<std::uint8_t>{7}).item<int>(), 7);
  EXPECT_THROW(from_vector(std::vector<float>{1, 2}, {3}), Error);
}

TEST(Creation, NoShapeIsTooLargeToBeRefused) {
  for (const Shape& sizes : {Shape({huge, huge}), Shape({-1}), Shape({huge, 0, huge}),
                             Shape({std::numeric_limits<std::int64_t>::max()})}) {
    SCOPED_TRACE(to_string(sizes));
    EXPECT_THROW(empty(sizes), Error);
    EXPECT_THROW(zeros(sizes, u8).to(f64), Error);
    EXPECT_THROW(rand(sizes), Error);
    EXPECT_THROW(randint(5, sizes), Error);
    EXPECT_THROW(from_blob(nullptr, sizes, f64), Error);
  }
  EXPECT_THROW(arange(std::numeric_limits<std::int64_t>::max()), Error);
  EXPECT_THROW(linspace(0, 1, huge * 64), Error);
  EXPECT_THROW(eye(huge), Error);
}

}  // namespace
}  // namespace mica
