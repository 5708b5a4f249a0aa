// Random numbers, equal to PyTorch's CPU generator for the same seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace mica {

// A Mersenne twister (MT19937) with PyTorch's way of drawing from it. Not thread-safe; one owner at a time.
class Generator {
 public:
  static constexpr std::uint64_t default_seed = 67280421310721ULL;  // PyTorch's
  explicit Generator(std::uint64_t seed = default_seed) { manual_seed(seed); }

  void manual_seed(std::uint64_t seed);
  std::uint64_t seed() const { return seed_; }

  std::uint32_t random();    // 32 random bits
  std::uint64_t random64();  // 64 random bits: two draws, the first one high, as PyTorch's random64
  double uniform_double();   // [0, 1), 53 bits
  float uniform_float();     // [0, 1), 24 bits
  double normal_double();    // standard normal; draws pairs and keeps the second (Box-Muller), as PyTorch's

  // The numbers that out.size() calls of random() would give, several times faster.
  void random(std::span<std::uint32_t> out);

  // Everything that determines the numbers to come, as plain words, for checkpoints.
  static constexpr int state_words = 624 + 8;
  std::array<std::uint64_t, state_words> state() const;
  // Errors: words that no state() gives. Nothing is changed then.
  void set_state(std::span<const std::uint64_t> words);

 private:
  void refill();
  std::uint64_t seed_ = 0;
  std::array<std::uint32_t, 624> state_{};
  std::size_t next_ = 624;  // the first word of state_ not drawn yet
  std::optional<double> next_normal_;
};

// The generator that creation, initialisation and dropout draw from unless given another.
Generator& default_generator();

// Seeds the default generator (torch.manual_seed).
void manual_seed(std::uint64_t seed);

// Fills in PyTorch's order and with its formulas, for T = float, double, BFloat16, Half. Narrow floats are
// drawn with as few bits as they hold (eight and eleven).
//
// Uniform on [from, to) (torch.Tensor.uniform_). Errors: from > to, or a bound that is not finite.
template <class T> void fill_uniform(std::span<T> out, double from, double to, Generator& generator);
// 16 values or more: PyTorch's vectorised Box-Muller over blocks of 16; fewer: one by one
// (torch.Tensor.normal_). Errors: std < 0, or a number that is not finite.
template <class T> void fill_normal(std::span<T> out, double mean, double std, Generator& generator);
// One by one whatever their number, as PyTorch does where memory is not in row-major order.
template <class T>
void fill_normal_one_by_one(std::span<T> out, double mean, double std, Generator& generator);
// Density lambda exp(-lambda x) (torch.Tensor.exponential_). Errors: lambda <= 0 or not finite.
template <class T> void fill_exponential(std::span<T> out, double lambda, Generator& generator);
// All values that T holds exactly, from 0 (torch.Tensor.random_); also for integers and bool.
template <class T> void fill_random(std::span<T> out, Generator& generator);

// out[i] = 1 with probability p, else 0 (torch.bernoulli_). Errors: p outside [0, 1].
void fill_bernoulli(std::span<std::uint8_t> out, double p, Generator& generator);
// With a probability for each (torch.bernoulli), T = float or double: as many bits are drawn as T holds.
template <class T>
void fill_bernoulli(std::span<std::uint8_t> out, std::span<const T> p, Generator& generator);
// out[i] in [low, high) (torch.randint). Errors: low >= high.
void fill_randint(std::span<std::int64_t> out, std::int64_t low, std::int64_t high, Generator& generator);
// A permutation of 0 .. out.size()-1 (torch.randperm).
void fill_randperm(std::span<std::int64_t> out, Generator& generator);

}  // namespace mica
