#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/dropout.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Dropout, DropsWhatPyTorchDropsUnderTheSameSeed) {
  follow_golden("dropout", "dropout 0.0", [](DType) { return Dropout(0); });
  follow_golden("dropout", "dropout 0.1", [](DType) { return Dropout(0.1); });
  follow_golden("dropout", "dropout 0.5", [](DType) { return Dropout(); });
  follow_golden("dropout", "dropout 1.0", [](DType) { return Dropout(1); });
}

TEST(Dropout, KeepsTheMean) {
  manual_seed(0);
  Dropout drop(0.3);
  const Tensor y = drop(ones({100'000}));
  EXPECT_NEAR(y.mean().item(), 1, 0.01);
  const auto v = y.to_vector<float>();
  EXPECT_NEAR(static_cast<double>(std::ranges::count(v, 0.0F)) / 1e5, 0.3, 0.01);
}

TEST(Dropout, PassesItsInputThroughInEvaluation) {
  Dropout drop;
  drop.eval();
  const Tensor x = ones({8});
  EXPECT_TRUE(drop(x).is_same(x));
}

TEST(Dropout, RefusesWhatIsNoProbability) {
  EXPECT_THAT([] { Dropout(-0.1); }, ThrowsMessage<Error>(HasSubstr("probability -0.1")));
  EXPECT_THROW(Dropout(1.5), Error);
  EXPECT_THROW(Dropout(NAN), Error);
}

}  // namespace
}  // namespace mica::nn
