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

TEST(Dropout, OfChannelsAndForSeluDropsWhatPyTorchDrops) {
  follow_golden("dropout", "Dropout1d of 3", [](DType) { return Dropout1d(0.4); });
  follow_golden("dropout", "Dropout1d of 2", [](DType) { return Dropout1d(0.4); });
  follow_golden("dropout", "Dropout2d of 4", [](DType) { return Dropout2d(0.4); });
  follow_golden("dropout", "Dropout3d of 5", [](DType) { return Dropout3d(0.4); });
  follow_golden("dropout", "Dropout3d of 4", [](DType) { return Dropout3d(0.4); });
  follow_golden("dropout", "AlphaDropout of 2", [](DType) { return AlphaDropout(0.4); });
  follow_golden("dropout", "FeatureAlphaDropout of 3", [](DType) { return FeatureAlphaDropout(0.4); });
}

TEST(Dropout, PrintsAsPyTorchs) {
  expect_prints("dropout", {{"Dropout1d", Dropout1d(0.25).to_string()},
                            {"Dropout2d", Dropout2d(0.25).to_string()},
                            {"Dropout3d", Dropout3d(0.25).to_string()},
                            {"AlphaDropout", AlphaDropout(0.25).to_string()},
                            {"FeatureAlphaDropout", FeatureAlphaDropout(0.25).to_string()}});
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
  EXPECT_THROW(Dropout1d(-1), Error);
  EXPECT_THROW(Dropout2d(-1), Error);
  EXPECT_THROW(Dropout3d(-1), Error);
  EXPECT_THAT([] { AlphaDropout(2); }, ThrowsMessage<Error>(HasSubstr("nn::AlphaDropout")));
  EXPECT_THROW(FeatureAlphaDropout(2), Error);
}

}  // namespace
}  // namespace mica::nn
