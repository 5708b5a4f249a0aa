#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include <mica/core/dtype.h>
#include <mica/core/error.h>
#include <mica/core/random.h>

namespace mica {

namespace {

constexpr std::size_t twister_size = 624;
constexpr std::size_t twister_shift = 397;

// Positions in the words of Generator::state(); those after `normal_at` are zero.
constexpr std::size_t seed_at = twister_size;
constexpr std::size_t next_at = seed_at + 1;
constexpr std::size_t has_normal_at = seed_at + 2;
constexpr std::size_t normal_at = seed_at + 3;

constexpr std::uint32_t temper(std::uint32_t word) {
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680U;
  word ^= (word << 15) & 0xefc60000U;
  return word ^ (word >> 18);
}

// The word that follows from the top bit of `high`, the rest of `low` and one further on.
constexpr std::uint32_t twist(std::uint32_t high, std::uint32_t low, std::uint32_t further) {
  const std::uint32_t mixed = (high & 0x80000000U) | (low & 0x7fffffffU);
  return further ^ (mixed >> 1) ^ ((low & 1U) * 0x9908b0dfU);
}

constexpr std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return (std::uint64_t{high} << 32) | low;
}

// [0, 1) from random bits. Signed conversions: the value fits, and vector units have no unsigned ones.
constexpr float unit_float(std::uint32_t bits) {
  return static_cast<float>(static_cast<std::int32_t>(bits & 0xffffffU)) * 0x1p-24F;
}
constexpr double unit_double(std::uint64_t bits) {
  return static_cast<double>(static_cast<std::int64_t>(bits & 0x1fffffffffffffU)) * 0x1p-53;
}

// A source of random words that draws them from the generator a block at a time, and only those asked for.
class Words {
 public:
  explicit Words(Generator& generator) : generator_(generator) {}

  // Calls fn(i, bits) for i in [0, count).
  template <class Fn> void for_each_32(std::size_t count, Fn fn) {
    for (std::size_t done = 0; done < count;) {
      const std::size_t n = std::min(count - done, block_.size());
      generator_.random(std::span(block_).first(n));
      for (std::size_t i = 0; i < n; ++i) fn(done + i, block_[i]);
      done += n;
    }
  }
  template <class Fn> void for_each_64(std::size_t count, Fn fn) {
    for (std::size_t done = 0; done < count;) {
      const std::size_t n = std::min(count - done, block_.size() / 2);
      generator_.random(std::span(block_).first(2 * n));
      for (std::size_t i = 0; i < n; ++i) fn(done + i, join(block_[2 * i], block_[2 * i + 1]));
      done += n;
    }
  }

 private:
  Generator& generator_;
  std::array<std::uint32_t, 1024> block_;
};

void uniform(std::span<float> out, float from, float to, Generator& generator) {
  const float scale = to - from;
  Words(generator).for_each_32(
      out.size(), [=](std::size_t i, std::uint32_t bits) { out[i] = unit_float(bits) * scale + from; });
}

void uniform(std::span<double> out, double from, double to, Generator& generator) {
  const double scale = to - from;
  Words(generator).for_each_64(
      out.size(), [=](std::size_t i, std::uint64_t bits) { out[i] = unit_double(bits) * scale + from; });
}

template <class T>
concept Narrow = std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>;

// Bits of the significand, the leading one included.
template <class T>
constexpr int digits = std::is_same_v<T, BFloat16> ? 8
                       : std::is_same_v<T, Half>   ? 11
                                                   : std::numeric_limits<T>::digits;

template <Narrow T> void uniform(std::span<T> out, T from, T to, Generator& generator) {
  const auto low = static_cast<float>(from);
  const auto scale = static_cast<float>(T(static_cast<float>(to) - low));
  constexpr std::uint32_t mask = (1U << digits<T>)-1;
  constexpr float unit = 1.0F / (1U << digits<T>);
  Words(generator).for_each_32(out.size(), [=](std::size_t i, std::uint32_t bits) {
    out[i] = T(static_cast<float>(bits & mask) * unit * scale + low);
  });
}

// The two functions below are branch-free so that loops over them become vector code (given -fno-math-errno,
// for the square root beside them). Their polynomials are Chebyshev interpolants; both are good to about an
// ulp.

// Natural logarithm of a normal number: log(2^e m) with m in [sqrt(1/2), sqrt(2)), by log(m) = 2 atanh(s).
inline float log_of_normal(float x) {
  constexpr std::int32_t sqrt_half = 0x3f3504f3;
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - sqrt_half) >> 23;
  const float f = std::bit_cast<float>(bits - exponent * (1 << 23)) - 1.0F;
  const float s = f / (2.0F + f);
  const float z = s * s;
  const float tail = s * z * (0.66666685F + z * (0.39988734F + z * 0.29582057F));
  const auto e = static_cast<float>(exponent);
  // 2s = f - s f, written so because f is exact. The high part of log(2) times e is exact as well.
  return e * 0x1.62e4p-1F + (f - (s * f - (tail + e * 0x1.7f7d1cp-20F)));
}

// Sine and cosine of an angle in [0, 2 pi], reduced by the nearest multiple of pi/2 (in three exact parts).
inline std::pair<float, float> sine_and_cosine(float angle) {
  const auto quadrant = static_cast<std::int32_t>(angle * (2.0F * std::numbers::inv_pi_v<float>)+0.5F);
  const auto q = static_cast<float>(quadrant);
  const float r = ((angle - q * 0x1.921f8p+0F) - q * 0x1.aa22p-19F) - q * 0x1.68c234p-39F;
  const float z = r * r;
  const float sine = r + r * z * (-0.16666665F + z * (0.0083327459F + z * -0.00019587387F));
  const float cosine = 1.0F - (0.5F * z - z * z * (0.041666665F + z * (-0.0013888301F + z * 2.4547437e-05F)));
  const auto flip = [](float value, std::int32_t sign) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^
                                (static_cast<std::uint32_t>(sign) << 30));
  };
  const bool swap = (quadrant & 1) != 0;
  return {flip(swap ? cosine : sine, quadrant & 2), flip(swap ? sine : cosine, (quadrant + 1) & 2)};
}

inline double log_of_normal(double x) { return std::log(x); }
inline std::pair<double, double> sine_and_cosine(double angle) { return {std::sin(angle), std::cos(angle)}; }

constexpr std::size_t normal_block = 16;

// Box-Muller on blocks of 16 uniform values: the first eight give the radii, the others the angles.
template <class T> void normals_from_uniforms(std::span<T> values, T mean, T std) {
  constexpr std::size_t half = normal_block / 2;
  for (std::size_t at = 0; at + normal_block <= values.size(); at += normal_block) {
    T* block = values.data() + at;
    for (std::size_t j = 0; j < half; ++j) {
      const T radius = std::sqrt(T(-2) * log_of_normal(T(1) - block[j]));
      const auto [sine, cosine] = sine_and_cosine(T(2) * std::numbers::pi_v<T> * block[j + half]);
      block[j] = radius * cosine * std + mean;
      block[j + half] = radius * sine * std + mean;
    }
  }
}

// The same for narrow floats: numbers that PyTorch keeps in variables are rounded to T, and for bf16 the
// results of functions and products as well.
template <Narrow T> void normals_from_uniforms(std::span<T> values, T mean, T std) {
  constexpr std::size_t half = normal_block / 2;
  const auto kept = [](double x) { return static_cast<float>(T(static_cast<float>(x))); };
  const auto step = [kept](float x) { return std::is_same_v<T, BFloat16> ? kept(x) : x; };
  const auto scale = static_cast<float>(std);
  const auto shift = static_cast<float>(mean);
  for (std::size_t at = 0; at + normal_block <= values.size(); at += normal_block) {
    T* block = values.data() + at;
    for (std::size_t j = 0; j < half; ++j) {
      const float u = kept(1 - static_cast<float>(block[j]));
      const float radius = kept(std::sqrt(step(-2 * step(std::log(u)))));
      const float angle = kept(2 * std::numbers::pi * static_cast<float>(block[j + half]));
      block[j] = T(step(step(radius * step(std::cos(angle))) * scale) + shift);
      block[j + half] = T(step(step(radius * step(std::sin(angle))) * scale) + shift);
    }
  }
}

template <class T> T narrowed(double value) {
  if constexpr (Narrow<T>)
    return T(static_cast<float>(value));
  else
    return static_cast<T>(value);
}

template <class T> void normal_one_by_one(std::span<T> out, double mean, double std, Generator& generator) {
  for (T& value : out) value = narrowed<T>(generator.normal_double() * std + mean);
}

template <class T> void normal(std::span<T> out, double mean, double std, Generator& generator) {
  if (out.size() < normal_block) return normal_one_by_one(out, mean, std, generator);
  const auto fill = [&](std::span<T> part) {
    uniform(part, narrowed<T>(0), narrowed<T>(1), generator);
    normals_from_uniforms(part, narrowed<T>(mean), narrowed<T>(std));
  };
  constexpr std::size_t part = 64 * normal_block;  // stays in the first-level cache between the two passes
  for (std::size_t at = 0; at < out.size(); at += part)
    fill(out.subspan(at, std::min(part, out.size() - at)));
  // An incomplete last block gives way to a full one drawn anew, which overwrites values before it.
  if (out.size() % normal_block != 0) fill(out.last(normal_block));
}

void check_bounds(double from, double to) {
  if (!(from <= to) || !std::isfinite(to - from)) {
    throw Error("uniform",
                fmt::format("expected finite bounds with from <= to, got from = {}, to = {}", from, to));
  }
}

void check_moments(double mean, double std) {
  if (!(std >= 0) || !std::isfinite(std) || !std::isfinite(mean)) {
    throw Error("normal",
                fmt::format("expected a finite mean and std >= 0, got mean = {}, std = {}", mean, std));
  }
}

void check_probability(double p) {
  if (!(p >= 0 && p <= 1)) {
    throw Error("bernoulli", fmt::format("expected a probability in [0, 1], got {}", p));
  }
}

}  // namespace

void Generator::manual_seed(std::uint64_t seed) {
  seed_ = seed;
  state_[0] = static_cast<std::uint32_t>(seed);
  for (std::uint32_t i = 1; i < twister_size; ++i) {
    const std::uint32_t before = state_[i - 1];
    state_[i] = 1812433253U * (before ^ (before >> 30)) + i;
  }
  next_ = twister_size;
  next_normal_.reset();
}

void Generator::refill() {
  // Split where `further` wraps around, so that each loop has fixed distances and becomes vector code.
  constexpr std::size_t wrap = twister_size - twister_shift;
  std::uint32_t* s = state_.data();
  for (std::size_t i = 0; i < wrap; ++i) s[i] = twist(s[i], s[i + 1], s[i + twister_shift]);
  for (std::size_t i = wrap; i < twister_size - 1; ++i) s[i] = twist(s[i], s[i + 1], s[i - wrap]);
  s[twister_size - 1] = twist(s[twister_size - 1], s[0], s[twister_shift - 1]);
  next_ = 0;
}

std::uint32_t Generator::random() {
  if (next_ == twister_size) refill();
  return temper(state_[next_++]);
}

void Generator::random(std::span<std::uint32_t> out) {
  while (!out.empty()) {
    if (next_ == twister_size) refill();
    const std::size_t count = std::min(out.size(), twister_size - next_);
    const std::uint32_t* words = state_.data() + next_;
    for (std::size_t i = 0; i < count; ++i) out[i] = temper(words[i]);
    next_ += count;
    out = out.subspan(count);
  }
}

std::uint64_t Generator::random64() {
  const std::uint32_t high = random();
  return join(high, random());
}

double Generator::uniform_double() { return unit_double(random64()); }

float Generator::uniform_float() { return unit_float(random()); }

double Generator::normal_double() {
  if (next_normal_) {
    const double kept = *next_normal_;
    next_normal_.reset();
    return kept;
  }
  const double turn = uniform_double();
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double()));
  const double angle = 2.0 * std::numbers::pi * turn;
  next_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

std::array<std::uint64_t, Generator::state_words> Generator::state() const {
  std::array<std::uint64_t, state_words> words{};
  std::copy(state_.begin(), state_.end(), words.begin());
  words[seed_at] = seed_;
  words[next_at] = next_;
  words[has_normal_at] = next_normal_.has_value() ? 1 : 0;
  words[normal_at] = std::bit_cast<std::uint64_t>(next_normal_.value_or(0.0));
  return words;
}

void Generator::set_state(std::span<const std::uint64_t> words) {
  const auto reject = [](std::string why) {
    throw Error("Generator::set_state", std::move(why), "pass the words that Generator::state() gave");
  };
  if (words.size() != state_words) {
    reject(fmt::format("expected {} words, got {}", state_words, words.size()));
  }
  const auto twister = words.first(twister_size);
  if (std::ranges::any_of(twister, [](std::uint64_t word) { return word > UINT32_MAX; })) {
    reject("a word of the twister has more than 32 bits");
  }
  if (words[next_at] > twister_size) {
    reject(fmt::format("position {} is beyond the twister's {} words", words[next_at], twister_size));
  }
  const bool has_normal = words[has_normal_at] == 1;
  const auto normal = std::bit_cast<double>(words[normal_at]);
  if (words[has_normal_at] > 1 || !std::isfinite(normal) || (!has_normal && words[normal_at] != 0)) {
    reject("the kept normal value is damaged");
  }
  if (std::ranges::any_of(words.subspan(normal_at + 1), [](std::uint64_t word) { return word != 0; })) {
    reject("the words after the kept normal value are not zero");
  }
  std::ranges::transform(twister, state_.begin(),
                         [](std::uint64_t word) { return static_cast<std::uint32_t>(word); });
  seed_ = words[seed_at];
  next_ = words[next_at];
  next_normal_ = has_normal ? std::optional(normal) : std::nullopt;
}

Generator& default_generator() {
  static Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

template <class T> void fill_uniform(std::span<T> out, double from, double to, Generator& generator) {
  check_bounds(from, to);
  uniform(out, narrowed<T>(from), narrowed<T>(to), generator);
}

template <class T> void fill_normal(std::span<T> out, double mean, double std, Generator& generator) {
  check_moments(mean, std);
  normal(out, mean, std, generator);
}

template <class T>
void fill_normal_one_by_one(std::span<T> out, double mean, double std, Generator& generator) {
  check_moments(mean, std);
  normal_one_by_one(out, mean, std, generator);
}

template <class T> void fill_exponential(std::span<T> out, double lambda, Generator& generator) {
  if (!(lambda > 0) || !std::isfinite(lambda)) {
    throw Error("exponential", fmt::format("expected a finite lambda > 0, got {}", lambda));
  }
  Words(generator).for_each_64(out.size(), [=](std::size_t i, std::uint64_t bits) {
    out[i] = narrowed<T>(-1.0 / lambda * std::log(1.0 - unit_double(bits)));
  });
}

template <class T> void fill_random(std::span<T> out, Generator& generator) {
  if constexpr (std::is_same_v<T, bool>) {
    for (T& value : out) value = (generator.random() & 1U) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    constexpr auto highest = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    for (T& value : out) {
      const std::uint64_t bits = sizeof(T) == 8 ? generator.random64() : generator.random();
      value = static_cast<T>(bits & highest);
    }
  } else {
    constexpr std::uint64_t count = (std::uint64_t{1} << digits<T>)+1;
    for (T& value : out) {
      const std::uint64_t bits = std::is_same_v<T, double> ? generator.random64() : generator.random();
      value = narrowed<T>(static_cast<double>(bits % count));
    }
  }
}

void fill_bernoulli(std::span<std::uint8_t> out, double p, Generator& generator) {
  check_probability(p);
  Words(generator).for_each_64(
      out.size(), [=](std::size_t i, std::uint64_t bits) { out[i] = unit_double(bits) < p ? 1 : 0; });
}

template <class T>
void fill_bernoulli(std::span<std::uint8_t> out, std::span<const T> p, Generator& generator) {
  for (const T value : p) check_probability(value);
  if constexpr (std::is_same_v<T, double>) {
    Words(generator).for_each_64(
        out.size(), [=](std::size_t i, std::uint64_t bits) { out[i] = unit_double(bits) < p[i] ? 1 : 0; });
  } else {
    Words(generator).for_each_32(
        out.size(), [=](std::size_t i, std::uint32_t bits) { out[i] = unit_float(bits) < p[i] ? 1 : 0; });
  }
}

void fill_randint(std::span<std::int64_t> out, std::int64_t low, std::int64_t high, Generator& generator) {
  if (low >= high) {
    throw Error("randint", fmt::format("expected low < high, got low = {}, high = {}", low, high));
  }
  // Unsigned arithmetic wraps where the signed one would overflow; PyTorch draws 64 bits only when 32 are too
  // few.
  const auto base = static_cast<std::uint64_t>(low);
  const std::uint64_t range = static_cast<std::uint64_t>(high) - base;
  if (range >= std::uint64_t{1} << 32) {
    for (auto& value : out) value = static_cast<std::int64_t>(base + generator.random64() % range);
  } else {
    const auto range32 = static_cast<std::uint32_t>(range);
    for (auto& value : out) value = static_cast<std::int64_t>(base + generator.random() % range32);
  }
}

void fill_randperm(std::span<std::int64_t> out, Generator& generator) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(i);
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    const std::size_t z = generator.random() % (out.size() - i);
    std::swap(out[i], out[i + z]);
  }
}

template void fill_uniform(std::span<float>, double, double, Generator&);
template void fill_uniform(std::span<double>, double, double, Generator&);
template void fill_uniform(std::span<BFloat16>, double, double, Generator&);
template void fill_uniform(std::span<Half>, double, double, Generator&);
template void fill_normal(std::span<float>, double, double, Generator&);
template void fill_normal(std::span<double>, double, double, Generator&);
template void fill_normal(std::span<BFloat16>, double, double, Generator&);
template void fill_normal(std::span<Half>, double, double, Generator&);
template void fill_normal_one_by_one(std::span<float>, double, double, Generator&);
template void fill_normal_one_by_one(std::span<double>, double, double, Generator&);
template void fill_normal_one_by_one(std::span<BFloat16>, double, double, Generator&);
template void fill_normal_one_by_one(std::span<Half>, double, double, Generator&);
template void fill_exponential(std::span<float>, double, Generator&);
template void fill_exponential(std::span<double>, double, Generator&);
template void fill_exponential(std::span<BFloat16>, double, Generator&);
template void fill_exponential(std::span<Half>, double, Generator&);
template void fill_random(std::span<float>, Generator&);
template void fill_random(std::span<double>, Generator&);
template void fill_random(std::span<BFloat16>, Generator&);
template void fill_random(std::span<Half>, Generator&);
template void fill_random(std::span<std::int64_t>, Generator&);
template void fill_random(std::span<std::int32_t>, Generator&);
template void fill_random(std::span<std::uint8_t>, Generator&);
template void fill_random(std::span<bool>, Generator&);
template void fill_bernoulli(std::span<std::uint8_t>, std::span<const float>, Generator&);
template void fill_bernoulli(std::span<std::uint8_t>, std::span<const double>, Generator&);

}  // namespace mica
