#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/nn/functional_call.h>
#include <mica/nn/nn.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/ops/reduce.h>

namespace mica::nn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Numbers = std::vector<double>;

struct Net : Module {
  Linear fc{2, 3};
  BatchNorm1d norm{3};
  Linear head{3, 1};
  Tensor forward(const Tensor& x) { return head(norm(fc(x))); }
};

Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }

std::vector<Tensor> members(const Net& net) {
  std::vector<Tensor> all = net.parameters();
  for (const Tensor& b : net.buffers()) all.push_back(b);
  return all;
}
void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].is_same(b[i])) << i;
}

TEST(FunctionalCall, ComputesWithTheGivenTensors) {
  Net net, other;
  other.eval();
  net.eval();
  other.norm.running_mean.fill_(0.5);
  const std::vector<Tensor> before = members(net);
  const Tensor x = randn({4, 2});
  EXPECT_NE(numbers(net(x)), numbers(other(x)));
  EXPECT_EQ(numbers(functional_call(net, other.state_dict(), x)), numbers(other(x)));
  expect_same(members(net), before);
  // What is not given is the model's own.
  const Tensor bias = full({1}, 100);
  EXPECT_NEAR(functional_call(net, {{"head.bias", bias}}, x).sum().item() - net(x).sum().item(),
              4 * (100 - net.head.bias.item()), 1e-3);
}

TEST(FunctionalCall, LetsGradientsFlowToTheGivenTensors) {
  struct Line : Module {
    Linear fc{1, 1, {.bias = false}};
    Tensor forward(const Tensor& x) { return fc(x); }
  };
  Line line;
  const Tensor scale = full({}, 3).requires_grad_();
  const Tensor x = full({1, 1}, 5);
  functional_call(line, {{"fc.weight", line.fc.weight * scale}}, x).sum().backward();
  EXPECT_FLOAT_EQ(scale.grad().item<float>(), 5 * line.fc.weight.item<float>());
  EXPECT_FLOAT_EQ(line.fc.weight.grad().item<float>(), 15);
  // A step of gradient descent that is differentiated itself.
  const Tensor w = full({1, 1}, 2).requires_grad_();
  const Tensor loss = functional_call(line, {{"fc.weight", w}}, x).square().sum();  // 25 w^2
  const Tensor step = w - autograd::grad(loss, w, {.create_graph = true}) * 0.01;   // w - 0.5 w
  functional_call(line, {{"fc.weight", step}}, x).sum().backward();
  EXPECT_FLOAT_EQ(w.grad().item<float>(), 2.5);
}

TEST(FunctionalCall, ChangesTheGivenBuffersNotTheModels) {
  Net net;
  const Tensor mean = zeros({3}), count = zeros({}, i64);
  functional_call(net, {{"norm.running_mean", mean}, {"norm.num_batches_tracked", count}},
                  randn({4, 2}) + 10);
  EXPECT_NE(numbers(mean), Numbers(3, 0));
  EXPECT_EQ(count.item<int>(), 1);
  EXPECT_EQ(numbers(net.norm.running_mean), Numbers(3, 0));
  EXPECT_NE(numbers(net.norm.running_var), Numbers(3, 1));  // not given
}

TEST(FunctionalCall, RestoresTheModelWhenTheCallThrows) {
  Net net;
  const std::vector<Tensor> before = members(net);
  const StateDict given(Net().named_parameters());
  EXPECT_THROW(functional_call(net, given, ones({4, 7})), Error);
  expect_same(members(net), before);
  auto hook =
      net.fc.register_forward_hook([](Linear&, Arguments&, Tensor&) { throw std::runtime_error("mine"); });
  EXPECT_THROW(functional_call(net, given, ones({4, 2})), std::runtime_error);
  expect_same(members(net), before);
}

TEST(FunctionalCall, ChecksEverythingBeforeItExchangesAnything) {
  Net net;
  const std::vector<Tensor> before = members(net);
  const Tensor good = zeros({3, 2});
  EXPECT_THAT(
      [&] {
        functional_call(net,
                        {{"fc.weight", good},
                         {"fc.bais", zeros({3})},
                         {"head.bias", zeros({2})},
                         {"norm.num_batches_tracked", zeros({})},
                         {"norm.weight", Tensor()}},
                        ones({4, 2}));
      },
      ThrowsMessage<Error>(
          AllOf(HasSubstr("[functional_call] the tensors do not fit Net"),
                HasSubstr("\"fc.bais\" is no parameter or buffer (did you mean \"fc.bias\"?)"),
                HasSubstr("\"head.bias\" has shape [2], the model's has [1]"),
                HasSubstr("\"norm.num_batches_tracked\" is f32, the model's is i64"),
                HasSubstr("\"norm.weight\" is undefined"))));
  expect_same(members(net), before);
}

TEST(FunctionalCall, WantsAllNamesWhenStrict) {
  Net net;
  StateDict all(net.named_parameters());
  const FunctionalCallOptions strict{.strict = true};
  EXPECT_THAT([&] { functional_call(net, all, strict, ones({4, 2})); },
              ThrowsMessage<Error>(HasSubstr("\"norm.running_mean\" is missing")));
  for (const auto& [name, buffer] : net.named_buffers()) all.insert(name, buffer);
  EXPECT_NO_THROW(functional_call(net, all, {.strict = true}, ones({4, 2})));
  EXPECT_NO_THROW(functional_call(net, all, strict, ones({4, 2})));
}

struct Tied : Module {
  Linear a{2, 2, {.bias = false}}, b{2, 2, {.bias = false}};
  Tied() = default;
  NN_MEMBERS(a, b)
  Tensor forward(const Tensor& x) { return a(x) + b(x) * 10; }
};

TEST(FunctionalCall, TakesOneTensorForAllNamesOfATiedParameter) {
  Tied net;
  net.b.weight = tied(net.a.weight);
  const Tensor x = ones({1, 2}), w = ones({2, 2});
  EXPECT_EQ(numbers(functional_call(net, {{"a.weight", w}}, x)), (Numbers{22, 22}));
  EXPECT_EQ(numbers(functional_call(net, {{"b.weight", w}}, x)), (Numbers{22, 22}));
  EXPECT_EQ(numbers(functional_call(net, {{"a.weight", w}, {"b.weight", w}}, x)), (Numbers{22, 22}));
  EXPECT_NO_THROW(functional_call(net, {{"b.weight", w}}, {.strict = true}, x));
  const StateDict both{{"a.weight", w}, {"b.weight", zeros({2, 2})}};
  EXPECT_THAT([&] { functional_call(net, both, x); },
              ThrowsMessage<Error>(HasSubstr("\"a.weight\" and \"b.weight\" are one parameter")));
  EXPECT_EQ(numbers(functional_call(net, both, {.tie_weights = false}, x)), (Numbers{2, 2}));
  EXPECT_TRUE(net.a.weight.is_same(net.b.weight));
}

TEST(FunctionalCall, NestsAndTakesAnySignature) {
  struct Several : Module {
    Parameter w{ones({2})};
    std::vector<int> forward(const Tensor& x, int n, int& seen) {
      seen = (x * w).sum().item<int>();
      return {n};
    }
  };
  Several net;
  int seen = 0;
  EXPECT_EQ(functional_call(net, {{"w", full({2}, 3)}}, ones({2}), 4, seen), std::vector<int>{4});
  EXPECT_EQ(seen, 6);
  struct Twice : Module {
    Linear fc{1, 1, {.bias = false}};
    Tensor forward(const Tensor& x) { return functional_call(fc, {{"weight", full({1, 1}, 7)}}, x) + fc(x); }
  };
  Twice twice;
  EXPECT_EQ(functional_call(twice, {{"fc.weight", full({1, 1}, 2)}}, ones({1, 1})).item(), 9);
}

}  // namespace
}  // namespace mica::nn
