#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/band.h>

namespace mica::kernels {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Rows of 1, 3, 2, 0 and 2 elements; the column 4 is in none.
Band example() {
  return {.columns = 8,
          .first = {0, 1, 2, 5, 6},
          .begin = {0, 1, 4, 6, 6, 8},
          .weights = {2, 0.5, -1, 3, 0.25, 1, -2, 4}};
}

std::vector<double> dense(const Band& band) {
  std::vector<double> out(index(band.rows() * band.columns));
  for (std::int64_t o = 0; o < band.rows(); ++o) {
    for (std::int64_t k = band.begin[index(o)]; k < band.begin[index(o + 1)]; ++k)
      out[index(o * band.columns + band.first[index(o)] + k - band.begin[index(o)])] = band.weights[index(k)];
  }
  return out;
}

template <class T> void check(DType dtype, std::int64_t batch, std::int64_t inner) {
  const Band band = example();
  const std::vector<double> matrix = dense(band);
  std::vector<T> x(index(batch * band.columns * inner));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(static_cast<double>(i % 17) / 4 - 2);
  std::vector<T> y(index(batch * band.rows() * inner), std::numeric_limits<T>::quiet_NaN());
  band_product(dtype, band, batch, inner, x.data(), y.data());
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t o = 0; o < band.rows(); ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        double sum = 0;
        for (std::int64_t c = 0; c < band.columns; ++c) {
          sum += matrix[index(o * band.columns + c)] *
                 static_cast<double>(x[index((b * band.columns + c) * inner + i)]);
        }
        EXPECT_EQ(static_cast<double>(y[index((b * band.rows() + o) * inner + i)]), sum)
            << b << " " << o << " " << i;  // exact: all numbers are short
      }
    }
  }
}

TEST(Band, ProductIsThatOfTheWholeMatrix) {
  const int before = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const std::int64_t inner : {1, 3, 40}) {
      check<float>(DType::f32, 3, inner);
      check<double>(DType::f64, 2, inner);
    }
    check<float>(DType::f32, 2000, 5);
    check<float>(DType::f32, 0, 5);
    check<float>(DType::f32, 2, 0);
  }
  set_num_threads(before);
}

TEST(Band, TransposeIsThatOfTheWholeMatrix) {
  const Band band = example(), t = transposed(band);
  const std::vector<double> a = dense(band), b = dense(t);
  ASSERT_EQ(t.rows(), band.columns);
  ASSERT_EQ(t.columns, band.rows());
  for (std::int64_t o = 0; o < band.rows(); ++o) {
    for (std::int64_t c = 0; c < band.columns; ++c)
      EXPECT_EQ(a[index(o * band.columns + c)], b[index(c * band.rows() + o)]) << o << " " << c;
  }
}

TEST(Band, RefusesOtherTypes) {
  EXPECT_THROW(band_product(DType::i32, example(), 1, 1, nullptr, nullptr), Error);
}

}  // namespace
}  // namespace mica::kernels
