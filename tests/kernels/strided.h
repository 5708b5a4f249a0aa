// Test arrays with all the layouts that views of tensors have, and a run of each test for every instruction
// set.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <mica/kernels/elementwise.h>

namespace mica::kernels::testing {

using Rng = std::mt19937_64;

inline std::int64_t pick(Rng& rng, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
}

enum class Layout { contiguous, permuted, sliced, transposed, broadcast };
inline constexpr Layout output_layouts[] = {Layout::contiguous, Layout::permuted, Layout::sliced,
                                            Layout::transposed};
inline constexpr Layout input_layouts[] = {Layout::contiguous, Layout::permuted, Layout::sliced,
                                           Layout::transposed, Layout::broadcast};

// Strides of a view of `sizes`, in a random order of dimensions for `permuted`, the reverse one for
// `transposed`.
inline Shape make_strides(const Shape& sizes, Layout layout, Rng& rng) {
  std::vector<int> order(static_cast<std::size_t>(sizes.size()));
  std::iota(order.begin(), order.end(), 0);
  if (layout == Layout::permuted) std::shuffle(order.begin(), order.end(), rng);
  if (layout == Layout::transposed) std::reverse(order.begin(), order.end());
  Shape strides = Shape::filled(sizes.size(), 0);
  std::int64_t step = layout == Layout::sliced ? pick(rng, 1, 3) : 1;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    const bool repeated = layout == Layout::broadcast && pick(rng, 0, 1) == 0;
    strides[*i] = repeated ? 0 : step;
    step *= sizes[*i] + (layout == Layout::sliced ? pick(rng, 0, 2) : 0);
  }
  return strides;
}

// Storage and a view of it. The first elements of the storage are not part of the view, nor are the last.
template <class T> struct Strided {
  Shape sizes, strides;
  std::vector<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>> storage;
  static constexpr std::size_t margin = 3;

  Strided(const Shape& view_sizes, const Shape& view_strides) : sizes(view_sizes), strides(view_strides) {
    std::int64_t last = 0;
    for (int i = 0; i < sizes.size(); ++i) last += std::max<std::int64_t>(sizes[i] - 1, 0) * strides[i];
    storage.resize(static_cast<std::size_t>(last) + 1 + 2 * margin);
  }
  Strided(const Shape& view_sizes, Layout layout, Rng& rng)
      : Strided(view_sizes, make_strides(view_sizes, layout, rng)) {}

  template <class Fn> Strided& fill(Fn next) {
    for (auto& item : storage) item = next();
    return *this;
  }
  auto* data() { return storage.data() + margin; }
  const auto* data() const { return storage.data() + margin; }
  operator In() const { return {data(), strides}; }
  operator Out() { return {data(), strides}; }
};

// Values around zero for floating types, some of them special; small ones and extremes for integers.
template <class T> T random_value(Rng& rng) {
  if constexpr (std::is_same_v<T, bool>) {
    return pick(rng, 0, 1) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    switch (pick(rng, 0, 15)) {
      case 0: return std::numeric_limits<T>::min();
      case 1: return std::numeric_limits<T>::max();
      default: return static_cast<T>(pick(rng, -100, 100));
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    switch (pick(rng, 0, 40)) {
      case 0: return T{0};
      case 1: return -T{0};
      case 2: return std::numeric_limits<T>::quiet_NaN();
      case 3: return std::numeric_limits<T>::infinity();
      case 4: return -std::numeric_limits<T>::infinity();
      case 5: return std::numeric_limits<T>::denorm_min() * static_cast<T>(pick(rng, -1000, 1000));
      case 6: return static_cast<T>(std::ldexp(1.0, static_cast<int>(pick(rng, -120, 120))));
      default: return static_cast<T>(std::normal_distribution<double>(0, 4)(rng));
    }
  } else {
    return T(random_value<float>(rng));
  }
}

// Shapes of 0 to 4 dimensions, and rows around the lengths of vectors.
inline std::vector<Shape> test_shapes(Rng& rng) {
  std::vector<Shape> shapes = {{},        {0},          {3, 0, 2},     {1},           {1, 1, 1},  {5, 7},
                               {64, 33},  {2, 3, 4, 5}, {17, 1, 40},   {1, 130, 3},   {9, 8, 70}, {100, 100},
                               {3000, 2}, {2, 3000},    {4, 16, 5, 9}, {1, 1, 66, 1}, {9000}};
  for (std::int64_t n = 1; n <= 70; ++n) shapes.push_back({n});
  for (int i = 0; i < 20; ++i) {
    Shape shape;
    for (std::int64_t d = pick(rng, 1, 4); d > 0; --d) shape.push_back(pick(rng, 1, 12));
    shapes.push_back(shape);
  }
  return shapes;
}

// Steps of the last place between two numbers; NaN equals NaN.
template <class T> std::uint64_t ulp_distance(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b) ? 0 : ~std::uint64_t{0};
  using U = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr U sign = U{1} << (8 * sizeof(T) - 1);
  const auto rank = [](T x) {  // rises with x; both zeros have the same
    const U bits = std::bit_cast<U>(x);
    return (bits & sign) != 0 ? static_cast<U>(sign - (bits ^ sign)) : static_cast<U>(sign + bits);
  };
  return rank(a) > rank(b) ? rank(a) - rank(b) : rank(b) - rank(a);
}

// Equal, or within `ulps` for floating types (or as close as numbers on the verge of underflow); everything
// in the storage, so that stray writes show.
template <class T>
::testing::AssertionResult same_storage(const Strided<T>& actual, const Strided<T>& expected,
                                        std::uint64_t ulps = 0) {
  for (std::size_t i = 0; i < expected.storage.size(); ++i) {
    const auto a = actual.storage[i];
    const auto e = expected.storage[i];
    if constexpr (std::is_floating_point_v<T>) {
      const bool vanishing = ulps > 0 && std::abs(a - e) < 100 * std::numeric_limits<T>::min();
      if (ulp_distance(a, e) > ulps && !vanishing) {
        return ::testing::AssertionFailure()
               << "storage[" << i << "] is " << a << ", expected " << e << ", sizes "
               << to_string(actual.sizes) << " strides " << to_string(actual.strides);
      }
    } else if (std::bit_cast<std::array<std::uint8_t, sizeof(a)>>(a) !=
               std::bit_cast<std::array<std::uint8_t, sizeof(e)>>(e)) {
      return ::testing::AssertionFailure()
             << "storage[" << i << "] differs, sizes " << to_string(actual.sizes) << " strides "
             << to_string(actual.strides);
    }
  }
  return ::testing::AssertionSuccess();
}

// Runs a test with the kernels of one instruction set.
class EveryTarget : public ::testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

inline std::vector<std::int64_t> supported_targets() {
  std::vector<std::int64_t> targets;
  for (const std::int64_t target : {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_EMU128}) {
    if ((hwy::SupportedTargets() & target) != 0 || target == HWY_EMU128) targets.push_back(target);
  }
  return targets;
}

inline std::string target_name(const ::testing::TestParamInfo<std::int64_t>& info) {
  return hwy::TargetName(info.param);
}

}  // namespace mica::kernels::testing
