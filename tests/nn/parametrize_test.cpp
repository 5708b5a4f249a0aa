#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/nn/activation.h>
#include <mica/nn/conv.h>
#include <mica/nn/functional_call.h>
#include <mica/nn/lazy.h>
#include <mica/nn/linear.h>
#include <mica/nn/lint.h>
#include <mica/nn/parametrizations.h>
#include <mica/nn/rebuild.h>
#include <mica/nn/sequential.h>
#include <mica/nn/summary.h>
#include <mica/ops/compare.h>
#include <mica/ops/linalg.h>
#include <mica/ops/matmul.h>
#include <mica/ops/random.h>
#include <mica/optim/sgd.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

auto message(const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); }

struct Symmetric : Module {
  Tensor forward(const Tensor& x) { return x.triu() + x.triu(1).transpose(-1, -2); }
  Tensor right_inverse(const Tensor& x) { return x.triu(); }
};

struct Scaled : Module {
  Parameter scale{full({1}, 0.5)};
  Tensor forward(const Tensor& x) { return x * scale; }
};

using SymmetricLinear = Parametrized<Linear, On<"weight", Symmetric>>;

std::vector<std::string> names(const StateDict& state) {
  std::vector<std::string> out;
  out.reserve(state.size());
  for (const auto& [name, tensor] : state) out.push_back(name);
  return out;
}

Tensor stored(const nlohmann::json& json, DType dtype) {
  return from_vector(json["values"].get<std::vector<double>>(),
                     Shape(json["shape"].get<std::vector<std::int64_t>>()))
      .to(dtype);
}

void expect_state(const StateDict& state, const nlohmann::json& expected, double tolerance) {
  EXPECT_EQ(state.size(), expected.size());
  for (const auto& [name, values] : expected.items()) {
    SCOPED_TRACE(name);
    expect_golden(state.at(name), values, tolerance);
  }
}

// A layer follows PyTorch call by call, and through gradient descent to what is left when the
// parametrization is removed.
template <class Make> void follow(const std::string& name, Make make, std::string_view member = "weight") {
  follow_golden("parametrize", name, make);
  SCOPED_TRACE("trained " + name);
  const DType dtype = detail::golden_dtype("parametrize", name);
  const double tolerance = dtype == f64 ? 1e-10 : 1e-4;
  for (const auto& g : golden("parametrize", "trained")) {
    if (g["name"] != name) continue;
    manual_seed(7);
    auto layer = make(dtype);
    optim::SGD sgd{layer.parameters(), {.lr = 0.1}};
    for (const auto& step : g["steps"]) {
      const Tensor y = layer(stored(step["input"], dtype));
      sgd.zero_grad();
      (y * stored(step["weight"], dtype)).sum().backward();
      sgd.step();
    }
    expect_state(layer.state_dict(), g["final"], tolerance);
    layer.eval();
    expect_golden(layer.value(member), g["value"], tolerance);
    const auto plain = std::move(layer).remove();
    expect_state(plain.state_dict(), g["removed"], tolerance);
    return;
  }
  FAIL() << "no trained layer of that name";
}

TEST(Parametrized, WeightNormFollowsPyTorch) {
  follow("weight norm", [](DType t) { return weight_norm(Linear(3, 2, {.dtype = t})); });
  follow("weight norm in f32", [](DType t) { return weight_norm(Linear(3, 2, {.dtype = t})); });
  follow("weight norm of columns",
         [](DType t) { return weight_norm(Linear(3, 2, {.dtype = t}), {.dim = 1}); });
  follow("weight norm of all",
         [](DType t) { return weight_norm(Linear(3, 2, {.dtype = t}), {.dim = std::nullopt}); });
  follow("weight norm of a convolution",
         [](DType t) { return weight_norm(Conv2d(2, 3, 2, {.dtype = t}), {.dim = 1}); });
  follow(
      "weight norm of a bias", [](DType t) { return weight_norm<"bias">(Linear(3, 2, {.dtype = t})); },
      "bias");
}

TEST(Parametrized, SpectralNormFollowsPyTorch) {
  follow("spectral norm", [](DType t) { return spectral_norm(Linear(3, 2, {.dtype = t})); });
  follow("spectral norm in f32", [](DType t) { return spectral_norm(Linear(3, 2, {.dtype = t})); });
  follow("spectral norm of all options", [](DType t) {
    return spectral_norm(Conv2d(2, 3, 2, {.dtype = t}), {.n_power_iterations = 3, .eps = 0.01, .dim = -3});
  });
  follow(
      "spectral norm of a bias", [](DType t) { return spectral_norm<"bias">(Linear(3, 2, {.dtype = t})); },
      "bias");
}

TEST(Parametrized, OrthogonalFollowsPyTorch) {
  const std::pair<const char*, OrthogonalMap> maps[] = {{"householder", OrthogonalMap::householder},
                                                        {"matrix_exp", OrthogonalMap::matrix_exp},
                                                        {"cayley", OrthogonalMap::cayley}};
  const std::pair<int, int> sizes[] = {{3, 3}, {4, 2}, {2, 4}};
  for (const bool trivialization : {true, false}) {
    for (const auto& [name, map] : maps) {
      for (const auto& [n, m] : sizes) {
        follow("orthogonal " + std::string(name) + " " + std::to_string(n) + " " + std::to_string(m) +
                   (trivialization ? " True" : " False"),
               [&](DType t) {
                 return orthogonal(Linear(m, n, {.dtype = t}),
                                   {.map = map, .use_trivialization = trivialization});
               });
      }
    }
  }
  follow("orthogonal square", [](DType t) { return orthogonal(Linear(2, 2, {.dtype = t})); });
  follow("orthogonal wide", [](DType t) { return orthogonal(Linear(3, 2, {.dtype = t})); });
  follow("orthogonal in f32", [](DType t) { return orthogonal(Linear(3, 3, {.dtype = t})); });
  follow("orthogonal batch", [](DType t) { return orthogonal(Conv2d(2, 3, {3, 2}, {.dtype = t})); });
}

TEST(Parametrized, MapsOfYourOwnFollowPyTorch) {
  follow("chain", [](DType t) {
    Parametrized<Linear, On<"weight", Symmetric, Scaled>> layer{Linear(3, 3, {.dtype = t})};
    layer.to(t);
    return layer;
  });
}

struct Net : Module {
  WeightNorm<Linear> fc{Linear{4, 5}};
  SpectralNorm<Conv2d> conv{Conv2d{1, 2, 3}};
  Sequential both{orthogonal(Linear{2, 3}), ReLU{}};
  Tensor forward(const Tensor& x) { return fc(x); }
};
using TwoMembers = Parametrized<Linear, On<"weight", parametrizations::WeightNorm>, On<"bias", Scaled>>;

TEST(Parametrized, PrintsAsPyTorch) {
  // Scaled has plain parameters only; PyTorch's prints the same.
  expect_prints("parametrize",
                {{"net", Net{}.to_string()},
                 {"two members", TwoMembers{Linear{3, 3}}.to_string()},
                 {"chain", Parametrized<Linear, On<"weight", Symmetric, Scaled>>{Linear{3, 3}}.to_string()}});
}

// A layer that says its type at run time.
struct Named : Linear {
  using Linear::Linear;
  std::string_view printed_type() const { return "Linear9d"; }
  NN_MEMBERS(in_features, out_features, weight, bias)
};

TEST(Parametrized, PrintsTheTypeThatTheLayerPrints) {
  const WeightNorm<Named> layer{Named{3, 2}};
  EXPECT_THAT(layer.to_string(), testing::StartsWith("ParametrizedLinear9d("));
  EXPECT_THAT([] { weight_norm<"bias">(Named(3, 2, {.bias = false})); },
              message("this Linear9d has no bias"));
}

TEST(Parametrized, HasTheOriginalsAsItsParametersUnderPyTorchsNames) {
  const TwoMembers layer{Linear{3, 2}};
  EXPECT_THAT(names(layer.state_dict()),
              ElementsAre("parametrizations.weight.original0", "parametrizations.weight.original1",
                          "parametrizations.bias.original", "parametrizations.bias.0.scale"));
  const SymmetricLinear one{Linear{3, 3}};
  EXPECT_THAT(names(one.state_dict()), ElementsAre("bias", "parametrizations.weight.original"));
  EXPECT_EQ(one.parameters().size(), 2U);
  EXPECT_EQ(one.num_parameters(), 12);
  EXPECT_FALSE(one.weight.defined());  // there only during a call
}

TEST(Parametrized, KeepsTheValueThatTheLayerHad) {
  Linear plain{3, 2};
  const Tensor weight = plain.weight.detach().clone();
  WeightNorm<Linear> layer{std::move(plain)};
  EXPECT_TRUE(allclose(layer.value(), weight));
  EXPECT_TRUE(layer.value().requires_grad());
}

TEST(Parametrized, IsTheLayerAgainWhenACallThrows) {
  SymmetricLinear layer{Linear{3, 3}};
  const StateDict before = layer.state_dict();
  EXPECT_THAT([&] { layer(ones({2, 4})); }, message("in ParametrizedLinear"));
  EXPECT_FALSE(layer.weight.defined());
  EXPECT_EQ(names(layer.state_dict()), names(before));
  EXPECT_TRUE(allclose(layer(ones({1, 3})), matmul(ones({1, 3}), layer.value().t()) + layer.bias));
}

struct Count : Module {
  std::shared_ptr<int> calls = std::make_shared<int>(0);
  Tensor forward(const Tensor& x) {
    ++*calls;
    return x * 2;
  }
};

struct Broken : Module {
  bool breaks = false;
  Tensor forward(const Tensor& x) { return breaks ? matmul(x, ones({7, 7})) : x; }
};
struct BrokenNet : Module {
  Parametrized<Linear, On<"weight", Broken>> fc{Linear{3, 2}};
  Tensor forward(const Tensor& x) { return fc(x); }
};

TEST(Parametrized, SaysWhereAMapThrew) {
  BrokenNet net;
  std::get<0>(std::get<0>(net.fc.parametrizations.lists).maps).breaks = true;
  EXPECT_THAT([&] { net(ones({1, 3})); }, message("in BrokenNet.fc.parametrizations.weight.0 (Broken)"));
}

TEST(Parametrized, IsClonedWithAllItHas) {
  manual_seed(1);
  SpectralNorm<Linear> layer{Linear{3, 2}, parametrizations::SpectralNorm{.n_power_iterations = 2}};
  auto copy = layer.clone();
  layer.eval();
  copy.eval();
  const Tensor x = randn({2, 3});
  EXPECT_TRUE(equal(layer(x), copy(x)));
  for (const Tensor& p : copy.parameters()) p.detach().fill_(1);
  EXPECT_FALSE(allclose(layer(x), copy(x)));
  EXPECT_EQ(names(copy.state_dict()), names(layer.state_dict()));

  Sequential net{weight_norm(Linear{3, 2}), ReLU{}};
  Sequential twin = net.clone();
  EXPECT_TRUE(equal(net(x), twin(x)));
}

// An aggregate, whose weight is no layer's of the library.
struct Affine : Module {
  int size = 3;
  Parameter weight{ones({size, size})};
  Buffer shift{ones({size})};
  Tensor forward(const Tensor& x, double factor) { return matmul(x, weight) * factor + shift; }
};

TEST(Parametrized, WorksOnStructsOfYourOwnAndAnySignature) {
  Parametrized<Affine, On<"weight", Symmetric>> layer{Affine{.size = 2}};
  EXPECT_THAT(names(layer.state_dict()), ElementsAre("shift", "parametrizations.weight.original"));
  EXPECT_EQ(layer(ones({1, 2}), 0.5).to_vector<float>(), (std::vector<float>{2, 2}));
  auto copy = layer.clone();
  EXPECT_EQ(copy.size, 2);
  EXPECT_EQ(copy(ones({1, 2}), 0.5).to_vector<float>(), (std::vector<float>{2, 2}));
  EXPECT_EQ(copy.to_string(), layer.to_string());
}

TEST(Parametrized, IsConvertedAndFrozen) {
  SpectralNorm<Linear> layer{Linear{3, 2}};
  layer.to(f64);
  EXPECT_EQ(layer(ones({1, 3}, f64)).dtype(), f64);
  layer.requires_grad_(false);
  EXPECT_FALSE(layer.value().requires_grad());
  WeightNorm<Linear> half{Linear{3, 2}};
  half.to(bf16);
  EXPECT_EQ(half(ones({1, 3}, bf16)).dtype(), bf16);
}

TEST(Parametrized, LoadsItsState) {
  SpectralNorm<Linear> a{Linear{3, 2}}, b{Linear{3, 2}};
  b.load_state_dict(a.state_dict());
  a.eval();
  b.eval();
  const Tensor x = randn({2, 3});
  EXPECT_TRUE(equal(a(x), b(x)));
  EXPECT_THAT([&] { b.load_state_dict(Linear(3, 2).state_dict()); },
              message("missing: \"parametrizations.weight.original\""));
}

struct TwoLayers : Module {
  WeightNorm<Linear> a{Linear{3, 2}};
  SpectralNorm<Linear> b{Linear{2, 2}};
  Tensor forward(const Tensor& x) { return b(a(x)); }
};

TEST(Parametrized, LoadsFilesOfPyTorchsOlderFunctions) {
  TwoLayers from, to;
  StateDict old;
  for (const auto& [name, tensor] : from.state_dict()) {
    std::string renamed = name;
    const std::pair<const char*, const char*> pairs[] = {
        {"a.parametrizations.weight.original0", "a.weight_g"},
        {"a.parametrizations.weight.original1", "a.weight_v"},
        {"b.parametrizations.weight.original", "b.weight_orig"},
        {"b.parametrizations.weight.0._u", "b.weight_u"},
        {"b.parametrizations.weight.0._v", "b.weight_v"}};
    for (const auto& [present, older] : pairs) {
      if (name == present) renamed = older;
    }
    old.insert(renamed, tensor);
  }
  EXPECT_TRUE(old.contains("b.weight_u"));
  // As files of PyTorch are loaded, which have no versions.
  to.load_state_dict(old, {.version_of = [](std::string_view) { return 0; }});
  from.eval();
  to.eval();
  const Tensor x = randn({2, 3});
  EXPECT_TRUE(equal(from(x), to(x)));
}

struct Rebuilt : Module {
  int in = 2, out = 3, iterations = 1;
  SpectralNorm<Linear> fc{Linear{in, out}, parametrizations::SpectralNorm{.n_power_iterations = iterations}};
  std::vector<WeightNorm<Linear>> more;
  Tensor forward(const Tensor& x) { return fc(x); }
};

TEST(Parametrized, IsRebuiltFromABlueprint) {
  Rebuilt net{.in = 4, .iterations = 3};
  auto copy = rebuild<Rebuilt>(blueprint(net));
  EXPECT_EQ(std::get<0>(std::get<0>(copy.fc.parametrizations.lists).maps).n_power_iterations, 3);
  copy.load_state_dict(net.state_dict());
  const Tensor x = randn({2, 4});
  EXPECT_TRUE(equal(net.eval()(x), copy.eval()(x)));
}

TEST(Parametrized, HooksSeeTheLayerAndTheValue) {
  SymmetricLinear layer{Linear{3, 3}};
  int calls = 0;
  const auto pre = layer.register_forward_pre_hook([&](SymmetricLinear& self, Arguments&) {
    EXPECT_TRUE(self.weight.defined());
    EXPECT_EQ(self.parameters().size(), 2U);  // the value is not taken for a parameter
    ++calls;
  });
  const auto post = layer.register_forward_hook([&](SymmetricLinear&, Arguments&, Tensor& out) {
    out = out * 0;
    ++calls;
  });
  const auto back = layer.register_full_backward_hook(
      [&](SymmetricLinear&, const Gradients&, const Gradients&) { ++calls; });
  const Tensor x = ones({1, 3}).requires_grad_();
  const Tensor y = layer(x);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 0, 0}));
  y.sum().backward();
  EXPECT_EQ(calls, 3);
}

TEST(Parametrized, HooksOfTheBareLayerEnd) {
  Linear plain{3, 3};
  int calls = 0;
  const auto hook = plain.register_forward_hook([&](Linear&, Arguments&, Tensor&) { ++calls; });
  plain(ones({1, 3}));
  SymmetricLinear layer{std::move(plain)};
  const auto own = layer.register_forward_hook([&](SymmetricLinear&, Arguments&, Tensor&) { calls += 10; });
  layer(ones({1, 3}));
  EXPECT_EQ(calls, 11);
  Linear again = std::move(layer).remove();
  again(ones({1, 3}));
  EXPECT_EQ(calls, 11);
}

TEST(Parametrized, IsSummarizedLintedAndCalledFunctionally) {
  TwoLayers net;
  const Summary s = summary(net, ones({2, 3}));
  std::int64_t parameters = 0;
  for (const auto& row : s.rows) parameters += row.parameters;
  EXPECT_EQ(parameters, net.num_parameters());
  EXPECT_EQ(s.rows.at(1).flops, 2 * 2 * 3 * 2);
  EXPECT_TRUE(lint(net, ones({2, 3})).empty()) << lint(net, ones({2, 3})).to_string();

  const Tensor g = zeros({2, 1}).requires_grad_();
  const Tensor y = functional_call(net.a, {{"parametrizations.weight.original0", g}}, ones({1, 3}));
  EXPECT_TRUE(equal(y[0], net.a.bias));
  y.sum().backward();
  EXPECT_TRUE(g.grad().defined());
}

TEST(Parametrized, RemovedLeavesTheParameterThatAnOptimizerHas) {
  SymmetricLinear layer{Linear{3, 3}};
  const Tensor original = layer.parameters()[1];
  const Tensor value = layer.value().detach().clone();
  const Linear plain = std::move(layer).remove();
  EXPECT_TRUE(plain.weight.is_same(original));
  EXPECT_TRUE(equal(plain.weight, value));
  EXPECT_THAT(names(plain.state_dict()), ElementsAre("weight", "bias"));

  WeightNorm<Linear> two{Linear{3, 3}};
  two.requires_grad_(false);
  EXPECT_FALSE(std::move(two).remove().weight.requires_grad());
}

TEST(Parametrized, TakesAValueThroughTheInversesOfItsMaps) {
  SymmetricLinear layer{Linear{3, 3}};
  const Tensor symmetric = tensor({{1.0F, 2.0F, 3.0F}, {2.0F, 4.0F, 5.0F}, {3.0F, 5.0F, 6.0F}});
  layer.assign(symmetric);
  EXPECT_TRUE(equal(layer.value(), symmetric));
  EXPECT_THAT([&] { layer.assign(ones({2, 2})); }, message("f32 [2, 2], and it has one of f32 [3, 3]"));

  WeightNorm<Linear> norm{Linear{3, 3}};
  norm.assign(symmetric);
  EXPECT_TRUE(allclose(norm.value(), symmetric));

  Orthogonal<Linear> rotation{Linear{2, 2}};
  const Tensor turn = tensor({{0.6F, -0.8F}, {0.8F, 0.6F}});
  rotation.assign(turn);
  EXPECT_TRUE(allclose(rotation.value(), turn));

  Parametrized<Linear, On<"weight", Scaled>> none{Linear{3, 3}};
  EXPECT_THAT([&] { none.assign(symmetric); }, message("Scaled has no inverse"));
  Orthogonal<Linear> bound{Linear{2, 2}, parametrizations::Orthogonal{.use_trivialization = false}};
  EXPECT_THAT([&] { bound.assign(turn); }, message("Orthogonal has no inverse"));
}

TEST(Parametrized, ResetsTheLayersParameters) {
  WeightNorm<Linear> layer{Linear{3, 2}};
  for (const Tensor& p : layer.parameters()) p.detach().fill_(2);
  manual_seed(4);
  layer.reset_parameters();
  manual_seed(4);
  const Linear fresh{3, 2};
  EXPECT_TRUE(allclose(layer.value(), fresh.weight));
  EXPECT_TRUE(equal(layer.bias, fresh.bias));
}

TEST(Parametrized, IsComputedOnceWhileACacheLives) {
  Parametrized<Linear, On<"weight", Count>> layer{Linear{2, 2}};
  const auto calls = std::get<0>(std::get<0>(layer.parametrizations.lists).maps).calls;
  *calls = 0;
  const Tensor x = ones({1, 2});
  layer(x);
  layer(x);
  EXPECT_EQ(*calls, 2);
  {
    const ParametrizationCache outer;
    Tensor y = layer(x);
    {
      const ParametrizationCache inner;
      y = y + layer(x);
    }
    y = y + layer(x);
    EXPECT_EQ(*calls, 3);
    y.sum().backward();
    EXPECT_EQ(layer.parameters()[1].grad().to_vector<float>(), (std::vector<float>{6, 6, 6, 6}));
  }
  layer(x);
  EXPECT_EQ(*calls, 4);
}

TEST(Parametrized, MayBeCalledOnSeveralThreads) {
  SymmetricLinear layer{Linear{3, 3}};
  const Tensor x = randn({4, 3});
  const Tensor expected = layer(x).detach();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        if (!equal(layer(x), expected)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

struct Widens : Module {
  Tensor forward(const Tensor& x) { return x.to(f64); }
};
struct Doubles : Module {
  Tensor forward(const Tensor& x) { return x.repeat({2, 1}); }
};
struct Nothing : Module {
  Tensor forward(const Tensor&) { return {}; }
};

TEST(Parametrized, TeachesWhatDoesNotFit) {
  EXPECT_THAT([] { weight_norm<"bias">(Linear(3, 2, {.bias = false})); }, message("this Linear has no bias"));
  EXPECT_THAT([] { weight_norm(LazyLinear(3)); }, message("run"));
  using OnWidens = Parametrized<Linear, On<"weight", Widens>>;
  EXPECT_THAT([] { OnWidens(Linear(3, 2)); },
              message("Widens makes weight f64 [2, 3], which was f32 [2, 3]"));
  using OnDoubles = Parametrized<Linear, On<"weight", Doubles>>;
  EXPECT_THAT([] { OnDoubles(Linear(3, 2)); }, message("f32 [4, 3], which was f32 [2, 3]"));
  using OnNothing = Parametrized<Linear, On<"weight", Nothing>>;
  EXPECT_THAT([] { OnNothing(Linear(3, 2)); }, message("undefined"));
  SymmetricLinear layer{Linear{3, 3}};
  EXPECT_THAT([&] { layer.value("bias"); }, message("\"bias\" of this Linear is not parametrized"));
  EXPECT_THAT([] { weight_norm(Linear(3, 2), {.dim = 2}); }, message("dim 2 is out of range"));
  EXPECT_THAT([] { spectral_norm(Linear(3, 2), {.dim = 2}); }, message("dim 2 is out of range"));
  EXPECT_THAT([] { spectral_norm(Linear(3, 2), {.n_power_iterations = 0}); },
              message("n_power_iterations 0 is not positive"));
  EXPECT_THAT([] { orthogonal<"bias">(Linear(3, 2)); }, message("the weight is f32 [2]"));
  EXPECT_THAT([] { orthogonal(Linear(3, 2, {.dtype = bf16})); }, message("bf16"));
}

TEST(SpectralNorm, IteratesInTrainingOnly) {
  manual_seed(2);
  SpectralNorm<Linear> layer{Linear{4, 5}};
  const auto u = [&] { return layer.get_buffer("parametrizations.weight.0._u").clone(); };
  Tensor before = u();
  layer(ones({1, 4}));
  EXPECT_FALSE(equal(u(), before));
  layer.eval();
  before = u();
  layer(ones({1, 4}));
  EXPECT_TRUE(equal(u(), before));
  layer.train();
  for (int i = 0; i < 50; ++i) layer(ones({1, 4}));
  EXPECT_NEAR(linalg::svdvals(layer.value().detach())[0].item(), 1, 1e-4);
}

TEST(SpectralNorm, LetsALossBeOfTwoCalls) {
  SpectralNorm<Linear> layer{Linear{4, 1}};
  (layer(randn({2, 4})) - layer(randn({2, 4}))).sum().backward();
  EXPECT_TRUE(layer.parameters()[1].grad().defined());
}

struct ConvTranspose9d : Module {
  Parameter weight{rand({2, 3, 4})};
  Tensor forward(const Tensor& x) { return x * weight; }
};

TEST(SpectralNorm, TakesTheOutputChannelsOfTransposedConvolutionsAsRows) {
  const SpectralNorm<ConvTranspose9d> layer{ConvTranspose9d{}};
  EXPECT_EQ(layer.get_buffer("parametrizations.weight.0._u").size(0), 3);
}

TEST(Orthogonal, StaysOrthogonalWhileItIsTrained) {
  for (const auto& [in, out] : {std::pair(6, 4), std::pair(4, 6), std::pair(5, 5)}) {
    Orthogonal<Linear> layer{Linear{in, out, {.dtype = f64}}};
    optim::SGD sgd{layer.parameters(), {.lr = 0.3}};
    const Tensor x = randn({8, in}, f64), target = randn({8, out}, f64);
    for (int i = 0; i < 5; ++i) {
      sgd.zero_grad();
      (layer(x) - target).square().mean().backward();
      sgd.step();
    }
    const Tensor w = layer.value().detach();
    const Tensor gram = in < out ? matmul(w.t(), w) : matmul(w, w.t());
    EXPECT_TRUE(allclose(gram, eye(std::min(in, out), {}, f64), 1e-10, 1e-12));
  }
}

}  // namespace
}  // namespace mica::nn
