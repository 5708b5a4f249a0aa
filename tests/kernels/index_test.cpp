#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/index.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using IndexTest = KernelTest<T>;
TYPED_TEST_SUITE(IndexTest, Floating);

TEST(IndexTest, GathersRowsOfAnySize) {
  for (const std::int64_t row_bytes : {1, 2, 3, 4, 8, 12, 16, 17, 256, 1000}) {
    constexpr std::int64_t rows = 23, count = 901;
    std::vector<std::uint8_t> table(static_cast<std::size_t>(rows * row_bytes));
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    const auto indices = labels(count, rows, 1);
    std::vector<std::uint8_t> out(static_cast<std::size_t>(count * row_bytes));
    gather_rows(count, row_bytes, table.data(), indices.data(), out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto row = i / static_cast<std::size_t>(row_bytes),
                 column = i % static_cast<std::size_t>(row_bytes);
      ASSERT_EQ(out[i], table[static_cast<std::size_t>(indices[row] * row_bytes) + column]);
    }
  }
}

TYPED_TEST(IndexTest, AddsRowsInTheOrderOfTheIndices) {
  using T = TypeParam;
  constexpr std::int64_t count = 3000, rows = 11;
  const auto indices = labels(count, rows, 2);
  for (const std::int64_t n : {1, 3, 16, 17, 70, 300}) {
    const auto grad = normal_values<T>(count * n, 1);
    for (const std::int64_t padding : {-1, 2}) {
      SCOPED_TRACE(testing::Message() << "n " << n << " padding " << padding);
      std::vector<T> expected(static_cast<std::size_t>(rows * n));
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = indices[static_cast<std::size_t>(i)];
        for (std::int64_t j = 0; j < n && row != padding; ++j) {
          expected[static_cast<std::size_t>(row * n + j)] += grad[static_cast<std::size_t>(i * n + j)];
        }
      }
      for_each_target([&] {
        for (const int threads : {1, 2, 3}) {
          const Threads guard(threads);
          std::vector<T> table(expected.size(), T(77));
          scatter_add_rows(dtype_of<T>, count, rows, n, grad.data(), indices.data(), padding, table.data());
          EXPECT_EQ(table, expected);  // the same bits, whatever the number of threads
        }
      });
    }
  }
}

TEST(IndexTest, HandlesZeroSizes) {
  std::vector<float> table(6, 5);
  scatter_add_rows(f32, 0, 3, 2, nullptr, nullptr, -1, table.data());
  EXPECT_EQ(table, std::vector<float>(6));
  const std::int64_t index = 0;
  scatter_add_rows(f32, 1, 3, 0, nullptr, &index, -1, nullptr);
  gather_rows(0, 8, table.data(), nullptr, nullptr);
  gather_rows(1, 0, table.data(), &index, nullptr);
}

}  // namespace
}  // namespace mica::kernels
