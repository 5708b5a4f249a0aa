#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/io/tensor_statistics.h>
#include <mica/ops/creation.h>

namespace mica::io {
namespace {

using testing::ElementsAre;

TEST(TensorStatistics, DescribeTheNumbers) {
  const TensorStatistics s = statistics_of(tensor({0.F, 1.F, 2.F, 5.F, 0.F, 4.F}), 5);
  EXPECT_EQ(s.count, 6);
  EXPECT_EQ(s.zeros, 2);
  EXPECT_EQ(s.non_finite, 0);
  EXPECT_EQ(s.mean, 2);
  EXPECT_DOUBLE_EQ(s.std, std::sqrt(22.0 / 5));
  EXPECT_EQ(s.min, 0);
  EXPECT_EQ(s.max, 5);
  EXPECT_THAT(s.histogram, ElementsAre(2, 1, 1, 0, 2)) << "the largest is in the last part";
}

TEST(TensorStatistics, LeaveOutWhatIsNotFinite) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const TensorStatistics s = statistics_of(tensor({nan, 1.0, inf, 3.0, -inf}), 2);
  EXPECT_EQ(s.non_finite, 3);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.max, 3);
  EXPECT_THAT(s.histogram, ElementsAre(1, 1));
  const TensorStatistics none = statistics_of(tensor({nan, inf}), 2);
  EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.std) && std::isnan(none.min) && std::isnan(none.max));
  EXPECT_THAT(none.histogram, ElementsAre());
  EXPECT_TRUE(std::isnan(statistics_of(zeros({0}), 2).mean));
}

TEST(TensorStatistics, TakeEveryDtypeAndStride) {
  for (const DType dtype : {f32, f64, bf16, f16, i64, i32, u8, boolean}) {
    const TensorStatistics s = statistics_of(tensor({0, 1, 1, 0}).to(dtype), 3);
    EXPECT_EQ(s.mean, 0.5) << name(dtype);
    EXPECT_THAT(s.histogram, ElementsAre(2, 0, 2)) << name(dtype);
  }
  EXPECT_EQ(statistics_of(arange(12).view({3, 4}).t().select(0, 1), 2).mean, 5);
}

TEST(TensorStatistics, HoldAtTheEdges) {
  const TensorStatistics same = statistics_of(full({7}, 3), 4);
  EXPECT_EQ(same.std, 0);
  EXPECT_THAT(same.histogram, ElementsAre(0, 0, 7, 0)) << "equal numbers are in the middle";
  EXPECT_EQ(statistics_of(full({}, 3), 4).std, 0);
  constexpr double huge = std::numeric_limits<double>::max();
  const TensorStatistics wide = statistics_of(tensor({-1.0, 0.0, 1.0}).to(f64).mul_(huge), 4);
  EXPECT_THAT(wide.histogram, ElementsAre(1, 0, 1, 1));
}

}  // namespace
}  // namespace mica::io
