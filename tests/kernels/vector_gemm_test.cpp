#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <mica/kernels/vector_gemm.h>

namespace mica::kernels {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

template <class T> void check(std::mt19937& rng, std::int64_t m, std::int64_t n, std::int64_t k) {
  const auto random = [&](std::int64_t count) {
    std::vector<T> values(index(count));
    for (T& v : values) v = static_cast<T>(std::uniform_real_distribution<double>(-1, 1)(rng));
    return values;
  };
  const std::vector<T> a = random(m * k), b = random(k * n), start = random(m * n), bias = random(n);
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      for (const bool has_bias : {false, true}) {
        std::vector<T> expected = start, actual = start;
        Gemm g{.dtype = dtype_of<T>, .trans_a = trans_a, .trans_b = trans_b, .m = m, .n = n, .k = k};
        g.a = a.data(), g.b = b.data(), g.c = expected.data();
        g.lda = trans_a ? m : k, g.ldb = trans_b ? k : n, g.ldc = n;
        g.beta = 0.5;
        reference::gemm(g);
        g.c = actual.data();
        vector_gemm(g, has_bias ? bias.data() : nullptr);
        const double tolerance = std::numeric_limits<T>::epsilon() * static_cast<double>(k + 3);
        if (!trans_a) {
          const PackedMatrix packed(g.dtype, k, n, b.data(), g.ldb, trans_b);
          std::vector<T> same = start;
          packed.multiply(m, a.data(), same.data(), g.beta);
          for (std::int64_t i = 0; i < m * n; ++i)
            ASSERT_NEAR(static_cast<double>(same[index(i)]), static_cast<double>(expected[index(i)]),
                        tolerance)
                << "packed, " << m << " " << n << " " << k << " trans " << trans_b;
        }
        for (std::int64_t i = 0; i < m * n; ++i) {
          const T shift = has_bias ? bias[index(i % n)] : T{0};
          ASSERT_NEAR(static_cast<double>(actual[index(i)]), static_cast<double>(expected[index(i)] + shift),
                      tolerance)
              << m << " " << n << " " << k << " trans " << trans_a << trans_b << " bias " << has_bias;
        }
      }
    }
  }
}

TEST(PackedMatrix, EmptyProductsScaleOrLeaveTheResult) {
  const std::vector<float> a(8, 1.0F), b(12, 1.0F);
  std::vector<float> c(6, std::numeric_limits<float>::quiet_NaN());
  PackedMatrix(f32, 0, 3, b.data(), 3, false).multiply(2, a.data(), c.data(), 0);
  EXPECT_EQ(c, std::vector<float>(6, 0.0F));
  PackedMatrix(f32, 0, 3, b.data(), 0, true).multiply(2, a.data(), c.data(), 1);
  PackedMatrix(f32, 4, 0, b.data(), 4, true).multiply(2, a.data(), c.data(), 0);
  PackedMatrix(f32, 4, 3, b.data(), 4, true).multiply(0, a.data(), c.data(), 0);
  EXPECT_EQ(c, std::vector<float>(6, 0.0F));
  c.assign(6, std::numeric_limits<float>::quiet_NaN());
  PackedMatrix(f32, 2, 3, b.data(), 2, true).multiply(2, a.data(), c.data(), 0);
  EXPECT_EQ(c, std::vector<float>(6, 2.0F));
}

// Vectors are of another width on each: the tails differ.
TEST(VectorGemm, EveryInstructionSetOfThisMachineAgreesWithPlainLoops) {
  for (std::int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    SCOPED_TRACE(hwy::TargetName(targets & -targets));
    hwy::SetSupportedTargetsForTest(targets & -targets);
    hwy::GetChosenTarget().DeInit();  // choose again
    std::mt19937 rng(3);
    std::uniform_int_distribution<std::int64_t> size(1, 40);
    for (int i = 0; i < 30; ++i) {
      check<float>(rng, size(rng), size(rng), size(rng));
      check<double>(rng, size(rng), size(rng), size(rng));
    }
    check<float>(rng, 70, 40, 300);
    check<float>(rng, 33, 600, 70);  // for several threads
    check<double>(rng, 70, 600, 20);
  }
  hwy::SetSupportedTargetsForTest(0);  // all of them again
  hwy::GetChosenTarget().DeInit();
}

}  // namespace
}  // namespace mica::kernels
