#include <cstring>
#include <limits>

#include <gtest/gtest.h>
#include <tests/kernels/strided.h>

#include <mica/kernels/elementwise.h>

namespace mica::kernels::testing {
namespace {

class ConvertKernel : public EveryTarget {};
INSTANTIATE_TEST_SUITE_P(Targets, ConvertKernel, ::testing::ValuesIn(supported_targets()), target_name);

// The value of an item through the widest type of its kind, which holds them all.
template <class To, class From> To plain_cast(From x) {
  if constexpr (std::is_same_v<From, BFloat16> || std::is_same_v<From, Half>) {
    return plain_cast<To>(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, BFloat16> || std::is_same_v<To, Half>) {
    return To(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From{0};
  } else {
    return static_cast<To>(x);
  }
}

// Values that every dtype can be asked to hold.
template <class From> From modest_value(Rng& rng) {
  if constexpr (std::is_same_v<From, bool>) {
    return pick(rng, 0, 1) != 0;
  } else if constexpr (std::is_integral_v<From>) {
    return static_cast<From>(pick(rng, 0, 255));
  } else {
    return From(static_cast<float>(pick(rng, 0, 255 * 8)) / 8);
  }
}

template <class From, class To> void check_pair(Rng& rng) {
  for (int round = 0; round < 8; ++round) {
    Shape sizes;
    for (std::int64_t d = pick(rng, 0, 3); d > 0; --d) sizes.push_back(pick(rng, 1, 40));
    Strided<From> x(sizes, input_layouts[pick(rng, 0, 4)], rng);
    x.fill([&] { return modest_value<From>(rng); });
    Strided<To> actual(sizes, output_layouts[pick(rng, 0, 3)], rng);
    Strided<To> expected = actual;
    convert(sizes, dtype_of<From>, x, dtype_of<To>, actual);
    for (std::int64_t n = 0; n < sizes.numel(); ++n) {
      std::int64_t rest = n;
      std::int64_t at_x = 0;
      std::int64_t at_out = 0;
      for (int i = sizes.size() - 1; i >= 0; --i) {
        at_x += rest % sizes[i] * x.strides[i];
        at_out += rest % sizes[i] * expected.strides[i];
        rest /= sizes[i];
      }
      expected.data()[at_out] = plain_cast<To>(static_cast<From>(x.data()[at_x]));
    }
    ASSERT_TRUE(same_storage(actual, expected)) << name(dtype_of<From>) << " to " << name(dtype_of<To>);
  }
}

template <class From> void check_all_from(Rng& rng) {
  check_pair<From, float>(rng);
  check_pair<From, double>(rng);
  check_pair<From, BFloat16>(rng);
  check_pair<From, Half>(rng);
  check_pair<From, std::int64_t>(rng);
  check_pair<From, std::int32_t>(rng);
  check_pair<From, std::uint8_t>(rng);
  check_pair<From, bool>(rng);
}

TEST_P(ConvertKernel, ConvertsEveryPairOnEveryLayout) {
  Rng rng(1);
  check_all_from<float>(rng);
  check_all_from<double>(rng);
  check_all_from<BFloat16>(rng);
  check_all_from<Half>(rng);
  check_all_from<std::int64_t>(rng);
  check_all_from<std::int32_t>(rng);
  check_all_from<std::uint8_t>(rng);
  check_all_from<bool>(rng);
}

TEST_P(ConvertKernel, RoundsEveryFloatToHalfAndBack) {
  Rng rng(2);
  std::vector<float> x(4099);
  for (float& value : x) value = std::bit_cast<float>(static_cast<std::uint32_t>(rng()));
  for (int i = 0; i < 1000; ++i)
    x[static_cast<std::size_t>(i)] = std::ldexp(static_cast<float>(i), -26);  // subnormal
  for (int i = 1000; i < 1100; ++i)
    x[static_cast<std::size_t>(i)] = 65450 + static_cast<float>(i - 1000);  // overflow
  const auto count = static_cast<std::int64_t>(x.size());
  std::vector<Half> half(x.size());
  std::vector<float> back(x.size());
  std::vector<BFloat16> brain(x.size());
  convert({count}, f32, {x.data(), {1}}, f16, {half.data(), {1}});
  convert({count}, f16, {half.data(), {1}}, f32, {back.data(), {1}});
  convert({count}, f32, {x.data(), {1}}, bf16, {brain.data(), {1}});
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      EXPECT_TRUE(std::isnan(back[i]) && std::isnan(static_cast<float>(brain[i])));
      continue;
    }
    EXPECT_EQ(half[i].bits, Half(x[i]).bits) << x[i];
    EXPECT_EQ(back[i], static_cast<float>(Half(x[i]))) << x[i];
    EXPECT_EQ(brain[i].bits, BFloat16(x[i]).bits) << x[i];
  }
}

template <class To> std::vector<To> converted(const std::vector<float>& x) {
  std::vector<To> result(x.size());
  convert({static_cast<std::int64_t>(x.size())}, f32, {x.data(), {1}}, dtype_of<To>, {result.data(), {1}});
  return result;
}

TEST_P(ConvertKernel, TruncatesAsPyTorchDoesOnX86) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{nan, 300.75F, -1.9F, 1e20F, -1e20F, 256.5F};
  constexpr auto lowest32 = std::numeric_limits<std::int32_t>::min();
  constexpr auto lowest64 = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(converted<std::int32_t>(x),
            (std::vector<std::int32_t>{lowest32, 300, -1, lowest32, lowest32, 256}));
  EXPECT_EQ(converted<std::int64_t>(x),
            (std::vector<std::int64_t>{lowest64, 300, -1, lowest64, lowest64, 256}));
  EXPECT_EQ(converted<std::uint8_t>(x), (std::vector<std::uint8_t>{0, 44, 255, 0, 0, 0}));
}

TEST_P(ConvertKernel, MakesBoolOfWhatIsNotZero) {
  const float x[] = {0.0F, -0.0F, 0.25F, std::numeric_limits<float>::quiet_NaN(), -3.0F};
  std::uint8_t result[5] = {};
  convert({5}, f32, {x, {1}}, boolean, {result, {1}});
  const std::uint8_t expected[] = {0, 0, 1, 1, 1};
  EXPECT_EQ(std::memcmp(result, expected, 5), 0);
}

TEST(Copy, TransposesLargeMatrices) {
  // More than one thread takes, larger than the streaming threshold, and no multiple of a block.
  const std::int64_t rows = 2053;
  const std::int64_t columns = 2059;
  std::vector<float> x(static_cast<std::size_t>(rows * columns));
  std::iota(x.begin(), x.end(), 0.0F);
  std::vector<float> y(x.size());
  convert({columns, rows}, f32, {x.data(), {1, columns}}, f32, {y.data(), {rows, 1}});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      ASSERT_EQ(y[static_cast<std::size_t>(j * rows + i)], x[static_cast<std::size_t>(i * columns + j)]);
    }
  }
}

TEST(Copy, PermutesImagesBetweenLayouts) {
  Rng rng(3);
  const Shape sizes{3, 5, 17, 19};  // (N, C, H, W)
  Strided<float> x(sizes, Layout::contiguous, rng);
  x.fill([&] { return random_value<float>(rng); });
  Strided<float> last(sizes, {5 * 17 * 19, 1, 19 * 5, 5});
  Strided<float> back(sizes, x.strides);
  convert(sizes, f32, x, f32, last);
  for (std::int64_t n = 0; n < 3; ++n) {
    for (std::int64_t c = 0; c < 5; ++c) {
      for (std::int64_t p = 0; p < 17 * 19; ++p) {
        ASSERT_EQ(ulp_distance(last.data()[(n * 17 * 19 + p) * 5 + c], x.data()[(n * 5 + c) * 17 * 19 + p]),
                  0U);
      }
    }
  }
  convert(sizes, f32, last, f32, back);
  for (std::int64_t i = 0; i < sizes.numel(); ++i) ASSERT_EQ(ulp_distance(back.data()[i], x.data()[i]), 0U);
}

TEST(Copy, StreamsFromAnyAlignment) {
  const std::int64_t count = (5 << 20) + 3;
  std::vector<float> x(static_cast<std::size_t>(count));
  std::iota(x.begin(), x.end(), 0.0F);
  for (const std::size_t offset : {0U, 1U, 7U}) {
    std::vector<float> y(x.size() + 16, -1.0F);
    convert({count}, f32, {x.data(), {1}}, f32, {y.data() + offset, {1}});
    ASSERT_EQ(std::memcmp(y.data() + offset, x.data(), x.size() * sizeof(float)), 0);
    for (std::size_t i = 0; i < offset; ++i) EXPECT_EQ(y[i], -1.0F);
    EXPECT_EQ(y[offset + x.size()], -1.0F);
  }
}

TEST_P(ConvertKernel, FillsEveryDtypeAndLayout) {
  Rng rng(4);
  const auto check = [&]<class T>(T expected_item, double value, std::int64_t value_int) {
    for (const Layout layout : output_layouts) {
      const Shape sizes{3, 1, pick(rng, 1, 70)};
      Strided<T> actual(sizes, layout, rng);
      Strided<T> expected = actual;
      fill(dtype_of<T>, sizes, actual, value, value_int);
      for (std::int64_t i = 0; i < sizes[0]; ++i) {
        for (std::int64_t j = 0; j < sizes[2]; ++j) {
          expected.data()[i * expected.strides[0] + j * expected.strides[2]] = expected_item;
        }
      }
      ASSERT_TRUE(same_storage(actual, expected)) << name(dtype_of<T>);
    }
  };
  check(1.5F, 1.5, 0);
  check(-2.25, -2.25, 0);
  check(BFloat16(3.0F), 3.0, 0);
  check(Half(-0.5F), -0.5, 0);
  check(std::int64_t{9007199254740993}, 0.0, 9007199254740993);  // 2^53 + 1: no double
  check(std::int32_t{-7}, -7.9, 0);
  check(std::uint8_t{200}, 200.0, 0);
  check(true, 5.0, 0);
}

}  // namespace
}  // namespace mica::kernels::testing
