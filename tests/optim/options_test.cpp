// Defaults and limits of the options.
#include <cmath>
#include <functional>
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

TEST(Options, AreThoseOfPyTorch) {
  EXPECT_EQ(SGDOptions().lr, 1e-3);
  EXPECT_EQ(AdamOptions().lr, 1e-3);
  EXPECT_EQ(AdamOptions().weight_decay, 0);
  EXPECT_EQ(AdamWOptions().weight_decay, 1e-2);
  EXPECT_EQ(AdamaxOptions().lr, 2e-3);
  EXPECT_EQ(NAdamOptions().lr, 2e-3);
  EXPECT_EQ(RAdamOptions().lr, 1e-3);
  EXPECT_EQ(RMSpropOptions().lr, 1e-2);
  EXPECT_EQ(AdagradOptions().lr, 1e-2);
  EXPECT_EQ(AdadeltaOptions().lr, 1);
  EXPECT_EQ(AdafactorOptions().lr, 1e-2);
  EXPECT_EQ(ASGDOptions().lr, 1e-2);
  EXPECT_EQ(RpropOptions().lr, 1e-2);
  EXPECT_EQ(LBFGSOptions().lr, 1);
  EXPECT_EQ(MuonOptions().lr, 1e-3);
  EXPECT_EQ(MuonOptions().weight_decay, 0.1);
}

struct Refusal {
  std::string kind;
  nlohmann::json options;
  std::string words;
};

TEST(Options, OutOfRangeAreRefusedInWords) {
  std::vector<Refusal> refusals{
      {"SGD", {{"momentum", -0.5}}, "momentum is -0.5"},
      {"SGD", {{"momentum", 0.5}, {"dampening", -1}}, "dampening is -1"},
      {"SGD", {{"nesterov", true}}, "Nesterov momentum needs momentum > 0"},
      {"SGD", {{"momentum", 0.9}, {"dampening", 0.1}, {"nesterov", true}}, "dampening 0"},
      {"NAdam", {{"momentum_decay", -1}}, "momentum_decay is -1"},
      {"RMSprop", {{"alpha", -0.1}}, "alpha is -0.1"},
      {"RMSprop", {{"momentum", -0.1}}, "momentum is -0.1"},
      {"Adagrad", {{"lr_decay", -1}}, "lr_decay is -1"},
      {"Adagrad", {{"initial_accumulator_value", -1}}, "initial_accumulator_value is -1"},
      {"Adadelta", {{"rho", 1.5}}, "rho is 1.5"},
      {"Adafactor", {{"beta2_decay", 0.5}}, "beta2_decay is 0.5"},
      {"Adafactor", {{"eps1", -1}}, "eps1 is -1"},
      {"Adafactor", {{"eps2", -1}}, "eps2 is -1"},
      {"Adafactor", {{"d", 0.5}}, "d is 0.5, which is below 1"},
      {"ASGD", {{"t0", INFINITY}}, "t0 is inf"},
      {"Rprop", {{"etas", {1.5, 1.2}}}, "etas are 1.5 and 1.2"},
      {"Rprop", {{"etas", {0.5, 0.9}}}, "etas are 0.5 and 0.9"},
      {"Rprop", {{"step_sizes", {2, 1}}}, "step_sizes are 2 and 1"},
      {"Muon", {{"ns_steps", 100}}, "ns_steps is 100"},
      {"Muon", {{"momentum", -1}}, "momentum is -1"}};
  for (const char* kind : {"Adam", "AdamW", "Adamax", "NAdam", "RAdam"}) {
    refusals.push_back({kind, {{"betas", {1.0, 0.9}}}, "betas[0] is 1"});
    refusals.push_back({kind, {{"betas", {0.9, -0.1}}}, "betas[1] is -0.1"});
  }
  for (const auto& [kind, make] : optimizers()) {
    refusals.push_back({kind, {{"lr", -1}}, "[" + kind + "] lr is -1"});
    refusals.push_back({kind, {{"lr", NAN}}, "lr is nan"});
    const bool has_decay = kind != "Rprop",
               has_eps = kind.find("SG") == std::string::npos && has_decay && kind != "Adafactor";
    if (has_decay) refusals.push_back({kind, {{"weight_decay", -2}}, "weight_decay is -2"});
    if (has_eps) refusals.push_back({kind, {{"eps", -1e-8}}, "eps is -1e-08"});
  }
  for (const Refusal& r : refusals) {
    SCOPED_TRACE(r.kind + r.options.dump());
    EXPECT_THAT([&] { optimizers().at(r.kind)(parameters_for(r.kind), r.options); },
                ThrowsMessage<Error>(HasSubstr(r.words)));
  }
}

TEST(Options, MuonTakesMatricesOnly) {
  const Tensor matrix = zeros({2, 3}).requires_grad_(), vector = zeros({3}).requires_grad_();
  EXPECT_THAT([&] { Muon({matrix, vector}); }, ThrowsMessage<Error>(HasSubstr("shape [3] is no matrix")));
  Muon muon({matrix});
  EXPECT_THAT([&] { muon.add_param_group({vector}); }, ThrowsMessage<Error>(HasSubstr("is no matrix")));
}

}  // namespace
}  // namespace mica::optim
