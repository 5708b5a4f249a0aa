#include <gtest/gtest.h>

#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/group_norm.h>
#include <mica/ops/norm.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Inputs;

Tensor at(Inputs x, std::size_t i) { return i < x.size() ? x[i] : Tensor(); }

Case group_case(const std::string& name, const Shape& x, std::int64_t groups) {
  return {name,
          [=](Inputs in) { return group_norm(in[0], groups, in[1], in[2], 0.1); },
          {{x}, {{x[1]}}, {{x[1]}}}};
}
Case instance_case(const std::string& name, const Shape& x, bool own) {
  const auto run = [=](Inputs in) {
    const Tensor mean = from_vector(std::vector<double>{0.5, -1});
    const Tensor var = from_vector(std::vector<double>{1.5, 0.5});
    return instance_norm(in[0], mean, var, in[1], in[2], {.use_input_stats = own, .eps = 0.1});
  };
  return {name, run, {{x}, {{2}}, {{2}}}};
}

const table::Rows rows{
    "group_norm",
    {{.name = "group_norm",
      .golden = {{"group_norm",
                  [](Inputs x, const Args& a) {
                    return std::vector{
                        group_norm(x[0], a.integer("groups"), at(x, 1), at(x, 2), a.real("eps", 0))};
                  }}},
      .gradients = {group_case("GroupNorm", {2, 4, 3}, 2), group_case("GroupNormOfOneGroup", {2, 2, 2}, 1),
                    group_case("GroupNormOfEachChannel", {2, 2, 3}, 2),
                    group_case("GroupNormOfVectors", {2, 4}, 2), group_case("GroupNormOfNothing", {0, 2, 2}, 1),
                    {"GroupNormPlain", [](Inputs x) { return group_norm(x[0], 2, {}, {}, 0.1); }, {{{2, 4, 2}}}},
                    {"GroupNormWithoutBias",
                     [](Inputs x) { return group_norm(x[0], 2, x[1], {}, 0.1); },
                     {{{2, 4, 2}}, {{4}}}},
                    {"GroupNormWithoutWeight",
                     [](Inputs x) { return group_norm(x[0], 2, {}, x[1], 0.1); },
                     {{{2, 4, 2}}, {{4}}}}},
      .refusals = {{[] { group_norm(ones({2, 4, 3}), 3); }, "4 channels in 3 groups"},
                   {[] { group_norm(ones({2, 4, 3}), 0); }, "4 channels in 0 groups"},
                   {[] { group_norm(ones({4}), 2); }, "input of shape [4] has too few dimensions"},
                   {[] { group_norm(ones({1, 4}), 4); }, "one value per group, input shape [1, 4]"},
                   {[] { group_norm(ones({2, 4}), 2, ones({2})); }, "weight is f32 [2], expected f32 [4]"},
                   {[] { group_norm(ones({2, 4}), 2, {}, ones({4}, f64)); }, "bias is f64 [4]"},
                   {[] { group_norm(ones({2, 4}, i64), 2); }, "got i64"}}},
     {.name = "instance_norm",
      .golden = {{"instance_norm",
                  [](Inputs x, const Args& a) {
                    const Tensor mean = a.tensor("mean");
                    const Tensor var = a.tensor("var");
                    const Tensor y = instance_norm(x[0], mean, var, at(x, 1), at(x, 2),
                                                   {.use_input_stats = a.flag("own"),
                                                    .momentum = a.real("momentum", 0),
                                                    .eps = a.real("eps", 0)});
                    return mean.defined() ? std::vector{y, mean, var} : std::vector{y};
                  }}},
      .gradients = {instance_case("InstanceNorm", {2, 2, 3}, true),
                    instance_case("InstanceNormOfPlanes", {2, 2, 2, 2}, true),
                    instance_case("InstanceNormByRunningStatistics", {2, 2, 3}, false),
                    instance_case("InstanceNormOfNothing", {0, 2, 2}, true),
                    {"InstanceNormPlain",
                     [](Inputs x) { return instance_norm(x[0], {}, {}, {}, {}, {.eps = 0.1}); },
                     {{{2, 2, 3}}}}},
      .refusals = {{[] { instance_norm(ones({3})); }, "input of shape [3] has too few dimensions"},
                   {[] { instance_norm(ones({2, 3})); }, "one value per channel, input shape [2, 3]"},
                   {[] { instance_norm(ones({2, 3, 1})); }, "one value per channel, input shape [2, 3, 1]"},
                   {[] { instance_norm(ones({2, 3, 4}), ones({2})); }, "running_mean is f32 [2], expected f32 [3]"},
                   {[] { instance_norm(ones({2, 3, 4}), ones({3}), ones({3, 1})); }, "running_var is f32 [3, 1]"},
                   {[] { instance_norm(ones({2, 3, 4}), {}, {}, ones({3}, f64)); }, "weight is f64 [3]"},
                   {[] { instance_norm(ones({2, 3, 4}), {}, {}, {}, ones({2})); }, "bias is f32 [2]"},
                   {[] { instance_norm(ones({2, 3, 4}), {}, {}, {}, {}, {.use_input_stats = false}); },
                    "there must be running ones"},
                   {[] { instance_norm(ones({2, 3, 4}, i64)); }, "got i64"}}},
     {.name = "rms_norm",
      .golden = {{"rms_norm",
                  [](Inputs x, const Args& a) {
                    return std::vector{rms_norm(x[0], a.shape("shape"), at(x, 1), a.maybe_real("eps"))};
                  }}},
      .gradients = {{"RMSNorm", [](Inputs x) { return rms_norm(x[0], {4}, x[1]); }, {{{2, 4}}, {{4}}}},
                    {"RMSNormTwoDims",
                     [](Inputs x) { return rms_norm(x[0], {2, 2}, x[1], 0.1); },
                     {{{2, 2, 2}}, {{2, 2}}}},
                    {"RMSNormPlain", [](Inputs x) { return rms_norm(x[0], {3}); }, {{{2, 3}}}},
                    {"RMSNormOfNothing", [](Inputs x) { return rms_norm(x[0], {3}); }, {{{0, 3}}}}},
      .refusals = {{[] { rms_norm(ones({2, 3}), {2}); }, "[2, 3] does not end with the normalized shape [2]"},
                   {[] { rms_norm(ones({2, 3}), {}); }, "normalized shape []"},
                   {[] { rms_norm(ones({2, 3}), {1, 2, 3}); }, "normalized shape [1, 2, 3]"},
                   {[] { rms_norm(ones({2, 3}), {3}, ones({2})); }, "weight is f32 [2], expected f32 [3]"},
                   {[] { rms_norm(ones({2, 3}, i64), {3}); }, "got i64"}}},
     {.name = "local_response_norm",
      .golden = {{"local_response_norm",
                  [](Inputs x, const Args& a) {
                    return std::vector{local_response_norm(
                        x[0], a.integer("size"),
                        {.alpha = a.real("alpha", 1e-4), .beta = a.real("beta", 0.75), .k = a.real("k", 1)})};
                  }}},
      .gradients = {{"LocalResponseNorm",
                     [](Inputs x) { return local_response_norm(x[0], 3, {.alpha = 0.5}); },
                     {{{2, 4, 2}}}},
                    {"LocalResponseNormEven",
                     [](Inputs x) { return local_response_norm(x[0], 2, {.alpha = 0.5, .beta = 2}); },
                     {{{1, 3, 2, 2}}}},
                    {"LocalResponseNormOfNothing",
                     [](Inputs x) { return local_response_norm(x[0], 2); },
                     {{{0, 3, 2}}}}},
      .refusals = {{[] { local_response_norm(ones({2, 3}), 2); }, "input of shape [2, 3] has too few dimensions"},
                   {[] { local_response_norm(ones({2, 3, 4}), 0); }, "size 0 is not positive"},
                   {[] { local_response_norm(ones({2, 3, 4}, i64), 2); }, "got i64"}}}}};

TEST(GroupNorm, OfOneGroupIsLayerNormOfSamples) {
  const Tensor x = randn({2, 6, 5}) * 3 + 1;
  EXPECT_TRUE(allclose(group_norm(x, 1), layer_norm(x, {6, 5}), 1e-5, 1e-6));
  EXPECT_TRUE(allclose(group_norm(x, 6), instance_norm(x), 1e-5, 1e-6));
}

TEST(GroupNorm,
     OfVectorsWithOneValueAGroupIsItsBias) {  // PyTorch asks for more than one value of all samples
  EXPECT_TRUE(equal(group_norm(randn({2, 3}), 3, ones({3}), full({3}, 2)), full({2, 3}, 2)));
}

TEST(InstanceNorm, LeavesRunningStatisticsAloneWithoutTheInputs) {
  const Tensor mean = zeros({3}), var = ones({3});
  const auto version = mean.version();
  static_cast<void>(instance_norm(randn({2, 3, 4}), mean, var, {}, {}, {.use_input_stats = false}));
  EXPECT_EQ(mean.version(), version);
}

TEST(InstanceNorm, NeedsNoOrderOfMemory) {
  const Tensor x = randn({2, 3, 4, 5});
  const Tensor last = x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
  EXPECT_TRUE(allclose(instance_norm(last), instance_norm(x)));
  EXPECT_TRUE(allclose(group_norm(last, 3), group_norm(x, 3)));
  EXPECT_TRUE(allclose(local_response_norm(last, 2), local_response_norm(x, 2)));
}

}  // namespace
}  // namespace mica
