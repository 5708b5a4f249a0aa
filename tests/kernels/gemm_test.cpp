#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/kernels/gemm.h>

namespace mica::kernels {
namespace {

class Threads {
 public:
  explicit Threads(int count) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

std::mt19937& rng() {
  static std::mt19937 engine(2024);
  return engine;
}
std::int64_t pick(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng());
}

template <class T> std::vector<T> random_values(std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& v : values) {
    if constexpr (std::is_floating_point_v<T>) {
      v = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(rng()));
    } else {
      v = static_cast<T>(pick(-9, 9));
    }
  }
  return values;
}

// Operands with gaps between rows and matrices. The gaps of c hold a value that must survive.
template <class T> struct Problem {
  Problem(std::int64_t m, std::int64_t n, std::int64_t k, bool trans_a, bool trans_b, double beta,
          std::int64_t batch = 1, std::int64_t gap = 0) {
    g = {.dtype = dtype_of<T>, .trans_a = trans_a, .trans_b = trans_b, .m = m, .n = n, .k = k};
    g.lda = (trans_a ? m : k) + gap;
    g.ldb = (trans_b ? k : n) + 2 * gap;
    g.ldc = n + 3 * gap;
    g.batch = batch;
    g.batch_stride_a = (trans_a ? k : m) * g.lda + gap;
    g.batch_stride_b = (trans_b ? n : k) * g.ldb + gap;
    g.batch_stride_c = m * g.ldc + gap;
    g.beta = beta;
    a = random_values<T>(batch * g.batch_stride_a);
    b = random_values<T>(batch * g.batch_stride_b);
    c = random_values<T>(batch * g.batch_stride_c);
  }

  // Runs both and compares everything, gaps included.
  void check() {
    std::vector<T> expected = c, actual = c;
    g.a = a.data();
    g.b = b.data();
    g.c = expected.data();
    reference::gemm(g);
    g.c = actual.data();
    gemm(g);
    // A sum of k products below 1 in magnitude, each step of which rounds.
    double tolerance = 0;
    if constexpr (std::is_floating_point_v<T>) {
      tolerance = std::numeric_limits<T>::epsilon() * static_cast<double>(g.k + 2);
    }
    for (std::size_t i = 0; i < actual.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(actual[i]), static_cast<double>(expected[i]), tolerance)
          << "element " << i << " of m " << g.m << " n " << g.n << " k " << g.k << " trans " << g.trans_a
          << g.trans_b << " beta " << g.beta << " batch " << g.batch << " threads " << num_threads();
    }
  }

  Gemm g;
  std::vector<T> a, b, c;
};

template <class T> class GemmTest : public ::testing::Test {};
using DTypes = ::testing::Types<float, double, std::int64_t, std::int32_t>;
TYPED_TEST_SUITE(GemmTest, DTypes);

TYPED_TEST(GemmTest, AgreesWithPlainLoopsOnRandomShapes) {
  for (const int threads : {1, 2}) {
    const Threads scope(threads);
    for (int i = 0; i < 150; ++i) {
      const double beta = i % 3 == 0 ? 0.0 : i % 3 == 1 ? 1.0 : -2.0;
      Problem<TypeParam>(pick(1, 70), pick(1, 70), pick(1, 70), pick(0, 1) != 0, pick(0, 1) != 0, beta,
                         pick(1, 3), pick(0, 3))
          .check();
    }
  }
}

TYPED_TEST(GemmTest, AgreesWithPlainLoopsBeyondCacheBlocks) {
  for (const int threads : {1, 2}) {
    const Threads scope(threads);
    for (const bool trans_a : {false, true}) {
      for (const bool trans_b : {false, true}) {
        Problem<TypeParam>(131, 97, 301, trans_a, trans_b, 1, 1, 1).check();
        Problem<TypeParam>(5, 530, 270, trans_a, trans_b, 0, 1, 1).check();
        Problem<TypeParam>(300, 3, 129, trans_a, trans_b, 0.5, 2).check();
      }
    }
  }
}

TYPED_TEST(GemmTest, AgreesWithPlainLoopsOnVectorsAndSlivers) {
  for (const std::int64_t size : {1, 2, 7, 15, 16, 17, 33, 200, 700}) {
    for (const bool trans_a : {false, true}) {
      for (const bool trans_b : {false, true}) {
        Problem<TypeParam>(1, size, 65, trans_a, trans_b, 0).check();
        Problem<TypeParam>(size, 1, 65, trans_a, trans_b, 1).check();
        Problem<TypeParam>(37, size, 1, trans_a, trans_b, 0).check();
        Problem<TypeParam>(1, 1, size, trans_a, trans_b, 0).check();
      }
    }
  }
}

TYPED_TEST(GemmTest, RunsManyMatricesAndRepeatsOneWithStrideZero) {
  for (const int threads : {1, 2}) {
    const Threads scope(threads);
    for (const bool trans_b : {false, true}) {
      Problem<TypeParam> tiny(9, 8, 7, false, trans_b, 0, 33, 1);
      tiny.check();
      Problem<TypeParam> ordinary(40, 50, 60, false, trans_b, 0, 9, 1);
      ordinary.check();
      ordinary.g.batch_stride_b = 0;
      ordinary.check();
      ordinary.g.batch_stride_a = 0;
      ordinary.check();
    }
  }
}

TYPED_TEST(GemmTest, EmptySumScalesC) {
  for (const double beta : {0.0, 1.0, 2.0}) {
    Problem<TypeParam> p(3, 4, 0, false, false, beta, 2, 1);
    p.check();
    p.g.c = p.c.data();
    const auto before = p.c[0];
    gemm(p.g);
    EXPECT_EQ(p.c[0], static_cast<TypeParam>(beta) * before);
  }
}

TYPED_TEST(GemmTest, EmptyResultTouchesNothing) {
  for (const auto [m, n, batch] : {std::array<std::int64_t, 3>{0, 4, 1}, {4, 0, 1}, {4, 4, 0}}) {
    const Gemm g{
        .dtype = dtype_of<TypeParam>, .m = m, .n = n, .k = 5, .lda = 5, .ldb = n, .ldc = n, .batch = batch};
    EXPECT_NO_THROW(gemm(g));  // all pointers are null
  }
}

template <class T> class FloatingGemmTest : public ::testing::Test {};
using FloatingDTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FloatingGemmTest, FloatingDTypes);

TYPED_TEST(FloatingGemmTest, BetaZeroNeverReadsC) {
  for (const std::int64_t size : {3, 16, 40, 150}) {
    for (const bool trans_b : {false, true}) {
      Problem<TypeParam> p(size, size, size, false, trans_b, 0, 2);
      p.c.assign(p.c.size(), std::numeric_limits<TypeParam>::quiet_NaN());
      p.check();  // a NaN in the result is not near anything
    }
  }
}

TYPED_TEST(FloatingGemmTest, NanAndInfinityReachTheirRowsOnly) {
  for (const std::int64_t size : {5, 40}) {
    Problem<TypeParam> p(size, size, size, false, true, 0);
    p.a[0] = std::numeric_limits<TypeParam>::quiet_NaN();
    p.g.a = p.a.data();
    p.g.b = p.b.data();
    p.g.c = p.c.data();
    gemm(p.g);
    for (std::int64_t i = 0; i < size * size; ++i) {
      EXPECT_EQ(std::isnan(p.c[static_cast<std::size_t>(i)]), i < size) << i;
    }
  }
}

// Rows that would meet in the same sets of the cache are copied, a block of them after the other.
TEST(Gemm, ACrowdedOperandGivesWhatASpreadOneDoes) {
  for (const double beta : {0.0, 1.0, -0.5}) {
    for (const auto& [m, k] : {std::pair<std::int64_t, std::int64_t>{512, 700}, {1000, 150}, {4096, 1100}}) {
      constexpr std::int64_t n = 128;
      const std::int64_t crowded = (m + 511) / 512 * 512, spread = crowded + 8;
      const auto a = random_values<float>(k * crowded), b = random_values<float>(k * n);
      std::vector<float> other(static_cast<std::size_t>(k * spread));
      for (std::int64_t i = 0; i < k; ++i)
        std::copy_n(a.data() + i * crowded, crowded, other.data() + i * spread);
      const auto c = random_values<float>(m * n);
      auto actual = c, expected = c;
      Gemm g{.trans_a = true, .m = m, .n = n, .k = k, .b = b.data(), .ldb = n, .ldc = n, .beta = beta};
      g.a = a.data(), g.lda = crowded, g.c = actual.data();
      gemm(g);
      g.a = other.data(), g.lda = spread, g.c = expected.data();
      gemm(g);
      for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 1e-4) << i;
    }
  }
  for (const int threads : {1, 2}) {
    const Threads scope(threads);
    for (const bool trans_a : {false, true}) {
      Problem<float>(130, 256, 140, trans_a, false, 0.5, 3).check();  // b alone
      Problem<float>(256, 384, 140, trans_a, false, 0).check();
    }
  }
}

TEST(Gemm, ResultsAreTheSameFromRunToRun) {
  Problem<float> p(64, 128, 300, false, true, 0);
  p.g.a = p.a.data();
  p.g.b = p.b.data();
  p.g.c = p.c.data();
  gemm(p.g);
  const std::vector<float> first = p.c;
  gemm(p.g);
  EXPECT_EQ(first, p.c);
}

TEST(Gemm, WorksInsideAParallelRegion) {
  const Threads scope(2);
  std::vector<Problem<float>> problems;
  for (int i = 0; i < 4; ++i) problems.emplace_back(64, 96, 80, false, i % 2 == 0, 0);
  std::vector<std::vector<float>> results(problems.size());
  parallel_for(0, 4, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      Problem<float>& p = problems[static_cast<std::size_t>(i)];
      results[static_cast<std::size_t>(i)] = p.c;
      p.g.a = p.a.data();
      p.g.b = p.b.data();
      p.g.c = results[static_cast<std::size_t>(i)].data();
      gemm(p.g);
    }
  });
  for (std::size_t i = 0; i < problems.size(); ++i) {
    std::vector<float> expected = problems[i].c;
    problems[i].g.c = expected.data();
    reference::gemm(problems[i].g);
    for (std::size_t j = 0; j < expected.size(); ++j) EXPECT_NEAR(results[i][j], expected[j], 1e-5);
  }
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
TEST(Gemm, ProductsLeaveTheHeapWhole) {
  const Threads two(2);
  Problem<float> p(512, 784, 128, true, false, 0);
  p.g.a = p.a.data(), p.g.b = p.b.data(), p.g.c = p.c.data();
  gemm(p.g);
  const std::size_t before = mallinfo2().arena;
  for (int i = 0; i < 200; ++i) gemm(p.g);
  EXPECT_LE(mallinfo2().arena, before + (std::size_t{4} << 20));
}
#endif

TEST(Gemm, IntegersWrapAround) {
  const std::int32_t a = 1 << 30, b = 4;
  std::int32_t c = 7;
  gemm(
      {.dtype = DType::i32, .m = 1, .n = 1, .k = 1, .a = &a, .b = &b, .c = &c, .lda = 1, .ldb = 1, .ldc = 1});
  EXPECT_EQ(c, 0);
}

TEST(Gemm, NamesADTypeItCannotMultiply) {
  try {
    gemm({.dtype = DType::bf16, .m = 1, .n = 1, .k = 1});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.operation(), "gemm");
    EXPECT_NE(e.message().find("bf16"), std::string::npos);
  }
}

}  // namespace
}  // namespace mica::kernels
