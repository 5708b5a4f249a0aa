#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/optim/schedule.h>
#include <mica/optim/sgd.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

SGD make_sgd(double lr = 0.4) { return SGD({zeros({1}).requires_grad_()}, {.lr = lr}); }

std::unique_ptr<Schedule> make_schedule(const nlohmann::json& g, Optimizer& optimizer) {
  const auto& o = g["options"];
  if (g["kind"] == "StepLR") {
    return std::make_unique<StepLR>(optimizer, o["step_size"].get<std::int64_t>(), o.value("gamma", 0.1));
  }
  return std::make_unique<CosineAnnealingLR>(optimizer, o["T_max"].get<std::int64_t>(),
                                             o.value("eta_min", 0.0));
}

TEST(Schedule, GivesPyTorchsRatesForFiftySteps) {
  for (const auto& g : golden()["schedules"]) {
    SCOPED_TRACE(g["kind"].get<std::string>() + g["options"].dump());
    SGD sgd = make_sgd();
    const auto schedule = make_schedule(g, sgd);
    for (std::size_t i = 0; i < g["rates"].size(); ++i) {
      schedule->step();
      ASSERT_NEAR(sgd.lr(), g["rates"][i].get<double>(), 1e-13) << "after step " << i + 1;
    }
  }
}

TEST(Schedule, StartsAtTheOptimizersRate) {
  SGD sgd = make_sgd(0.3);
  const CosineAnnealingLR schedule(sgd, 10);
  EXPECT_EQ(schedule.last_lr(), 0.3);
  EXPECT_EQ(schedule.last_epoch(), 0);
}

TEST(CosineAnnealingLR, ReachesTheBottomAtTMaxAndTheTopAgainAtTwice) {
  SGD sgd = make_sgd(1.0);
  CosineAnnealingLR schedule(sgd, 8, 0.1);
  for (int i = 0; i < 4; ++i) schedule.step();
  EXPECT_NEAR(sgd.lr(), 0.55, 1e-12);
  for (int i = 0; i < 4; ++i) schedule.step();
  EXPECT_NEAR(sgd.lr(), 0.1, 1e-12);
  for (int i = 0; i < 8; ++i) schedule.step();
  EXPECT_NEAR(sgd.lr(), 1.0, 1e-12);
}

TEST(Schedule, ContinuesFromItsStateBitForBit) {
  for (const auto& g : golden()["schedules"]) {
    SGD one = make_sgd();
    const auto whole = make_schedule(g, one);
    for (int i = 0; i < 13; ++i) whole->step();

    SGD two = make_sgd(0.0);  // another rate, which the states replace
    const auto resumed = make_schedule(g, two);
    two.load_state_dict(one.state_dict());
    resumed->load_state_dict(whole->state_dict());
    EXPECT_EQ(resumed->last_epoch(), 13);
    for (int i = 0; i < 30; ++i) {
      whole->step();
      resumed->step();
      ASSERT_EQ(one.lr(), two.lr()) << i;
    }
  }
}

TEST(Schedule, RefusesWhatIsNotItsStateAndChangesNothing) {
  SGD sgd = make_sgd();
  StepLR schedule(sgd, 3);
  schedule.step();
  const auto state = [](const Tensor& base, const Tensor& epoch) {
    StateDict s;
    s.insert("base_lr", base);
    s.insert("last_epoch", epoch);
    return s;
  };
  StateDict extra = schedule.state_dict();
  extra.insert("gamma", full({}, 0.1, f64));
  const StateDict wrong[] = {StateDict{},
                             sgd.state_dict(),
                             extra,
                             state(full({}, 0.1, f64), full({}, -1, i64)),
                             state(full({2}, 0.1, f64), full({}, 1, i64)),
                             state(full({}, NAN, f64), full({}, 1, i64)),
                             state(full({}, 0.1, f64), full({}, 1.5, f64))};
  for (const StateDict& s : wrong) EXPECT_THROW(schedule.load_state_dict(s), Error);
  EXPECT_EQ(schedule.last_epoch(), 1);
  EXPECT_EQ(schedule.state_dict().at("base_lr").item(), 0.4);
}

TEST(Schedule, RefusesPeriodsThatAreNotPositive) {
  SGD sgd = make_sgd();
  EXPECT_THAT([&] { StepLR(sgd, 0); }, ThrowsMessage<Error>(HasSubstr("step_size 0")));
  EXPECT_THAT([&] { CosineAnnealingLR(sgd, -2); }, ThrowsMessage<Error>(HasSubstr("T_max -2")));
}

}  // namespace
}  // namespace mica::optim
