#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/nn/functional_call.h>
#include <mica/nn/nn.h>
#include <mica/nn/stacked_state.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/optim/sgd.h>

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Net : Module {
  int hidden = 3;
  Linear fc{2, hidden};
  BatchNorm1d norm{hidden};
  Tensor forward(const Tensor& x) { return norm(fc(x)); }
};

TEST(StackedState, RunsEachMemberAsItsModel) {
  std::vector<Net> models = repeat(3, [] { return Net{}; });
  for (Net& model : models) model.eval();
  const StackedState all = stack_module_state(models);
  EXPECT_EQ(all.size, 3);
  EXPECT_EQ(all.parameters.at("fc.weight").sizes(), (Shape{3, 3, 2}));
  EXPECT_EQ(all.buffers.at("norm.num_batches_tracked").sizes(), Shape{3});
  const Tensor x = randn({4, 2});
  for (std::int64_t i = 0; i < all.size; ++i) {
    const Tensor own = models[static_cast<std::size_t>(i)](x);
    EXPECT_EQ(functional_call(models[0], all.member(i), {.strict = true}, x).to_vector<float>(),
              own.to_vector<float>());
  }
  EXPECT_FALSE(all.parameters.at("fc.weight").shares_storage(models[0].fc.weight));
}

TEST(StackedState, TrainsAllMembersAtOnce) {
  std::vector<Net> models = repeat(2, [] { return Net{}; });
  const StackedState all = stack_module_state(models);
  std::vector<Tensor> leaves;
  for (const auto& [name, p] : all.parameters) {
    EXPECT_TRUE(p.is_leaf());
    leaves.push_back(p);
  }
  optim::SGD sgd(leaves, {.lr = 0.1});
  const Tensor x = randn({4, 2});
  Tensor loss = zeros({});
  for (std::int64_t i = 0; i < all.size; ++i)
    loss = loss + functional_call(models[0], all.member(i), x).square().sum() * (i + 1);
  loss.backward();
  sgd.step();
  // The same by hand for the second model.
  optim::SGD own(models[1].parameters(), {.lr = 0.1});
  (models[1](x).square().sum() * 2).backward();
  own.step();
  const StateDict second = all.member(1);
  for (const auto& [name, p] : models[1].named_parameters()) {
    const std::vector<float> want = p.to_vector<float>();
    EXPECT_THAT(second.at(name).to_vector<float>(), testing::Pointwise(testing::FloatNear(1e-6F), want))
        << name;
  }
  // Running statistics were kept apart, and go back into a model.
  EXPECT_EQ(models[0].norm.num_batches_tracked.item<int>(), 0);
  EXPECT_EQ(second.at("norm.running_mean").to_vector<float>(),
            models[1].norm.running_mean.to_vector<float>());
  models[0].load_state_dict(second);
  EXPECT_EQ(models[0].norm.num_batches_tracked.item<int>(), 1);
}

TEST(StackedState, KeepsWhatIsFrozenFrozen) {
  std::vector<std::unique_ptr<Net>> models;
  for (int i = 0; i < 2; ++i) models.push_back(std::make_unique<Net>());
  for (auto& model : models) model->fc.requires_grad_(false);
  const StackedState all = stack_module_state(models);
  EXPECT_FALSE(all.parameters.at("fc.weight").requires_grad());
  EXPECT_TRUE(all.parameters.at("norm.weight").requires_grad());
  models[0]->fc.bias.requires_grad_();
  EXPECT_THAT([&] { stack_module_state(models); },
              ThrowsMessage<Error>(HasSubstr("\"fc.bias\" f32 [3] without gradient")));
}

TEST(StackedState, RefusesModelsThatDiffer) {
  std::vector<Net> models = repeat(2, [] { return Net{}; });
  EXPECT_THAT([&] { stack_module_state(models).member(2); },
              ThrowsMessage<Error>(HasSubstr("member 2 of an ensemble of 2")));
  models[1].eval();
  EXPECT_THAT([&] { stack_module_state(models); }, ThrowsMessage<Error>(HasSubstr("some models train")));
  models[1] = Net{.hidden = 4};
  EXPECT_THAT([&] { stack_module_state(models); },
              ThrowsMessage<Error>(AllOf(HasSubstr("model 1 has \"fc.weight\" f32 [4, 2]"),
                                         HasSubstr("model 0 has \"fc.weight\" f32 [3, 2]"))));
  Linear other(2, 2);
  const std::vector<ModuleRef> mixed{models[0], other};
  EXPECT_THAT([&] { stack_module_state(mixed); },
              ThrowsMessage<Error>(HasSubstr("a Linear among models of type Net")));
  models.clear();
  EXPECT_THAT([&] { stack_module_state(models); }, ThrowsMessage<Error>(HasSubstr("no models")));
}

}  // namespace
}  // namespace mica::nn
