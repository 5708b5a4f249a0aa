#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/ops/ops.h>

#include "../golden/golden.h"
#include "layouts.h"
#include "table.h"

namespace mica {
namespace {

using golden::Args;
using golden::Inputs;

DType type_of(const Args& a) { return a.has("dtype") ? golden::dtype(a.text("dtype")) : i64; }

layouts::Layout layout_of(const std::string& layout) {
  return layout == "transposed" ? layouts::Layout::transposed
         : layout == "stepped"  ? layouts::Layout::stepped
                                : layouts::Layout::contiguous;
}
Tensor target(const Args& a) {
  return layouts::empty_in(layout_of(a.text("layout")), a.shape("sizes"), type_of(a)).fill_(0);
}

// Seeds the default generator, then draws.
golden::Operation seeded(std::function<Tensor(const Args&)> fn) {
  return [=](Inputs, const Args& a) {
    manual_seed(static_cast<std::uint64_t>(a.integer("seed")));
    return std::vector{fn(a)};
  };
}

constexpr auto takes_no_input = "it takes no tensor";
constexpr auto independent = "the result does not depend on the numbers";
constexpr auto counts = "positions have no gradient";

const table::Rows rows{
    "random",
    {
        {.name = "rand",
         .golden = {{"rand", seeded([](const Args& a) { return rand(a.shape("sizes"), type_of(a)); })}},
         .refusals = {{[] { rand({2}, i64); }, "not i64"}, {[] { rand({-2}); }, "negative size", "empty"}},
         .without_gradients = takes_no_input},
        {.name = "randn",
         .golden = {{"randn", seeded([](const Args& a) { return randn(a.shape("sizes"), type_of(a)); })}},
         .refusals = {{[] { randn({2}, boolean); }, "not bool"}},
         .without_gradients = takes_no_input},
        {.name = "randint",
         .golden = {{"randint", seeded([](const Args& a) {
                       return randint(a.integer("low"), a.integer("high"), a.shape("sizes"), type_of(a));
                     })}},
         .refusals = {{[] { randint(3, 3, {2}); }, "no integer lies in [3, 3)"},
                      {[] { randint(0, 257, {2}, u8); }, "it counts from 0 to 255"},
                      {[] { randint(5000, {2}, f16); }, "it counts from -2048 to 2048"}},
         .without_gradients = takes_no_input},
        {.name = "randperm",
         .golden = {{"randperm", seeded([](const Args& a) { return randperm(a.integer("n"), type_of(a)); })}},
         .refusals = {{[] { randperm(-1); }, "of -1 numbers"}, {[] { randperm(300, u8); }, "[0, 300)"}},
         .without_gradients = takes_no_input},
        {.name = "rand_like",
         .golden = {{"rand_like", seeded([](const Args& a) { return rand_like(target(a)); })}},
         .refusals = {{[] { rand_like(tensor({1})); }, "not i64"}},
         .without_gradients = independent},
        {.name = "randn_like",
         .golden = {{"randn_like", seeded([](const Args& a) { return randn_like(target(a)); })}},
         .refusals = {{[] { randn_like(ones({2}), i32); }, "not i32"}},
         .without_gradients = independent},
        {.name = "randint_like",
         .golden = {{"randint_like", seeded([](const Args& a) {
                       return randint_like(target(a), a.integer("low"), a.integer("high"));
                     })}},
         .refusals = {{[] { randint_like(ones({2}), 0); }, "no integer lies in [0, 0)"}},
         .without_gradients = independent},
        {.name = "bernoulli",
         .golden = {{"bernoulli", seeded([](const Args& a) {
                       const Tensor p = a.tensor("p").to(type_of(a));
                       return bernoulli(
                           layouts::empty_in(layout_of(a.text("layout")), p.sizes(), p.dtype()).copy_(p));
                     })}},
         .gradients = {{"BernoulliHasZeroGradient",
                        [](gradients::Inputs x) {
                          manual_seed(1);
                          return bernoulli(x[0]) * x[0];
                        },
                        {{{2, 3}, 0.2, 0.8}}}},
         .refusals = {{[] { bernoulli(tensor({0, 1})); }, "got i64"},
                      {[] { bernoulli(tensor({0.5, 1.5})); }, "got 1.5"}}},
        {.name = "normal",
         .golden = {{"normal", seeded([](const Args& a) {
                       return normal(a.real("mean", 0), a.real("std", 1), a.shape("sizes"), type_of(a));
                     })},
                    {"normal_tensors",
                     seeded([](const Args& a) { return normal(a.tensor("mean"), a.tensor("std")); })},
                    {"normal_tensor",
                     seeded([](const Args& a) { return normal(a.tensor("mean"), a.real("std", 1)); })}},
         // Differences see the moments move the sample, so it counts for nothing here.
         .gradients = {{"NormalHasZeroGradient",
                        [](gradients::Inputs x) { return normal(x[0], x[1]) * 0 + x[0] * x[1]; },
                        {{{2, 3}}, {{3}, 0.5, 1}}}},
         .refusals = {{[] { normal(0, 1, {2}, i64); }, "not i64"},
                      {[] { normal(0, -1, {2}); }, "std = -1"},
                      {[] { normal(zeros({2}), tensor({1.0, -1.0})); }, "a standard deviation is negative"}}},
        {.name = "multinomial",
         .golden = {{"multinomial", seeded([](const Args& a) {
                       return multinomial(a.tensor("weights").to(type_of(a)), a.integer("samples"),
                                          a.flag("replacement"));
                     })}},
         .refusals = {{[] { multinomial(ones({2, 2, 2}), 1); }, "[2, 2, 2]"},
                      {[] { multinomial(ones({3}), 4); }, "4 samples of 3 positions"},
                      {[] { multinomial(ones({3}), 0); }, "0 samples"},
                      {[] { multinomial(tensor({1, 2}), 1); }, "got i64"},
                      {[] { multinomial(tensor({1.0, -2.0}), 1); }, "weight 1 is -2"},
                      {[] { multinomial(tensor({{1.0, 2.0}, {0.0, 0.0}}), 1); }, "row 1 are 0"}},
         .without_gradients = counts},
        {.name = "uniform_",
         .golden = {{"uniform_", seeded([](const Args& a) {
                       return target(a).uniform_(a.real("from", 0), a.real("to", 1));
                     })}},
         .refusals = {{[] { zeros({2}, i64).uniform_(); }, "not i64"},
                      {[] { zeros({2}).uniform_(1, 0); }, "from = 1, to = 0", "uniform"},
                      {[] { zeros({1}).expand({3}).uniform_(); }, "share memory"},
                      {[] { zeros({2}).requires_grad_().uniform_(); }, "a leaf that requires a gradient"}},
         .without_gradients = independent},
        {.name = "normal_",
         .golden = {{"normal_", seeded([](const Args& a) {
                       return target(a).normal_(a.real("mean", 0), a.real("std", 1));
                     })}},
         .refusals = {{[] { zeros({2}, u8).normal_(); }, "not u8"},
                      {[] { zeros({2}).normal_(0, -1); }, "std = -1", "normal"}},
         .without_gradients = independent},
        {.name = "bernoulli_",
         .golden = {{"bernoulli_",
                     seeded([](const Args& a) { return target(a).bernoulli_(a.real("p", 0)); })},
                    {"bernoulli_of_", seeded([](const Args& a) {
                       const Tensor p = a.tensor("p");
                       const Tensor arranged =
                           layouts::empty_in(layout_of(a.text("layout")), p.sizes(), f64).copy_(p);
                       return zeros(p.sizes(), type_of(a)).bernoulli_(arranged);
                     })}},
         .refusals = {{[] { zeros({2}).bernoulli_(1.5); }, "got 1.5", "bernoulli"},
                      {[] { zeros({2}).bernoulli_(tensor({1})); }, "got i64"}},
         .without_gradients = independent},
        {.name = "exponential_",
         .golden = {{"exponential_",
                     seeded([](const Args& a) { return target(a).exponential_(a.real("lambda", 1)); })}},
         .refusals = {{[] { zeros({2}, i32).exponential_(); }, "not i32"},
                      {[] { zeros({2}).exponential_(0); }, "got 0", "exponential"}},
         .without_gradients = independent},
        {.name = "random_",
         .golden = {{"random_", seeded([](const Args& a) {
                       Tensor x = target(a);
                       return a.has("low") ? x.random_(a.integer("low"), a.integer("high")) : x.random_();
                     })}},
         .refusals = {{[] { zeros({2}).random_(0); }, "no integer lies in [0, 0)"},
                      {[] { zeros({2}, u8).random_(-1, 5); }, "it counts from 0 to 255"}},
         .without_gradients = independent},
    }};

// ---- to the bit ----

// How far x is from the numbers with these bits, in units in the last place of 1.
template <class T> double ulps_between(const Tensor& x, const nlohmann::json& bits) {
  double furthest = 0;
  const std::vector<T> values = x.to_vector<T>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto expected =
        std::bit_cast<T>(bits[i].get<std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>>());
    furthest = std::max(furthest, std::abs(static_cast<double>(values[i] - expected)));
  }
  return furthest / static_cast<double>(std::numeric_limits<T>::epsilon());
}

TEST(Random, DrawsInTheOrderOfMemoryToTheBit) {
  const std::map<std::string, std::function<Tensor(Tensor)>> draws{
      {"uniform_", [](Tensor x) { return x.uniform_(); }},
      {"normal_", [](Tensor x) { return x.normal_(); }},
      {"exponential_", [](Tensor x) { return x.exponential_(); }},
      {"bernoulli_", [](Tensor x) { return x.bernoulli_(0.4); }},
      {"random_", [](Tensor x) { return x.random_(0, 1000); }},
      {"rand_like", [](const Tensor& x) { return rand_like(x); }},
      {"randn_like", [](const Tensor& x) { return randn_like(x); }},
      {"bernoulli", [](const Tensor& x) { return bernoulli(x + 0.3); }}};
  const auto cases = golden::read("random_tensors.json");
  EXPECT_EQ(cases.size(), 2 * 4 * 2 * draws.size());
  for (const auto& entry : cases) {
    const std::string op = entry.at("op"), layout = entry.at("layout");
    const DType type = entry.at("dtype") == "float32" ? f32 : f64;
    SCOPED_TRACE(op + " " + layout + " " + std::string(name(type)));
    const Tensor x = layout == "swapped" ? zeros({3, 2, 5}, type).transpose(0, 1)
                                         : layouts::empty_in(layout_of(layout), {2, 3, 5}, type).fill_(0);
    manual_seed(entry.at("seed").get<std::uint64_t>());
    const Tensor y = draws.at(op)(x);
    // In row-major memory, 16 normal numbers or more come from vectorised functions.
    const bool blocks = op.starts_with("normal") || op.starts_with("randn");
    const double allowed = blocks && y.is_contiguous() && type == f32 ? 2 : 0;
    const double distance = type == f32 ? ulps_between<float>(y, entry.at("values"))
                                        : ulps_between<double>(y, entry.at("values"));
    EXPECT_LE(distance, allowed);
  }
}

TEST(Random, OwnGeneratorsLeaveTheDefaultOneAlone) {
  using Draw = std::function<Tensor(Generator&)>;
  const std::vector<Draw> draws{
      [](Generator& g) { return rand({4}, g); },
      [](Generator& g) { return randn({4}, g); },
      [](Generator& g) { return randint(0, 1000000, {4}, g); },
      [](Generator& g) { return randperm(50, g); },
      [](Generator& g) { return bernoulli(full({40}, 0.5), g); },
      [](Generator& g) { return normal(0, 1, {20}, g); },
      [](Generator& g) { return normal(zeros({4}), ones({4}), g); },
      [](Generator& g) { return multinomial(ones({40}), 5, false, g); },
      [](Generator& g) { return zeros({4}).uniform_(0, 1, g); },
      [](Generator& g) { return zeros({4}).normal_(0, 1, g); },
      [](Generator& g) { return zeros({40}).bernoulli_(0.5, g); },
      [](Generator& g) { return zeros({4}).exponential_(1, g); },
      [](Generator& g) { return zeros({4}).random_(g); },
  };
  for (std::size_t i = 0; i < draws.size(); ++i) {
    SCOPED_TRACE(i);
    manual_seed(1);
    const auto before = default_generator().state();
    Generator one(5), other(5);
    const Tensor first = draws[i](one);
    EXPECT_EQ(default_generator().state(), before);
    EXPECT_TRUE(equal(draws[i](other), first));
    EXPECT_FALSE(equal(draws[i](one), first)) << "the generator did not move";
    manual_seed(5);
    EXPECT_TRUE(equal(draws[i](default_generator()), first));
  }
}

TEST(Random, StateIsSavedBetweenTheHalvesOfAPairOfNormals) {
  Generator generator(3);
  randn({3}, generator);  // two pairs: the second half of the second one is kept
  const auto state = generator.state();
  const Tensor next = randn({5}, generator);
  const Tensor later = rand({7}, generator);
  Generator restored(99);
  restored.set_state(state);
  EXPECT_TRUE(equal(randn({5}, restored), next));
  EXPECT_TRUE(equal(rand({7}, restored), later));
}

TEST(Random, InPlaceDrawsTouchTheirElementsOnly) {
  Tensor wide = zeros({3, 8});
  Tensor even = wide.slice(1, {0, 8, 2});
  for (const auto& draw : std::vector<std::function<void()>>{
           [&] { even.uniform_(1, 2); }, [&] { even.normal_(5, 0.1); }, [&] { even.bernoulli_(1); },
           [&] { even.exponential_(); }, [&] { even.random_(1, 9); }, [&] { even.random_(); }}) {
    wide.fill_(0);
    draw();
    EXPECT_TRUE((even != 0).all().item<bool>());
    EXPECT_TRUE(equal(wide.slice(1, {1, 8, 2}), zeros({3, 4})));
  }
}

TEST(Random, InPlaceDrawsEndTheHistoryOfATensor) {
  const Tensor x = ones({3}).requires_grad_();
  Tensor y = x * 2;
  y.uniform_();
  EXPECT_FALSE(y.requires_grad());
  Tensor z = x * 2;
  const Tensor saved = z * z;
  z.normal_();
  EXPECT_THROW(saved.sum().backward(), Error);
}

TEST(Random, LikeKeepsTheOrderOfMemory) {
  const Tensor x = zeros({4, 6}).t().slice(0, {0, 6, 2});
  for (const Tensor& y : {rand_like(x), randint_like(x, 5)}) {
    EXPECT_EQ(to_string(y.sizes()), "[3, 4]");
    EXPECT_EQ(to_string(y.strides()), "[1, 3]");
  }
  EXPECT_TRUE(bernoulli(x.t() + 0.5).is_contiguous());  // but not this one, as in PyTorch
}

TEST(Random, GradientsOfSamplesAreZero) {
  const Tensor p = full({3}, 0.5, f64).requires_grad_();
  const Tensor std = ones({3}, f64).requires_grad_();
  bernoulli(p).sum().backward();
  EXPECT_TRUE(equal(p.grad(), zeros({3}, f64)));
  normal(p, std).sum().backward();
  EXPECT_TRUE(equal(std.grad(), zeros({3}, f64)));
}

TEST(Random, MultinomialFollowsTheWeights) {
  const Tensor weights = tensor({1.0, 0.0, 3.0});
  const Tensor drawn = multinomial(weights, 20000, true);
  EXPECT_FALSE((drawn == 1).any().item<bool>());
  EXPECT_NEAR((drawn == 2).to(f64).mean().item(), 0.75, 0.02);
  EXPECT_EQ(multinomial(ones({2, 5}), 5).to(f64).sum(1).to_vector<double>(), (std::vector<double>{10, 10}));
}

}  // namespace
}  // namespace mica
