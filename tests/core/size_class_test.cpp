#include <gtest/gtest.h>

#include <mica/core/size_class.h>

namespace mica {
namespace {

template <std::size_t steps_log2> void check_up_to(SizeClasses<steps_log2> classes, std::size_t count) {
  EXPECT_EQ(classes.index(0), 0U);
  EXPECT_EQ(classes.index(1), 0U);
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t size = classes.size(c);
    ASSERT_EQ(classes.index(size), c) << size;
    ASSERT_EQ(classes.index(size + 1), c + 1) << size;
    ASSERT_EQ(size % classes.unit, 0U);
  }
}

TEST(SizeClasses, each_size_belongs_to_its_class_and_the_next_byte_to_the_next) {
  check_up_to(small_classes, 100);
  check_up_to(SizeClasses<3>{128 * 1024}, 200);
}

TEST(SizeClasses, waste_is_bounded_by_the_number_of_steps) {
  for (std::size_t bytes = 257; bytes < 300000; bytes += 7) {
    const std::size_t size = small_classes.size(small_classes.index(bytes));
    ASSERT_GE(size, bytes);
    ASSERT_LT(static_cast<double>(size), 1.25 * static_cast<double>(bytes) + 64);
  }
}

TEST(SizeClasses, have_four_steps_to_a_power_of_two) {
  EXPECT_EQ(small_classes.size(small_classes.index(1)), 64U);
  EXPECT_EQ(small_classes.size(small_classes.index(65)), 128U);
  EXPECT_EQ(small_classes.size(small_classes.index(1025)), 1280U);
  EXPECT_EQ(small_classes.index(4096) - small_classes.index(2048), 4U);
  EXPECT_EQ(small_classes.size(small_class_count - 1), max_small_size);
  EXPECT_EQ(small_classes.size(small_class_count), std::size_t{1} << 20);  // the first that is large
}

}  // namespace
}  // namespace mica
