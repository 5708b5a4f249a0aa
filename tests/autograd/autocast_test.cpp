#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/autocast.h>
#include <mica/autograd/checkpoint.h>
#include <mica/autograd/engine.h>
#include <mica/core/random.h>
#include <mica/data/digits.h>
#include <mica/nn/activation.h>
#include <mica/nn/checkpoint.h>
#include <mica/nn/conv.h>
#include <mica/nn/functional_call.h>
#include <mica/nn/linear.h>
#include <mica/nn/norm.h>
#include <mica/nn/parametrizations.h>
#include <mica/ops/ops.h>
#include <mica/optim/adam.h>
#include <mica/optim/sgd.h>

#include "message_of.h"

namespace mica {
namespace {

using autograd::autocast_enabled;
using testing::HasSubstr;

Tensor weight_of(const Shape& sizes) { return randn(sizes).requires_grad_(); }
void forget_grad(Tensor x) { x.set_grad({}); }
std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }
double difference(const Tensor& a, const Tensor& b) {
  return abs(a.to(f32) - b.to(f32)).max().item<double>();
}

// ---- scopes

TEST(Autocast, HoldsInItsScopeAndNoFurther) {
  const Tensor x = randn({2, 3}), w = randn({3, 3});
  EXPECT_EQ(matmul(x, w).dtype(), f32);
  {
    const Autocast autocast;
    EXPECT_TRUE(autocast_enabled());
    EXPECT_EQ(matmul(x, w).dtype(), bf16);
  }
  EXPECT_FALSE(autocast_enabled());
  EXPECT_EQ(matmul(x, w).dtype(), f32);
}

TEST(Autocast, NestsAndCanBeTurnedOffInside) {
  const Tensor x = randn({2, 2});
  const Autocast outer;
  {
    const Autocast off{{.enabled = false}};
    EXPECT_EQ(matmul(x, x).dtype(), f32);
    {
      const Autocast inner;
      EXPECT_EQ(matmul(x, x).dtype(), bf16);
    }
    EXPECT_EQ(matmul(x, x).dtype(), f32);
  }
  EXPECT_EQ(matmul(x, x).dtype(), bf16);
}

TEST(Autocast, EndsWithAnException) {
  const auto fail = [] {
    const Autocast autocast;
    matmul(randn({2, 3}), randn({2, 3}));  // sizes that do not fit, found inside the operation's own scope
  };
  EXPECT_THROW(fail(), Error);
  EXPECT_FALSE(autocast_enabled());
  const Autocast autocast;
  EXPECT_THROW(matmul(randn({2, 3}), randn({2, 3})), Error);
  EXPECT_TRUE(autocast_enabled());
}

TEST(Autocast, IsOfOneThread) {
  const Autocast autocast;
  DType elsewhere = boolean, inside = boolean;
  std::thread([&] {
    elsewhere = matmul(randn({2, 2}), randn({2, 2})).dtype();
    const Autocast own;
    inside = matmul(randn({2, 2}), randn({2, 2})).dtype();
  }).join();
  EXPECT_EQ(elsewhere, f32);
  EXPECT_EQ(inside, bf16);
  EXPECT_TRUE(autocast_enabled());
}

TEST(Autocast, KnowsBf16Only) {
  EXPECT_THAT(message_of([] { const Autocast autocast{{.dtype = f16}}; }), HasSubstr("dtype f16"));
  EXPECT_THROW(Autocast({.dtype = f64}), Error);
  EXPECT_FALSE(autocast_enabled());
  EXPECT_EQ(matmul(randn({2, 2}), randn({2, 2})).dtype(), f32);
}

// ---- gradients

TEST(Autocast, GradientsHaveTheDTypeOfTheirParameters) {
  const Tensor x = randn({5, 4}), w = weight_of({3, 4}), b = weight_of({3});
  linear(x, w, b).square().sum().backward();
  const Tensor exact_w = w.grad(), exact_b = b.grad();
  forget_grad(w);
  forget_grad(b);
  Tensor loss;
  {
    const Autocast autocast;
    loss = mse_loss(linear(x, w, b), zeros({5, 3}), Reduction::sum);
    EXPECT_EQ(loss.dtype(), f32);
  }
  loss.backward();
  EXPECT_EQ(w.grad().dtype(), f32);
  EXPECT_EQ(b.grad().dtype(), f32);
  EXPECT_LE(difference(w.grad(), exact_w), 0.02 * abs(exact_w).max().item<double>());
  EXPECT_LE(difference(b.grad(), exact_b), 0.02 * abs(exact_b).max().item<double>());
}

// A pass back goes by the dtypes of forward, wherever it is called.
TEST(Autocast, APassBackRunsOutsideIt) {
  const Tensor x = randn({4, 4}), w = weight_of({4, 4});
  linear(x, w).square().sum().backward();
  const Tensor exact = w.grad();
  forget_grad(w);
  const Tensor y = linear(x, w).square().sum();  // of f32
  const Autocast autocast;                       // the rule of linear is made of products
  y.backward();
  EXPECT_EQ(numbers(w.grad()), numbers(exact));
  EXPECT_TRUE(autocast_enabled());
}

// First and second derivatives of each kind of product, beside those of f32.
TEST(Autocast, DerivativesOfProductsAreNearThoseOfF32) {
  using Product = Tensor (*)(const Tensor& x, const Tensor& w);
  const struct {
    const char* name;
    Product run;
    Shape x, w;
  } products[] = {
      {"matmul", [](const Tensor& x, const Tensor& w) { return matmul(x, w); }, {4, 5}, {5, 3}},
      {"linear", [](const Tensor& x, const Tensor& w) { return linear(x, w); }, {4, 5}, {3, 5}},
      {"einsum",
       [](const Tensor& x, const Tensor& w) { return einsum("ij,kj->ik", {x, w}); },
       {4, 5},
       {3, 5}},
      {"conv2d", [](const Tensor& x, const Tensor& w) { return conv2d(x, w); }, {2, 3, 5, 5}, {4, 3, 3, 3}},
      {"conv_transpose2d",
       [](const Tensor& x, const Tensor& w) { return conv_transpose2d(x, w, ones({4})); },
       {2, 3, 5, 5},
       {3, 4, 3, 3}},
      {"attention",
       [](const Tensor& x, const Tensor& w) {
         return scaled_dot_product_attention(x, w, w, {.is_causal = true});
       },
       {2, 4, 6},
       {2, 4, 6}},
      {"attention with a mask",
       [](const Tensor& x, const Tensor& w) {
         return scaled_dot_product_attention(x, w, w, {.attn_mask = eye(4)});
       },
       {2, 4, 6},
       {2, 4, 6}},
  };
  for (const auto& product : products) {
    SCOPED_TRACE(product.name);
    const auto derivatives = [&](bool enabled) {
      manual_seed(4);
      const Tensor x = randn(product.x).requires_grad_(), w = weight_of(product.w);
      Tensor y;
      {
        const Autocast autocast{{.enabled = enabled}};
        y = product.run(x, w);
        EXPECT_EQ(y.dtype(), enabled ? bf16 : f32);
      }
      const std::vector<Tensor> inputs{x, w}, outputs{y.to(f32).square().sum()};
      std::vector<Tensor> all = autograd::grad(outputs, inputs, {}, {.create_graph = true});
      const std::vector<Tensor> lengths{all[0].square().sum() + all[1].square().sum()};
      for (const Tensor& second : autograd::grad(lengths, inputs)) all.push_back(second);
      return all;
    };
    const auto exact = derivatives(false), mixed = derivatives(true);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(mixed[i].dtype(), f32);
      EXPECT_LE(difference(mixed[i], exact[i]), 0.05 * abs(exact[i]).max().item<double>())
          << "derivative " << i;
      EXPECT_GT(difference(mixed[i], exact[i]), 0) << "derivative " << i;  // bf16 was there
    }
  }
}

TEST(Autocast, ATrainedMaskOfAttentionGetsItsGradient) {
  const Tensor mask = weight_of({4, 4}), q = weight_of({2, 4, 6});
  const Autocast autocast;
  scaled_dot_product_attention(q, q, q, {.attn_mask = mask}).square().sum().backward();
  EXPECT_EQ(mask.grad().dtype(), f32);
  EXPECT_GT(abs(mask.grad()).max().item<float>(), 0);
}

// ---- the cache of parameters

// A parameter in bf16, whose address tells whether it was converted again.
Tensor narrow(const Tensor& w) { return autograd::autocast(w, bf16); }
bool same_memory(const Tensor& a, const Tensor& b) { return a.raw_data() == b.raw_data(); }

TEST(Autocast, ConvertsAParameterOnceForTheOutermostScope) {
  const Tensor w = weight_of({3, 3});
  const Autocast autocast;
  const Tensor first = narrow(w);
  EXPECT_TRUE(same_memory(narrow(w), first));
  {
    const Autocast inner;
    EXPECT_TRUE(same_memory(narrow(w), first));
  }
  {
    const Autocast off{{.enabled = false}};
  }
  EXPECT_TRUE(same_memory(narrow(w), first));  // the end of an inner scope forgets nothing
  Autocast::clear_cache();
  EXPECT_FALSE(same_memory(narrow(w), first));
}

// Writes past the library are not seen, which shows that the numbers come from the cache.
TEST(Autocast, OperationsTakeParametersFromTheCache) {
  const Tensor w = full({2, 2}, 1).requires_grad_(), x = ones({1, 2});
  {
    const Autocast autocast;
    EXPECT_EQ(linear(x, w).sum().item<float>(), 4);
    w.data<float>()[0] = 11;
    EXPECT_EQ(linear(x, w).sum().item<float>(), 4);
    Autocast::clear_cache();
    EXPECT_EQ(linear(x, w).sum().item<float>(), 14);
  }
  w.data<float>()[0] = 21;
  const Autocast next;  // a new scope begins with nothing
  EXPECT_EQ(linear(x, w).sum().item<float>(), 24);
}

TEST(Autocast, ConvertsAgainAfterAChangeInPlace) {
  const Tensor w = full({2, 2}, 1).requires_grad_(), x = ones({1, 2});
  const Autocast autocast;
  EXPECT_EQ(linear(x, w).sum().item<float>(), 4);
  {
    const NoGrad no_grad;
    Tensor(w).mul_(2);
  }
  EXPECT_EQ(linear(x, w).sum().item<float>(), 8);
  Tensor(w).set_grad(ones({2, 2}));
  optim::SGD({w}, {.lr = 1}).step();
  EXPECT_EQ(linear(x, w).sum().item<float>(), 4);
}

TEST(Autocast, CanDoWithoutACache) {
  const Tensor w = full({2, 2}, 1).requires_grad_(), x = ones({1, 2});
  const Autocast outer;
  EXPECT_EQ(linear(x, w).sum().item<float>(), 4);
  const Autocast autocast{{.cache_enabled = false}};
  w.data<float>()[0] = 11;
  EXPECT_EQ(linear(x, w).sum().item<float>(), 14);
}

TEST(Autocast, KeepsNoTensorsButParameters) {
  const Tensor w = weight_of({4, 4});
  const Autocast autocast;
  for (const Tensor& x : {randn({4, 4}), w * 2, w.detach(), w.t()}) {  // data, a result, views
    const Tensor first = narrow(x), second = narrow(x);
    EXPECT_FALSE(same_memory(first, second));
  }
}

// Each use has its own way back, so that neither a freed graph nor NoGrad spoils the cache for later uses.
TEST(Autocast, CachedParametersServeSeveralPassesAndNoGrad) {
  const Tensor x = ones({1, 2}), w = full({2, 2}, 1).requires_grad_();
  const Autocast autocast;
  {
    const NoGrad no_grad;
    EXPECT_FALSE(linear(x, w).requires_grad());
  }
  for (int i = 1; i <= 3; ++i) {
    (linear(x, w) + linear(x, w)).sum().backward();
    EXPECT_EQ(numbers(w.grad()), std::vector<double>(4, 2.0 * i));
  }
  const Tensor y = linear(x, w).sum();
  {
    const InferenceMode inference;
    EXPECT_EQ(linear(x, w).sum().item<float>(), 4);
  }
  y.backward();
}

TEST(Autocast, AParameterMetUnderInferenceModeTrainsAfterwards) {
  const Tensor x = ones({1, 2}), w = full({2, 2}, 1).requires_grad_();
  const Autocast autocast;
  {
    const InferenceMode inference;
    linear(x, w);
  }
  linear(x, w).sum().backward();
  EXPECT_EQ(numbers(w.grad()), std::vector<double>(4, 1.0));
}

// Many uses of a parameter add up in f32: 1 + 256 times 1/256 is lost in bf16.
TEST(Autocast, AddsGradientsOfManyUsesInF32) {
  const Tensor w = ones({1, 1}).requires_grad_();
  Tensor total = zeros({});
  {
    const Autocast autocast;
    total = total + linear(ones({1, 1}), w).to(f32).sum();
    for (int i = 0; i < 256; ++i) total = total + linear(full({1, 1}, 1.0 / 256), w).to(f32).sum();
  }
  total.backward();
  EXPECT_EQ(w.grad().item<float>(), 2);
}

// ---- with the rest of the library

// Narrow operands are what a product keeps for backward, not their f32 copies.
TEST(Autocast, BackwardKeepsNarrowOperands) {
  const Tensor x = randn({8, 8}).to(bf16), w = weight_of({8, 8});
  Tensor y;
  {
    const Autocast autocast;
    y = linear(x, w).to(f32).sum();
  }
  Tensor(x).mul_(2);  // found only if x itself was saved
  EXPECT_THAT(message_of([&] { y.backward(); }), HasSubstr("changed in place"));
}

struct Block : nn::Module {
  nn::Linear first{6, 12}, second{12, 6};
  Tensor forward(const Tensor& x) { return x + second(relu(first(x))); }
};

TEST(Autocast, CheckpointsAreRunAgainUnderTheSameRules) {
  Block block;
  const Tensor x = randn({3, 6});
  const auto gradients = [&](bool checkpointed, bool pass_inside) {
    block.zero_grad();
    Tensor loss;
    {
      const Autocast autocast;
      Tensor y = checkpointed ? nn::checkpoint(block, x) : block(x);
      y = checkpointed ? nn::checkpoint(block, y) : block(y);  // the same parameters in two segments
      loss = mse_loss(y, zeros({3, 6}));
      if (pass_inside) loss.backward();
    }
    if (!pass_inside) loss.backward();
    std::vector<std::vector<double>> all;
    for (const Tensor& p : block.parameters()) all.push_back(numbers(p.grad()));
    return all;
  };
  const auto plain = gradients(false, false);
  EXPECT_EQ(gradients(true, false), plain);
  EXPECT_EQ(gradients(true, true), plain);
  // And the other way round: recorded outside, a pass inside does not turn it on.
  const Tensor y = nn::checkpoint(block, x).sum();
  const Autocast autocast;
  EXPECT_NO_THROW(y.backward());
}

TEST(Autocast, FunctionalCallTakesParametersOfItsOwn) {
  nn::Linear layer{4, 2};
  const Tensor x = randn({3, 4}), w = randn({2, 4}).requires_grad_();
  const Autocast autocast;
  const Tensor y = nn::functional_call(layer, {{"weight", w * 2}, {"bias", zeros({2})}}, x);
  EXPECT_EQ(y.dtype(), bf16);
  y.sum().backward();
  EXPECT_EQ(w.grad().dtype(), f32);
  EXPECT_LE(difference(w.grad(), (x.sum(0) * 2).expand({2, 4})), 0.1);
}

TEST(Autocast, ParametrizedWeightsAreComputedInFull) {
  const Autocast autocast;
  auto spectral = nn::spectral_norm(nn::Linear{4, 4});
  EXPECT_EQ(spectral(randn({2, 4})).dtype(), bf16);
  nn::parametrizations::Orthogonal orthogonal{.map = nn::OrthogonalMap::matrix_exp};
  orthogonal.base = nn::Buffer(eye(4));
  const Tensor q = orthogonal(randn({4, 4}));
  EXPECT_EQ(q.dtype(), f32);
  EXPECT_LE(difference(mm(q.to(f64), q.to(f64).t()), eye(4)), 1e-5);
}

struct Digits : nn::Module {
  nn::Conv2d conv{1, 16, 3, {.padding = {1}}};
  nn::BatchNorm2d norm{16};
  nn::Linear hidden{16 * 4 * 4, 64};
  nn::LayerNorm layer_norm{64};
  nn::Linear head{64, 10};
  Tensor forward(const Tensor& x) {
    const Tensor h = max_pool2d(relu(norm(conv(x))), 2).flatten(1);
    return head(layer_norm(relu(hidden(h))));
  }
};

// Test accuracy in per cent after some epochs.
double accuracy(bool enabled) {
  manual_seed(3);
  const auto training = data::digits(data::Split::train), test = data::digits(data::Split::test);
  Digits model;
  optim::Adam optimizer{model.parameters(), {.lr = 3e-3}};
  const std::int64_t batch = 64, count = training.images.size(0);
  for (int epoch = 0; epoch < 8; ++epoch) {
    for (std::int64_t i = 0; i + batch <= count; i += batch) {
      optimizer.zero_grad();
      Tensor loss;
      {
        const Autocast autocast{{.enabled = enabled}};
        const Tensor y = model(training.images.narrow(0, i, batch));
        EXPECT_EQ(y.dtype(), enabled ? bf16 : f32);
        loss = cross_entropy(y, training.labels.narrow(0, i, batch));
      }
      loss.backward();
      optimizer.step();
    }
  }
  for (const Tensor& p : model.parameters()) EXPECT_EQ(p.dtype(), f32);
  model.eval();
  const NoGrad no_grad;
  const Autocast autocast{{.enabled = enabled}};
  const Tensor y = model(test.images);
  return 100 * y.argmax(1).eq(test.labels).to(f32).mean().item<double>();
}

TEST(Autocast, TrainsToTheSameAccuracy) {
  const double full = accuracy(false), mixed = accuracy(true);
  RecordProperty("full", std::to_string(full));
  RecordProperty("mixed", std::to_string(mixed));
  EXPECT_GE(full, 90);
  EXPECT_NEAR(mixed, full, 1) << "per cent";
}

}  // namespace
}  // namespace mica
