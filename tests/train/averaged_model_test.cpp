#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/data/dataset.h>
#include <mica/nn/dropout.h>
#include <mica/nn/instance_norm.h>
#include <mica/nn/lazy.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>
#include <mica/nn/parametrize.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/train/averaged_model.h>

namespace mica::train {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Net : nn::Module {
  int width = 3;
  nn::Linear fc{4, width};
  nn::BatchNorm1d norm{width};
  nn::Dropout drop{0.5};
  Tensor forward(Tensor x) { return drop(norm(fc(x))); }
};

// Writes the same number into all parameters.
void fill(Net& net, double value) {
  const NoGrad no_grad;
  for (Tensor p : net.parameters()) p.fill_(value);
}

TEST(AveragedModel, IsTheMeanOfTheModelsThatItSaw) {
  Net net;
  AveragedModel average{net};
  for (const double value : {3.0, 5.0, 10.0}) {
    fill(net, value);
    average.update_parameters(net);
  }
  EXPECT_EQ(average.n_averaged.item<std::int64_t>(), 3);
  for (const Tensor& p : average.parameters()) {
    EXPECT_TRUE(allclose(p, full_like(p, 6.0)));
  }
  for (const Tensor& p : net.parameters()) EXPECT_TRUE(equal(p, full_like(p, 10)));
}

TEST(AveragedModel, FollowsExponentially) {
  Net net;
  AveragedModel average{net, {.avg_fn = get_ema_avg_fn(0.75)}};
  for (const double value : {8.0, 4.0, 0.0}) {
    fill(net, value);
    average.update_parameters(net);
  }
  const double expected = 0.75 * (0.75 * 8 + 0.25 * 4);
  for (const Tensor& p : average.parameters()) EXPECT_TRUE(allclose(p, full_like(p, expected)));
  EXPECT_THAT([] { get_ema_avg_fn(1.5); }, ThrowsMessage<Error>(HasSubstr("decay 1.5")));
}

TEST(AveragedModel, TakesAnyRule) {
  Net net;
  std::vector<std::int64_t> counts;
  AveragedModel average{net, {.avg_fn = [&](Tensor& a, const Tensor& m, std::int64_t n) {
                          if (a.dim() == 2) counts.push_back(n);
                          a.copy_(maximum(a, m));
                        }}};
  for (const double value : {1.0, 7.0, 2.0}) {
    fill(net, value);
    average.update_parameters(net);
  }
  EXPECT_EQ(average.module.fc.weight.max().item(), 7);
  EXPECT_EQ(counts, (std::vector<std::int64_t>{1, 2}));
}

TEST(AveragedModel, CopiesBuffersUnlessTheyAreAveragedToo) {
  Net net;
  AveragedModel copies{net}, averages{net, {.use_buffers = true}};
  for (const double value : {2.0, 4.0}) {
    net.norm.running_mean.fill_(value);
    net.norm.num_batches_tracked.fill_(value * 5);
    copies.update_parameters(net);
    averages.update_parameters(net);
  }
  EXPECT_EQ(copies.module.norm.running_mean.max().item(), 4);
  EXPECT_EQ(averages.module.norm.running_mean.max().item(), 3);
  EXPECT_EQ(copies.module.norm.num_batches_tracked.item<std::int64_t>(), 20);
  EXPECT_EQ(averages.module.norm.num_batches_tracked.item<std::int64_t>(), 15);
}

TEST(AveragedModel, HasTheStateOfPyTorchs) {
  Net net;
  fill(net, 1);
  AveragedModel average{net};
  average.update_parameters(net);
  const StateDict state = average.state_dict();
  EXPECT_EQ(state.begin()->first, "n_averaged");
  EXPECT_TRUE(state.contains("module.fc.weight"));
  EXPECT_TRUE(state.contains("module.norm.num_batches_tracked"));
  Net other;
  AveragedModel restored{other};
  restored.load_state_dict(state);
  fill(net, 4);
  restored.update_parameters(net);
  EXPECT_EQ(restored.n_averaged.item<std::int64_t>(), 2);
  EXPECT_EQ(restored.module.fc.weight.max().item(), 2.5);
}

TEST(AveragedModel, IsCalledAsTheModel) {
  manual_seed(0);
  Net net;
  AveragedModel average{net};
  net.eval();
  average.eval();
  const Tensor x = randn({5, 4});
  EXPECT_TRUE(equal(average(x), net(x)));
}

TEST(UpdateBn, ComputesTheStatisticsAnew) {
  manual_seed(1);
  Net net;
  net.norm.running_mean.fill_(100);
  net.drop.mode.training = false;  // as it was, not as the rest
  const std::vector<Tensor> batches{randn({8, 4}), randn({8, 4}), randn({8, 4})};
  update_bn(batches, net);
  EXPECT_EQ(net.norm.momentum, 0.1);
  EXPECT_TRUE(net.norm.mode.training);
  EXPECT_FALSE(net.drop.mode.training);
  EXPECT_EQ(net.norm.num_batches_tracked.item<std::int64_t>(), 3);
  const Tensor seen = net.fc(cat(batches));
  EXPECT_TRUE(allclose(net.norm.running_mean, seen.detach().mean(Shape(0)), 1e-4, 1e-5));
}

struct Halved : nn::Module {
  Tensor forward(const Tensor& x) { return x / 2; }
};
class OwnNorm : public nn::BatchNorm1d {
 public:
  using nn::BatchNorm1d::BatchNorm1d;
  double gain = 2;
  NN_MEMBERS(num_features, eps, momentum, affine, track_running_stats, weight, bias, running_mean,
             running_var, num_batches_tracked, mode, gain)

 private:
  friend nn::Module;
  Tensor forward(const Tensor& x) { return gain * nn::BatchNorm1d::forward(x); }
};
// Neither is known to the library, nor of its classes.
struct Norms : nn::Module {
  nn::Parametrized<nn::BatchNorm1d, nn::On<"weight", Halved>> parametrized{nn::BatchNorm1d{4}};
  std::vector<OwnNorm> own = nn::repeat(1, [] { return OwnNorm{4}; });
  nn::LazyBatchNorm1d lazy{};
  Tensor forward(const Tensor& x) { return parametrized(x) + own[0](x) + lazy(x); }
};

TEST(UpdateBn, FindsBatchNormsByWhatTheyHave) {
  manual_seed(3);
  Norms net;
  const std::vector<Tensor> batches{randn({8, 4}), 5 + randn({8, 4})};
  net(1000 * randn({8, 4}));
  update_bn(batches, net);
  const Tensor mean = cat(batches).mean(Shape(0));
  EXPECT_TRUE(allclose(net.parametrized.running_mean, mean, 1e-4, 1e-5));
  EXPECT_TRUE(allclose(net.own[0].running_mean, mean, 1e-4, 1e-5));
  EXPECT_TRUE(allclose(net.lazy.running_mean, mean, 1e-4, 1e-5));
  EXPECT_EQ(net.parametrized.num_batches_tracked.item(), 2);
  EXPECT_EQ(net.parametrized.momentum, 0.1);
  EXPECT_EQ(net.own[0].momentum, 0.1);
}

TEST(UpdateBn, LeavesInstanceNormAndNormsThatWereNotCalledAlone) {
  struct Mixed : nn::Module {
    nn::BatchNorm1d norm{4}, unused{4};
    nn::InstanceNorm1d instance{4, {.track_running_stats = true}};
    Tensor forward(const Tensor& x) { return instance(norm(x)); }
  } net;
  net.unused.running_mean.fill_(3);
  net.instance.running_mean.fill_(4);
  net.instance.running_var.fill_(5);
  update_bn(std::vector<Tensor>{randn({2, 4, 3})}, net);
  EXPECT_EQ(net.norm.num_batches_tracked.item(), 1);
  EXPECT_TRUE(equal(net.unused.running_mean, full({4}, 3)));
  EXPECT_TRUE(equal(net.instance.running_mean, full({4}, 4)));
  EXPECT_TRUE(equal(net.instance.running_var, full({4}, 5)));
  EXPECT_EQ(net.instance.momentum, 0.1);
}

TEST(UpdateBn, TakesExamplesAndPairs) {
  manual_seed(2);
  Net one, two;
  two.load_state_dict(one.state_dict());
  const Tensor x = randn({6, 4});
  update_bn(std::vector<data::Example>{{x, zeros({6})}}, one);
  update_bn(std::vector<std::pair<Tensor, int>>{{x, 3}}, two);
  EXPECT_TRUE(equal(one.norm.running_var, two.norm.running_var));
  EXPECT_FALSE(equal(one.norm.running_var, ones({3})));
}

TEST(UpdateBn, LeavesModelsWithoutBatchNormAlone) {
  struct Plain : nn::Module {
    nn::Linear fc{2, 2};
    int calls = 0;
    Tensor forward(Tensor x) {
      ++calls;
      return fc(x);
    }
  } plain;
  update_bn(std::vector<Tensor>{zeros({1, 2})}, plain);
  EXPECT_EQ(plain.calls, 0);
}

}  // namespace
}  // namespace mica::train
