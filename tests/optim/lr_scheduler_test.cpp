#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>

#include "golden.h"

namespace mica::optim {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Two groups, as the golden script has them.
struct Groups {
  explicit Groups(double first = 0.4, double second = 0.1)
      : sgd({zeros({1}).requires_grad_()}, {.lr = first, .momentum = 0.9}) {
    sgd.add_param_group({zeros({1}).requires_grad_()}, {.lr = second, .momentum = 0.9});
  }
  std::vector<double> rates() const { return {sgd.lr(0), sgd.lr(1)}; }
  SGD sgd;
};

double factor(const std::string& name, std::int64_t epoch) {
  const auto e = static_cast<double>(epoch);
  if (name == "power") return std::pow(0.95, e);
  return name == "inverse" ? 1 / (1 + e) : 1 + 0.1 * std::sin(e);
}

PerGroup per_group(const nlohmann::json& values) {
  PerGroup out = 0.0;
  out.values = values.get<std::vector<double>>();
  return out;
}

// The options of a struct, without what is passed apart.
template <class Options> Options rest(nlohmann::json o, std::initializer_list<const char*> apart = {}) {
  for (const char* name : apart) o.erase(name);
  return read_options<Options>(o);
}

template <class S> std::unique_ptr<LRScheduler> with_lambdas(Optimizer& optimizer, const nlohmann::json& o) {
  std::vector<LrLambda> factors;
  for (const auto& name : o["lr_lambda"]) {
    factors.push_back([n = name.get<std::string>()](std::int64_t epoch) { return factor(n, epoch); });
  }
  if (factors.size() == 1) return std::make_unique<S>(optimizer, factors[0]);
  return std::make_unique<S>(optimizer, factors);
}

std::unique_ptr<LRScheduler> make_schedule(const std::string& kind, const nlohmann::json& o,
                                           Optimizer& optimizer) {
  const auto whole = [&](const char* name) { return o[name].get<std::int64_t>(); };
  if (kind == "LambdaLR") return with_lambdas<LambdaLR>(optimizer, o);
  if (kind == "MultiplicativeLR") return with_lambdas<MultiplicativeLR>(optimizer, o);
  if (kind == "StepLR") return std::make_unique<StepLR>(optimizer, whole("step_size"), o.value("gamma", 0.1));
  if (kind == "MultiStepLR") {
    return std::make_unique<MultiStepLR>(optimizer, o["milestones"].get<std::vector<std::int64_t>>(),
                                         o.value("gamma", 0.1));
  }
  if (kind == "ConstantLR") return std::make_unique<ConstantLR>(optimizer, rest<ConstantLROptions>(o));
  if (kind == "LinearLR") return std::make_unique<LinearLR>(optimizer, rest<LinearLROptions>(o));
  if (kind == "ExponentialLR") return std::make_unique<ExponentialLR>(optimizer, o["gamma"].get<double>());
  if (kind == "PolynomialLR") return std::make_unique<PolynomialLR>(optimizer, rest<PolynomialLROptions>(o));
  if (kind == "CosineAnnealingLR")
    return std::make_unique<CosineAnnealingLR>(optimizer, whole("T_max"), o.value("eta_min", 0.0));
  if (kind == "CosineAnnealingWarmRestarts") {
    return std::make_unique<CosineAnnealingWarmRestarts>(
        optimizer, whole("T_0"), o.value("T_mult", std::int64_t{1}), o.value("eta_min", 0.0));
  }
  if (kind == "CyclicLR") {
    CyclicLROptions options = rest<CyclicLROptions>(o, {"base_lr", "max_lr", "scale_fn"});
    if (o.contains("scale_fn") && o["scale_fn"] == "half")
      options.scale_fn = [](double x) { return std::pow(0.5, x - 1); };
    else if (o.contains("scale_fn"))
      options.scale_fn = [](double x) { return 1 / (1 + 0.01 * x); };
    return std::make_unique<CyclicLR>(optimizer, per_group(o["base_lr"]), per_group(o["max_lr"]), options);
  }
  if (kind == "OneCycleLR") {
    return std::make_unique<OneCycleLR>(optimizer, per_group(o["max_lr"]),
                                        rest<OneCycleLROptions>(o, {"max_lr"}));
  }
  if (kind == "SWALR")
    return std::make_unique<SWALR>(optimizer, per_group(o["swa_lr"]), rest<SWALROptions>(o, {"swa_lr"}));
  Schedulers inner;
  for (const auto& [name, options] :
       o["schedulers"].get<std::vector<std::pair<std::string, nlohmann::json>>>()) {
    inner.push_back(make_schedule(name, options, optimizer));
  }
  if (kind == "ChainedScheduler") return std::make_unique<ChainedScheduler>(std::move(inner));
  return std::make_unique<SequentialLR>(optimizer, std::move(inner),
                                        o["milestones"].get<std::vector<std::int64_t>>());
}

TEST(LRScheduler, GivesPyTorchsRatesForFiftySteps) {
  for (const auto& g : golden()["schedules"]) {
    SCOPED_TRACE(g["kind"].get<std::string>() + g["options"].dump());
    Groups groups;
    const auto schedule = make_schedule(g["kind"], g["options"], groups.sgd);
    for (std::size_t i = 0; i < g["rates"].size(); ++i) {
      SCOPED_TRACE(testing::Message() << "after step " << i);
      EXPECT_EQ(schedule->last_epoch(), static_cast<std::int64_t>(i));
      EXPECT_EQ(schedule->get_last_lr(), groups.rates());
      for (std::size_t group = 0; group < 2; ++group) {
        // Each rate comes from the one before, so that rounding adds up.
        ASSERT_NEAR(groups.sgd.lr(group), g["rates"][i][group].get<double>(), 1e-12);
        ASSERT_NEAR(groups.sgd.options(group).momentum,
                    g.contains("momenta") ? g["momenta"][i][group].get<double>() : 0.9, 1e-12);
      }
      if (i + 1 < g["rates"].size()) schedule->step();
    }
  }
}

TEST(LRScheduler, CyclesTheFirstBetaWhereThereIsNoMomentum) {
  for (const auto& g : golden()["schedules"]) {
    if (!g.contains("momenta")) continue;
    SCOPED_TRACE(g["kind"].get<std::string>() + g["options"].dump());
    AdamW adam({zeros({1}).requires_grad_()}, {.betas = {0.9, 0.99}});
    adam.add_param_group({zeros({1}).requires_grad_()});
    const auto schedule = make_schedule(g["kind"], g["options"], adam);
    for (std::size_t i = 0; i < g["momenta"].size(); ++i) {
      if (i != 0) schedule->step();
      ASSERT_NEAR(adam.options(1).betas[0], g["momenta"][i][1].get<double>(), 1e-12);
      ASSERT_EQ(adam.options(1).betas[1], 0.99);
    }
  }
}

TEST(LRScheduler, ContinuesFromItsStateBitForBit) {
  for (const auto& g : golden()["schedules"]) {
    SCOPED_TRACE(g["kind"].get<std::string>() + g["options"].dump());
    for (const int before : {0, 6, 13, 29}) {
      Groups one;
      const auto whole = make_schedule(g["kind"], g["options"], one.sgd);
      for (int i = 0; i < before; ++i) whole->step();

      Groups two(0.7, 0.7);  // other rates, which the states replace
      const auto resumed = make_schedule(g["kind"], g["options"], two.sgd);
      two.sgd.load_state_dict(one.sgd.state_dict());
      resumed->load_state_dict(whole->state_dict());
      EXPECT_EQ(resumed->last_epoch(), before);
      EXPECT_EQ(resumed->get_last_lr(), whole->get_last_lr());
      for (int i = before; i < 50; ++i) {
        whole->step();
        resumed->step();
        ASSERT_EQ(one.rates(), two.rates()) << i;
        ASSERT_EQ(one.sgd.options(0).momentum, two.sgd.options(0).momentum) << i;
      }
    }
  }
}

TEST(LRScheduler, GoesOnFromLastEpoch) {
  Groups one;
  ExponentialLR whole(one.sgd, 0.9);
  for (int i = 0; i < 5; ++i) whole.step();
  Groups two;
  EXPECT_THAT([&] { ExponentialLR(two.sgd, 0.9, 4); }, ThrowsMessage<Error>(HasSubstr("no initial_lr")));
  two.sgd.load_state_dict(one.sgd.state_dict());
  ExponentialLR resumed(two.sgd, 0.9, 4);
  EXPECT_EQ(resumed.last_epoch(), 5);
  EXPECT_EQ(resumed.base_lrs(), (std::vector<double>{0.4, 0.1}));
  whole.step();
  resumed.step();
  EXPECT_EQ(one.rates(), two.rates());
}

TEST(LRScheduler, SharesTheFirstRateWithSchedulesMadeBefore) {
  Groups groups;
  const LinearLR warmup(groups.sgd, {.start_factor = 0.5});
  EXPECT_EQ(groups.sgd.lr(), 0.2);
  const CosineAnnealingLR cosine(groups.sgd, 10);
  EXPECT_EQ(cosine.base_lrs(), (std::vector<double>{0.4, 0.1}));
}

TEST(LRScheduler, RefusesWhatIsNotItsStateAndChangesNothing) {
  Groups groups;
  CosineAnnealingWarmRestarts schedule(groups.sgd, 3);
  schedule.step();
  const StateDict before = schedule.state_dict();
  std::vector<StateDict> wrong{StateDict{}, groups.sgd.state_dict()};
  const auto with = [&](const char* name, const Tensor& tensor) {
    StateDict s = before;
    s.set(name, tensor);
    wrong.push_back(s);
  };
  with("gamma", full({}, 0.1, f64));
  with("last_epoch", full({}, -2, i64));
  with("last_epoch", full({}, 1.5, f64));
  with("base_lrs", full({3}, 0.1, f64));
  with("base_lrs", full({2}, NAN, f64));
  with("_last_lr", zeros({2}, i64));
  with("T_cur", zeros({2}, f64));
  for (const auto& [name, tensor] : before) {
    StateDict s = before;
    s.erase(name);
    wrong.push_back(s);
  }
  for (const StateDict& s : wrong) EXPECT_THROW(schedule.load_state_dict(s), Error);
  EXPECT_EQ(schedule.last_epoch(), 1);
  EXPECT_EQ(schedule.state_dict().at("T_cur").item(), 1);
  EXPECT_EQ(schedule.base_lrs(), (std::vector<double>{0.4, 0.1}));
}

TEST(LRScheduler, RefusesGroupsThatCameLater) {
  SGD sgd({zeros({1}).requires_grad_()});
  ExponentialLR schedule(sgd, 0.9);
  ReduceLROnPlateau plateau(sgd);
  sgd.add_param_group({zeros({1}).requires_grad_()});
  EXPECT_THAT([&] { schedule.step(); }, ThrowsMessage<Error>(HasSubstr("2 groups")));
  EXPECT_THAT([&] { plateau.step(1); }, ThrowsMessage<Error>(HasSubstr("2 groups")));
  EXPECT_EQ(schedule.last_epoch(), 0);
}

TEST(LRScheduler, RefusesNumbersOutOfRangeInWords) {
  Groups groups;
  Optimizer& o = groups.sgd;
  const auto refused = [](const std::function<void()>& make, const char* words) {
    EXPECT_THAT(make, ThrowsMessage<Error>(HasSubstr(words)));
  };
  const LrLambda one = [](std::int64_t) { return 1.0; };
  refused([&] { LambdaLR(o, {one, one, one}); }, "3 factors for 2 groups");
  refused([&] { MultiplicativeLR(o, std::vector{one}); }, "1 factors for 2 groups");
  refused([&] { StepLR(o, 0); }, "step_size 0");
  refused([&] { StepLR(o, 1, 0.1, -2); }, "last_epoch is -2");
  refused([&] { ConstantLR(o, {.factor = 1.5}); }, "factor 1.5");
  refused([&] { LinearLR(o, {.start_factor = 0}); }, "start_factor 0");
  refused([&] { LinearLR(o, {.end_factor = -1}); }, "end_factor -1");
  refused([&] { LinearLR(o, {.total_iters = 0}); }, "total_iters 0");
  refused([&] { PolynomialLR(o, {.total_iters = -3}); }, "total_iters -3");
  refused([&] { CosineAnnealingLR(o, -2); }, "T_max -2");
  refused([&] { CosineAnnealingWarmRestarts(o, 0); }, "T_0 0");
  refused([&] { CosineAnnealingWarmRestarts(o, 2, 0); }, "T_mult 0");
  refused([&] { CyclicLR(o, 0.1, 0.2, {.step_size_up = 0}); }, "step_size_up 0");
  refused([&] { CyclicLR(o, 0.1, 0.2, {.step_size_down = 0}); }, "step_size_down 0");
  refused([&] { CyclicLR(o, {0.1, 0.2, 0.3}, 0.2); }, "3 values for base_lr");
  refused([&] { OneCycleLR(o, 0.1); }, "number of steps is not given");
  refused([&] { OneCycleLR(o, 0.1, {.epochs = 3}); }, "number of steps is not given");
  refused([&] { OneCycleLR(o, 0.1, {.total_steps = 0}); }, "total_steps 0");
  refused([&] { OneCycleLR(o, 0.1, {.total_steps = 9, .pct_start = 1.5}); }, "pct_start 1.5");
  refused([&] { SWALR(o, 0.1, {.anneal_epochs = -1}); }, "anneal_epochs -1");
  refused([&] { ReduceLROnPlateau(o, {.factor = 1}); }, "factor 1");
  refused([&] { ReduceLROnPlateau(o, {.patience = -1}); }, "patience -1");
  refused([&] { ReduceLROnPlateau(o, {.cooldown = -1}); }, "cooldown -1");
  Adagrad without({zeros({1}).requires_grad_()});
  refused([&] { CyclicLR(without, 0.1, 0.2); }, "neither momentum nor betas");
  refused([&] { OneCycleLR(without, 0.1, {.total_steps = 9}); }, "neither momentum nor betas");
  OneCycleLR cycle(o, 0.1, {.total_steps = 2});
  cycle.step();
  cycle.step();
  refused([&] { cycle.step(); }, "step 4 of a cycle of 2 steps");
}

TEST(LRScheduler, SequencesRefuseWhatTheyCannotRun) {
  Groups groups, other;
  const auto step = [](Optimizer& o) { return std::make_unique<StepLR>(o, 3); };
  const auto refused = [](const std::function<void()>& make, const char* words) {
    EXPECT_THAT(make, ThrowsMessage<Error>(HasSubstr(words)));
  };
  refused([&] { SequentialLR(groups.sgd, {}, {}); }, "empty");
  refused([&] { ChainedScheduler({}); }, "empty");
  refused([&] { SequentialLR(groups.sgd, schedulers(step(groups.sgd), step(groups.sgd)), {1, 2}); },
          "2 milestones for 2 schedules");
  refused([&] { SequentialLR(groups.sgd, schedulers(step(groups.sgd), step(other.sgd)), {1}); },
          "schedule 1 is for another optimizer");
  refused([&] { ChainedScheduler(schedulers(step(groups.sgd), step(other.sgd))); },
          "schedule 1 is for another optimizer");
  refused(
      [&] {
        SequentialLR(groups.sgd, schedulers(step(groups.sgd), step(groups.sgd), step(groups.sgd)), {5, 2});
      },
      "do not ascend");
  refused(
      [&] {
        SequentialLR(
            groups.sgd,
            schedulers(step(groups.sgd), std::make_unique<ChainedScheduler>(schedulers(step(groups.sgd)))),
            {5});
      },
      "can only be the first");
}

TEST(LRScheduler, SequencesNest) {
  const auto exponential = [](Optimizer& o) { return std::make_unique<ExponentialLR>(o, 0.5); };
  Groups flat, nested;
  SequentialLR one(flat.sgd, schedulers(exponential(flat.sgd), exponential(flat.sgd), exponential(flat.sgd)),
                   {3, 5});
  SequentialLR two(nested.sgd,
                   schedulers(std::make_unique<SequentialLR>(
                                  nested.sgd, schedulers(exponential(nested.sgd), exponential(nested.sgd)),
                                  std::vector<std::int64_t>{3}),
                              std::make_unique<SequentialLR>(
                                  nested.sgd, schedulers(exponential(nested.sgd), exponential(nested.sgd)),
                                  std::vector<std::int64_t>{100})),
                   {5});
  for (int i = 0; i < 9; ++i) {
    ASSERT_EQ(flat.rates(), nested.rates()) << i;
    one.step();
    two.step();
  }
}

TEST(CosineAnnealingWarmRestarts, GoesToAnyEpoch) {
  Groups steps, jumps;
  CosineAnnealingWarmRestarts one(steps.sgd, 3, 2), two(jumps.sgd, 3, 2);
  for (int i = 0; i < 30; ++i) {
    two.step(static_cast<double>(i));
    ASSERT_NEAR(steps.sgd.lr(), jumps.sgd.lr(), 1e-12) << i;
    one.step();
  }
  two.step(1.5);
  EXPECT_NEAR(jumps.sgd.lr(), 0.2, 1e-12);
  EXPECT_EQ(two.last_epoch(), 1);
  EXPECT_THAT([&] { two.step(-1.0); }, ThrowsMessage<Error>(HasSubstr("epoch -1")));
}

TEST(CosineAnnealingLR, ReachesTheBottomAtTMaxAndTheTopAgainAtTwice) {
  Groups groups(1.0);
  CosineAnnealingLR schedule(groups.sgd, 8, 0.1);
  EXPECT_EQ(schedule.last_lr(), 1.0);
  for (int i = 0; i < 4; ++i) schedule.step();
  EXPECT_NEAR(groups.sgd.lr(), 0.55, 1e-12);
  for (int i = 0; i < 4; ++i) schedule.step();
  EXPECT_NEAR(groups.sgd.lr(), 0.1, 1e-12);
  for (int i = 0; i < 8; ++i) schedule.step();
  EXPECT_NEAR(groups.sgd.lr(), 1.0, 1e-12);
}

TEST(ReduceLROnPlateau, GivesPyTorchsRatesAndContinuesFromItsState) {
  const auto metrics = golden()["metrics"].get<std::vector<double>>();
  for (const auto& g : golden()["plateau"]) {
    SCOPED_TRACE(g["options"].dump());
    const auto options = read_options<ReduceLROnPlateauOptions>(g["options"]);
    Groups one, two;
    ReduceLROnPlateau schedule(one.sgd, options), resumed(two.sgd, options);
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      schedule.step(metrics[i]);
      EXPECT_EQ(schedule.get_last_lr(), one.rates());
      for (std::size_t group = 0; group < 2; ++group) {
        ASSERT_NEAR(one.sgd.lr(group), g["rates"][i][group].get<double>(), 1e-14) << i;
      }
      if (i == 20) {
        two.sgd.load_state_dict(one.sgd.state_dict());
        resumed.load_state_dict(schedule.state_dict());
      } else if (i > 20) {
        resumed.step(metrics[i]);
        ASSERT_EQ(one.rates(), two.rates());
        ASSERT_EQ(resumed.num_bad_epochs(), schedule.num_bad_epochs());
      }
    }
    EXPECT_THROW(resumed.load_state_dict({}), Error);
    EXPECT_THROW(resumed.load_state_dict(two.sgd.state_dict()), Error);
    EXPECT_EQ(resumed.best(), schedule.best());
  }
}

}  // namespace
}  // namespace mica::optim
