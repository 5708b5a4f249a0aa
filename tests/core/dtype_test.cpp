#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <gtest/gtest.h>

#include <mica/core/dtype.h>

namespace mica {
namespace {

constexpr DType all_dtypes[] = {f32, f64, bf16, f16, i64, i32, u8, boolean};

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

// Bits of the number; every NaN counts as the same.
template <class T> std::uint32_t number_of(T value) {
  const auto wide = static_cast<float>(value);
  return std::isnan(wide) ? 0x7fc00000U : bits_of(wide);
}

// Calls fn with floats of every sign and exponent, and with the significands that matter for rounding: around
// each point where one of the upper bits changes, and around the middle between two such points.
template <class Fn> void for_telling_floats(Fn fn) {
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const std::uint32_t lower :
         {0x0000U, 0x0001U, 0x0fffU, 0x1000U, 0x1001U, 0x1fffU, 0x2000U, 0x3000U, 0x7000U, 0x7fffU, 0x8000U,
          0x8001U, 0x9000U, 0xb000U, 0xcfffU, 0xf000U, 0xffffU}) {
      fn(float_of(upper << 16 | lower));
    }
  }
}

TEST(DType, item_sizes_are_those_of_the_element_types) {
  for (const DType t : all_dtypes) {
    dispatch(t, [&]<class T>() {
      EXPECT_EQ(item_size(t), sizeof(T)) << name(t);
      EXPECT_EQ(dtype_of<T>, t) << name(t);
    });
  }
}

TEST(DType, dispatch_gives_the_value_of_the_function) {
  EXPECT_EQ(dispatch(bf16, []<class T>() { return std::is_same_v<T, BFloat16>; }), true);
  EXPECT_EQ(dispatch(f64, []<class T>() { return sizeof(T); }), 8U);
}

TEST(DType, names_are_short) {
  EXPECT_EQ(name(f32), "f32");
  EXPECT_EQ(name(f64), "f64");
  EXPECT_EQ(name(bf16), "bf16");
  EXPECT_EQ(name(f16), "f16");
  EXPECT_EQ(name(i64), "i64");
  EXPECT_EQ(name(i32), "i32");
  EXPECT_EQ(name(u8), "u8");
  EXPECT_EQ(name(boolean), "bool");
}

TEST(DType, is_floating_point_or_integral_or_boolean) {
  for (const DType t : all_dtypes) {
    EXPECT_EQ(int{is_floating_point(t)} + int{is_integral(t)} + int{t == boolean}, 1) << name(t);
  }
  EXPECT_TRUE(is_floating_point(bf16));
  EXPECT_TRUE(is_integral(u8));
}

TEST(Half, every_value_becomes_the_compilers_float) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Half half;
    half.bits = static_cast<std::uint16_t>(bits);
    const auto expected = static_cast<float>(std::bit_cast<_Float16>(half.bits));
    ASSERT_EQ(number_of(half), number_of(expected)) << std::hex << bits;
  }
}

TEST(Half, every_value_survives_the_way_through_float) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    Half half;
    half.bits = static_cast<std::uint16_t>(bits);
    if (std::isnan(static_cast<float>(half))) continue;
    ASSERT_EQ(Half(static_cast<float>(half)).bits, bits);
  }
}

TEST(Half, rounds_as_the_compiler_does) {
  for_telling_floats([](float value) {
    const auto expected = static_cast<float>(static_cast<_Float16>(value));
    ASSERT_EQ(number_of(Half(value)), number_of(expected)) << std::hexfloat << value;
  });
}

TEST(Half, ties_go_to_the_even_neighbour) {
  EXPECT_EQ(Half(1.0F + 0x1p-11F).bits, 0x3c00);
  EXPECT_EQ(Half(1.0F + 0x3p-11F).bits, 0x3c02);
  EXPECT_EQ(Half(-1.0F - 0x3p-11F).bits, 0xbc02);
  EXPECT_EQ(Half(0x1p-25F).bits, 0x0000);  // half of the smallest subnormal
  EXPECT_EQ(Half(std::nextafter(0x1p-25F, 1.0F)).bits, 0x0001);
  EXPECT_EQ(Half(0x3p-25F).bits, 0x0002);
}

TEST(Half, edges_of_the_range) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Half(65504.0F).bits, 0x7bff);
  EXPECT_EQ(Half(std::nextafter(65520.0F, 0.0F)).bits, 0x7bff);
  EXPECT_EQ(Half(65520.0F).bits, 0x7c00);
  EXPECT_EQ(Half(-infinity).bits, 0xfc00);
  EXPECT_EQ(Half(-0.0F).bits, 0x8000);
  EXPECT_EQ(Half(std::nextafter(0x1p-14F, 0.0F)).bits, 0x0400);  // rounds up into the normal numbers
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(float_of(0x7f800001)))));
}

TEST(BFloat16, every_value_is_the_upper_half_of_a_float) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    BFloat16 value;
    value.bits = static_cast<std::uint16_t>(bits);
    ASSERT_EQ(bits_of(static_cast<float>(value)), bits << 16);
    if (!std::isnan(float_of(bits << 16))) ASSERT_EQ(BFloat16(static_cast<float>(value)).bits, bits);
  }
}

TEST(BFloat16, rounds_to_the_nearest_value_and_ties_to_even) {
  for_telling_floats([](float value) {
    if (!std::isfinite(value)) return;
    const std::uint32_t below = bits_of(value) & 0xffff0000U;  // towards zero
    const std::uint32_t rest = bits_of(value) & 0xffffU;
    const bool odd = (below & 0x10000U) != 0;
    const bool up = rest > 0x8000U || (rest == 0x8000U && odd);
    ASSERT_EQ(bits_of(static_cast<float>(BFloat16(value))), up ? below + 0x10000U : below)
        << std::hexfloat << value;
  });
}

TEST(BFloat16, edges_of_the_range) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(BFloat16(1.0F).bits, 0x3f80);
  EXPECT_EQ(BFloat16(-0.0F).bits, 0x8000);
  EXPECT_EQ(BFloat16(infinity).bits, 0x7f80);
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::max()).bits, 0x7f80);  // rounds up to infinity
  EXPECT_TRUE(
      std::isnan(static_cast<float>(BFloat16(float_of(0x7f800001)))));  // its payload is in the lower half
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(float_of(0xffffffff)))));
}

TEST(HalfAndBFloat16, convert_at_compile_time) {
  static_assert(Half(1.5F).bits == 0x3e00);
  static_assert(static_cast<float>(Half(0.1F)) == 0.0999755859375F);
  static_assert(BFloat16(1.5F).bits == 0x3fc0);
  static_assert(static_cast<float>(BFloat16(-2.0F)) == -2.0F);
  static_assert(sizeof(Half) == 2 && sizeof(BFloat16) == 2);
}

}  // namespace
}  // namespace mica
