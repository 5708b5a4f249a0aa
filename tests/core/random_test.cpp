#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/dtype.h>
#include <mica/core/error.h>
#include <mica/core/random.h>

namespace mica {
namespace {

using Json = nlohmann::json;

const Json& golden() {
  static const Json cases = Json::parse(std::ifstream(std::string(MICA_GOLDEN_DIR) + "/random.json"));
  return cases;
}

// One call of the golden file: its arguments, and PyTorch's values at the indices the file kept.
struct Call {
  explicit Call(const Json& json)
      : op(json["op"]),
        dtype(json["dtype"]),
        n(json["n"]),
        a(json["a"]),
        b(json["b"]),
        low(op == "randint" ? json["a"].get<std::int64_t>() : 0),
        high(op == "randint" ? json["b"].get<std::int64_t>() : 0),
        values(json["values"]) {
    if (json.contains("indices")) {
      indices = json["indices"].get<std::vector<std::size_t>>();
    } else {
      indices.resize(n);
      std::iota(indices.begin(), indices.end(), std::size_t{0});
    }
  }
  std::string op, dtype;
  std::size_t n;
  double a, b;
  std::int64_t low, high;
  std::vector<std::size_t> indices;
  std::vector<std::int64_t> values;
};

template <class T> T from_bits(std::int64_t bits) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<std::int32_t>(bits));
  else if constexpr (sizeof(T) == 2)
    return std::bit_cast<T>(static_cast<std::int16_t>(bits));
  else if constexpr (std::is_floating_point_v<T>)
    return std::bit_cast<T>(bits);
  else
    return static_cast<T>(bits);
}

// Distance from |x| to the next number of its type.
template <class T> T ulp(T x) {
  return std::nextafter(std::abs(x), std::numeric_limits<T>::infinity()) - std::abs(x);
}

// Expects `ours` to have PyTorch's values, up to `tolerance` (0: the same bits).
template <class T> void expect_golden(const std::vector<T>& ours, const Call& call, T tolerance = 0) {
  ASSERT_EQ(call.indices.size(), call.values.size());
  for (std::size_t k = 0; k < call.indices.size(); ++k) {
    const T expected = from_bits<T>(call.values[k]);
    EXPECT_LE(std::abs(ours[call.indices[k]] - expected), tolerance)
        << call.op << " " << call.dtype << " n = " << call.n << " at " << call.indices[k];
  }
}

// The same bits.
template <class T> void expect_same(std::span<const T> ours, const Call& call) {
  ASSERT_EQ(call.indices.size(), call.values.size());
  for (std::size_t k = 0; k < call.indices.size(); ++k) {
    const T expected = from_bits<T>(call.values[k]);
    EXPECT_EQ(std::memcmp(&ours[call.indices[k]], &expected, sizeof(T)), 0)
        << call.op << " " << call.dtype << " n = " << call.n << " at " << call.indices[k];
  }
}

// Calls fn.template operator()<T>() for the dtype of a call, as PyTorch names it.
template <class Fn> void with_type(const std::string& dtype, Fn fn) {
  constexpr std::pair<std::string_view, DType> types[] = {
      {"float32", f32}, {"float64", f64}, {"bfloat16", bf16}, {"float16", f16},
      {"int64", i64},   {"int32", i32},   {"uint8", u8},      {"bool", boolean}};
  const auto* found = std::ranges::find(types, dtype, [](const auto& entry) { return entry.first; });
  ASSERT_NE(found, std::end(types)) << dtype;
  dispatch(found->second, fn);
}

void replay_exactly(const Call& call, Generator& generator) {
  with_type(call.dtype, [&]<class T>() {
    const auto memory = std::make_unique<T[]>(call.n);
    const std::span out(memory.get(), call.n);
    if constexpr (is_floating_point(dtype_of<T>)) {
      if (call.op == "uniform") fill_uniform(out, call.a, call.b, generator);
      if (call.op == "normal") fill_normal(out, call.a, call.b, generator);
      if (call.op == "exponential") fill_exponential(out, call.a, generator);
    }
    if (call.op == "random") fill_random(out, generator);
    expect_same(std::span<const T>(out), call);
  });
}

template <class T> void replay_floating(const Call& call, Generator& generator) {
  std::vector<T> out(call.n);
  if (call.op == "uniform") {
    fill_uniform(std::span(out), call.a, call.b, generator);
    // With other bounds PyTorch's compiler may fuse the multiplication and addition.
    const bool unit_interval = call.a == 0 && call.b == 1;
    expect_golden(out, call, unit_interval ? T(0) : ulp(static_cast<T>(std::max(-call.a, call.b))));
  } else {
    fill_normal(std::span(out), call.a, call.b, generator);
    // PyTorch's vectorised f32 logarithm, sine and cosine have errors of their own: two ulps of values at two
    // to four standard deviations. The others come from the C library's functions in f64 on both sides.
    const bool vectorised = call.n >= 16 && std::is_same_v<T, float>;
    expect_golden(out, call, vectorised ? 2 * ulp(static_cast<T>(2 * call.b)) : T(0));
  }
}

void replay(const Call& call, Generator& generator) {
  if (call.op == "uniform" || call.op == "normal") {
    if (call.dtype == "float32") return replay_floating<float>(call, generator);
    if (call.dtype == "float64") return replay_floating<double>(call, generator);
    return replay_exactly(call, generator);
  }
  if (call.op == "exponential" || call.op == "random") return replay_exactly(call, generator);
  std::vector<std::int64_t> out(call.n);
  if (call.op == "bernoulli") {
    std::vector<std::uint8_t> bytes(call.n);
    fill_bernoulli(bytes, call.a, generator);
    std::copy(bytes.begin(), bytes.end(), out.begin());
  } else if (call.op == "randint") {
    fill_randint(out, call.low, call.high, generator);
  } else {
    fill_randperm(out, generator);
  }
  expect_golden(out, call);
}

class GoldenRandom : public testing::TestWithParam<std::string> {};

TEST_P(GoldenRandom, equals_pytorch_for_every_seed_and_sequence_of_calls) {
  std::size_t sequences = 0;
  for (const Json& sequence : golden()) {
    if (sequence["calls"][0]["op"] != GetParam()) continue;
    ++sequences;
    Generator generator(sequence["seed"].get<std::uint64_t>());
    for (const Json& json : sequence["calls"]) replay(Call(json), generator);
  }
  EXPECT_GE(sequences, 6U);
}

INSTANTIATE_TEST_SUITE_P(Operations, GoldenRandom,
                         testing::Values("uniform", "normal", "exponential", "random", "bernoulli", "randint",
                                         "randperm"),
                         [](const auto& instance) { return instance.param; });

TEST(Generator, draws_the_mersenne_twister_of_the_reference_implementation) {
  Generator generator(5489);  // the seed of the C++ standard's promise about its 10,000th value
  for (int i = 1; i < 10000; ++i) generator.random();
  EXPECT_EQ(generator.random(), 4123659995U);
}

TEST(Generator, bulk_drawing_gives_the_numbers_of_single_draws) {
  Generator one(3);
  Generator bulk(3);
  for (const std::size_t n : {1U, 0U, 623U, 624U, 625U, 2000U, 7U}) {
    std::vector<std::uint32_t> words(n);
    bulk.random(words);
    for (const std::uint32_t word : words) ASSERT_EQ(word, one.random());
  }
}

TEST(Generator, fills_draw_what_single_values_draw) {
  Generator one(11);
  Generator bulk(11);
  std::vector<float> floats(1500);
  fill_uniform(std::span(floats), 0, 1, bulk);
  for (const float x : floats) ASSERT_EQ(x, one.uniform_float());
  std::vector<double> doubles(1500);
  fill_uniform(std::span(doubles), 0, 1, bulk);
  for (const double x : doubles) ASSERT_EQ(x, one.uniform_double());
  EXPECT_EQ(bulk.random(), one.random());
}

TEST(Generator, sixty_four_bits_are_two_draws_the_first_one_high) {
  Generator a(5);
  Generator b(5);
  const std::uint64_t high = a.random();
  const std::uint64_t low = a.random();
  EXPECT_EQ(b.random64(), (high << 32) | low);
}

TEST(Generator, only_the_low_half_of_a_seed_matters_and_the_seed_is_remembered) {
  Generator a(9);
  Generator b(9 + (std::uint64_t{1} << 32));
  EXPECT_EQ(a.random64(), b.random64());
  EXPECT_EQ(b.seed(), 9 + (std::uint64_t{1} << 32));
  EXPECT_EQ(Generator().seed(), Generator::default_seed);
}

TEST(Generator, seeding_forgets_the_kept_normal) {
  Generator generator(1);
  const double first = generator.normal_double();
  generator.manual_seed(1);
  EXPECT_EQ(generator.normal_double(), first);
}

TEST(Generator, the_default_generator_follows_manual_seed) {
  manual_seed(77);
  EXPECT_EQ(default_generator().random(), Generator(77).random());
}

TEST(GeneratorState, restores_every_position_exactly) {
  for (const int draws : {0, 1, 623, 624, 625, 1000}) {
    Generator original(8);
    for (int i = 0; i < draws; ++i) original.random();
    original.normal_double();  // leaves its second value behind
    Generator restored(0);
    restored.set_state(original.state());
    EXPECT_EQ(restored.state(), original.state());
    EXPECT_EQ(restored.seed(), 8U);
    EXPECT_EQ(restored.normal_double(), original.normal_double());
    for (int i = 0; i < 1300; ++i) ASSERT_EQ(restored.random(), original.random());
  }
}

TEST(GeneratorState, refuses_damaged_words_and_changes_nothing) {
  Generator generator(8);
  generator.normal_double();
  const auto good = generator.state();
  const auto refuses = [&](std::size_t at, std::uint64_t value) {
    auto bad = good;
    bad[at] = value;
    EXPECT_THROW(generator.set_state(bad), Error) << "word " << at;
    EXPECT_EQ(generator.state(), good);
  };
  refuses(100, std::uint64_t{1} << 32);  // a twister word
  refuses(625, 625);                     // the position
  refuses(626, 2);                       // has a kept normal
  refuses(626, 0);                       // ... but its value is there
  refuses(627, std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN()));  // the value
  refuses(631, 1);                                                                       // the end
  EXPECT_THROW(generator.set_state(std::span(good).first(631)), Error);
}

TEST(FillUniform, stays_below_the_upper_bound_and_covers_the_range) {
  Generator generator(2);
  std::vector<float> values(200000);
  fill_uniform(std::span(values), 0, 1, generator);
  EXPECT_LT(*std::ranges::max_element(values), 1.0F);
  EXPECT_GT(*std::ranges::max_element(values), 0.9999F);
  EXPECT_GE(*std::ranges::min_element(values), 0.0F);
  EXPECT_LT(*std::ranges::min_element(values), 0.0001F);
}

TEST(FillNormal, has_the_moments_of_the_normal_distribution) {
  Generator generator(2);
  std::vector<float> values(400000);
  fill_normal(std::span(values), 3.0, 2.0, generator);
  double sum = 0;
  double squares = 0;
  double fourth_powers = 0;
  for (const float value : values) {
    const double z = (double{value} - 3.0) / 2.0;
    sum += z;
    squares += z * z;
    fourth_powers += z * z * z * z;
  }
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 0.0, 0.01);  // more than six standard errors each
  EXPECT_NEAR(squares / n, 1.0, 0.015);
  EXPECT_NEAR(fourth_powers / n, 3.0, 0.1);
}

TEST(FillNormal, of_zero_std_is_the_mean) {
  Generator generator(2);
  for (const std::size_t n : {5U, 40U}) {
    std::vector<float> values(n);
    fill_normal(std::span(values), 1.5, 0.0, generator);
    for (const float value : values) ASSERT_EQ(value, 1.5F);
  }
}

TEST(FillRandint, covers_the_widest_ranges_without_overflow) {
  Generator generator(2);
  std::vector<std::int64_t> values(1000);
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
  fill_randint(values, lowest, highest, generator);
  EXPECT_LT(*std::ranges::min_element(values), lowest / 2);
  EXPECT_GT(*std::ranges::max_element(values), highest / 2);
}

TEST(Fills, of_nothing_draw_nothing) {
  Generator generator(4);
  fill_uniform(std::span<float>(), 0, 1, generator);
  fill_normal(std::span<double>(), 0, 1, generator);
  fill_bernoulli({}, 0.5, generator);
  fill_randint({}, 0, 2, generator);
  fill_randperm({}, generator);
  EXPECT_EQ(generator.state(), Generator(4).state());
}

TEST(Fills, refuse_impossible_arguments) {
  Generator generator(4);
  std::vector<float> floats(2);
  std::vector<std::uint8_t> bytes(2);
  std::vector<std::int64_t> integers(2);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(fill_uniform(std::span(floats), 1, 0, generator), Error);
  EXPECT_THROW(fill_uniform(std::span(floats), 0, std::numeric_limits<double>::infinity(), generator), Error);
  EXPECT_THROW(fill_normal(std::span(floats), 0, -1, generator), Error);
  EXPECT_THROW(fill_normal(std::span(floats), nan, 1, generator), Error);
  EXPECT_THROW(fill_bernoulli(bytes, 1.01, generator), Error);
  EXPECT_THROW(fill_bernoulli(bytes, nan, generator), Error);
  EXPECT_THROW(fill_exponential(std::span(floats), 0, generator), Error);
  EXPECT_THROW(fill_exponential(std::span(floats), -1, generator), Error);
  EXPECT_THROW(fill_bernoulli(bytes, std::span<const float>(std::array{0.5F, 2.0F}), generator), Error);
  EXPECT_THROW(fill_randint(integers, 3, 3, generator), Error);
  EXPECT_EQ(generator.state(), Generator(4).state());
}

}  // namespace
}  // namespace mica
