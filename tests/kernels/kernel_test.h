// What the kernel tests share: random data, comparison, and a run on every SIMD target of this machine.
#pragma once

// As in the kernels, so that only targets they were compiled for are listed.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <mica/core/dtype.h>
#include <mica/core/parallel.h>

namespace mica::kernels {

// Calls body() once for each SIMD target that the library was built for and this machine has.
template <class Body> void for_each_target(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Sets the number of threads for its lifetime.
class Threads {
 public:
  explicit Threads(int count) : previous_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(previous_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int previous_;
};

template <class T>
std::vector<T> normal_values(std::int64_t count, unsigned seed, double mean = 0, double deviation = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(mean, deviation);
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& v : values) v = static_cast<T>(normal(generator));
  return values;
}

inline std::vector<std::int64_t> labels(std::int64_t count, std::int64_t classes, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::uniform_int_distribution<std::int64_t> uniform(0, classes - 1);
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::int64_t& v : values) v = uniform(generator);
  return values;
}

// |actual - expected| <= absolute + relative * |expected|; NaN and infinities must agree.
template <class T, class U>
void expect_close(const std::vector<T>& actual, const std::vector<U>& expected, double relative,
                  double absolute) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const auto a = static_cast<double>(actual[i]), e = static_cast<double>(expected[i]);
    if (std::isnan(e)) {
      ASSERT_TRUE(std::isnan(a)) << "at " << i << ": " << a << ", not NaN";
    } else if (std::isinf(e)) {
      ASSERT_EQ(a, e) << "at " << i;
    } else {
      ASSERT_LE(std::abs(a - e), absolute + relative * std::abs(e))
          << "at " << i << ": " << a << ", not " << e;
    }
  }
}

// The rounding error that a short computation in T may gather.
template <class T> inline constexpr double kTolerance = sizeof(T) == 4 ? 4e-6 : 1e-13;

template <class T> class KernelTest : public ::testing::Test {};
using Floating = ::testing::Types<float, double>;

}  // namespace mica::kernels
