// Every optimizer against PyTorch.
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "../golden/declared.h"
#include "golden.h"

namespace mica::optim {
namespace {

class Follow : public testing::TestWithParam<std::string> {};

TEST_P(Follow, PyTorchAtEachOfTwentySteps) {
  int cases = 0;
  for (const auto& g : golden()["optimizers"]) {
    if (g["kind"] != GetParam()) continue;
    ++cases;
    for (const DType dtype : {f64, f32}) {
      SCOPED_TRACE(g["options"].dump() + std::string(name(dtype)));
      std::vector<Tensor> parameters = parameters_for(GetParam(), dtype);
      const auto optimizer = optimizers().at(GetParam())(parameters, with_lr(g["options"]));
      follow(*optimizer, parameters, g["after"], dtype == f64 ? 1e-10 : 1e-5);
    }
  }
  EXPECT_GE(cases, 4);
}

std::vector<std::string> kinds() {
  std::vector<std::string> out;
  for (const auto& [kind, make] : optimizers()) out.push_back(kind);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Optimizers, Follow, testing::ValuesIn(kinds()),
                         [](const auto& info) { return info.param; });

template <class O, class Options> void follow_groups(const std::string& kind) {
  for (const auto& g : golden()["groups"]) {
    if (g["kind"] != kind) continue;
    std::vector<Tensor> parameters = golden_parameters();
    O optimizer({parameters[0]}, read_options<Options>(g["options"][0]));
    optimizer.add_param_group({parameters[1]}, read_options<Options>(g["options"][1]));
    follow(optimizer, parameters, g["after"], 1e-10);
    return;
  }
  FAIL() << "no golden case";
}

TEST(Follow, GroupsWithOptionsOfTheirOwn) {
  follow_groups<SGD, SGDOptions>("SGD");
  follow_groups<AdamW, AdamWOptions>("AdamW");
  follow_groups<RMSprop, RMSpropOptions>("RMSprop");
}

std::set<std::string> declared(const std::string& pattern) {
  std::set<std::string> out;
  for (const auto& [name, rest] : golden::declared(golden::headers_of("optim"), pattern)) out.insert(name);
  return out;
}

std::set<std::string> kinds_in(const char* list) {
  std::set<std::string> out;
  for (const auto& g : golden()[list]) out.insert(g["kind"].get<std::string>());
  return out;
}

TEST(Follow, EveryOptimizerHasGoldenCases) {
  std::set<std::string> golden_kinds = kinds_in("optimizers");
  golden_kinds.merge(kinds_in("lbfgs"));
  const auto all = declared("\nclass (\\w+) : public OptimizerOf<");
  EXPECT_EQ(all, golden_kinds);
  EXPECT_GE(all.size(), 14U);
}

TEST(Follow, EveryScheduleHasGoldenCases) {
  std::set<std::string> golden_kinds = kinds_in("schedules");
  golden_kinds.merge(kinds_in("plateau"));
  auto all = declared("\nclass (\\w+) : public LRScheduler ");
  all.merge(declared("\nclass (ReduceLROnPlateau) "));
  EXPECT_EQ(all, golden_kinds);
  EXPECT_GE(all.size(), 16U);
}

}  // namespace
}  // namespace mica::optim
