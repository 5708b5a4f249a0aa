#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/gemm.h>

namespace mica::kernels {
namespace {

template <class T> class LinearTest : public ::testing::Test {
 protected:
  ~LinearTest() override { set_num_threads(threads_before_); }

  std::vector<T> values(std::int64_t count) {
    std::vector<T> v(static_cast<std::size_t>(count));
    for (T& e : v) e = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(rng_));
    return v;
  }

  void check(std::int64_t rows, std::int64_t in, std::int64_t out, bool has_bias) {
    const std::vector<T> x = values(rows * in), weight = values(out * in), bias = values(out);
    std::vector<T> y(static_cast<std::size_t>(rows * out), std::numeric_limits<T>::quiet_NaN());
    linear(dtype_of<T>, rows, in, out, x.data(), weight.data(), has_bias ? bias.data() : nullptr, y.data());
    const double tolerance = std::numeric_limits<T>::epsilon() * static_cast<double>(in + 2);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t o = 0; o < out; ++o) {
        double sum = has_bias ? static_cast<double>(bias[static_cast<std::size_t>(o)]) : 0.0;
        for (std::int64_t i = 0; i < in; ++i) {
          sum += static_cast<double>(x[static_cast<std::size_t>(r * in + i)]) *
                 static_cast<double>(weight[static_cast<std::size_t>(o * in + i)]);
        }
        ASSERT_NEAR(static_cast<double>(y[static_cast<std::size_t>(r * out + o)]), sum, tolerance)
            << rows << " x " << in << " -> " << out << " at " << r << ", " << o << " bias " << has_bias;
      }
    }
  }

  std::mt19937 rng_{7};
  int threads_before_ = num_threads();
};
using DTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(LinearTest, DTypes);

TYPED_TEST(LinearTest, AgreesWithTheFormulaOnRandomShapes) {
  std::uniform_int_distribution<std::int64_t> size(1, 70);
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (int i = 0; i < 150; ++i)
      this->check(size(this->rng_), size(this->rng_), size(this->rng_), i % 2 == 0);
  }
}

TYPED_TEST(LinearTest, AgreesWithTheFormulaOnLayersOfModels) {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const std::int64_t rows : {1, 3, 8, 13, 128}) {
      this->check(rows, 16, 16, true);
      this->check(rows, 512, 10, true);
      this->check(rows, 300, 257, true);
      this->check(rows, 784, 128, false);
    }
  }
}

TYPED_TEST(LinearTest, NoInputFeaturesGiveTheBias) {
  this->check(3, 0, 5, true);
  this->check(3, 0, 5, false);
}

TYPED_TEST(LinearTest, NoRowsOrNoOutputsTouchNothing) {
  EXPECT_NO_THROW(linear(dtype_of<TypeParam>, 0, 4, 4, nullptr, nullptr, nullptr, nullptr));
  EXPECT_NO_THROW(linear(dtype_of<TypeParam>, 4, 4, 0, nullptr, nullptr, nullptr, nullptr));
}

TEST(Linear, NamesADTypeItCannotMultiply) {
  EXPECT_THROW(linear(DType::i32, 1, 1, 1, nullptr, nullptr, nullptr, nullptr), Error);
}

}  // namespace
}  // namespace mica::kernels
