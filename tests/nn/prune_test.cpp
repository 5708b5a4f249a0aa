#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <mica/core/error.h>
#include <mica/nn/activation.h>
#include <mica/nn/conv.h>
#include <mica/nn/linear.h>
#include <mica/nn/lint.h>
#include <mica/nn/prune.h>
#include <mica/nn/rebuild.h>
#include <mica/nn/sequential.h>
#include <mica/ops/compare.h>
#include <mica/ops/random.h>
#include <mica/optim/sgd.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

auto message(const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); }

// The layers of tests/golden/nn/prune.py: no two weights have one magnitude.
Pruned<Linear> linear(std::int64_t n, std::int64_t m, DType dtype) {
  Linear layer{m, n, {.dtype = dtype}};
  const std::int64_t count = n * m;
  std::vector<double> weight, bias;
  weight.reserve(static_cast<std::size_t>(count));
  bias.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < count; ++i)
    weight.push_back(static_cast<double>((i * 7 + 3) % count + 1) * 0.1 * (i % 2 == 0 ? 1 : -1));
  for (std::int64_t i = 0; i < n; ++i) bias.push_back(static_cast<double>(i) * 0.5 - 1.25);
  layer.weight.detach().copy_(from_vector(weight, {n, m}));
  layer.bias.detach().copy_(from_vector(bias, {n}));
  return Pruned<Linear>(std::move(layer));
}
Pruned<Conv2d> conv(DType dtype) {
  Conv2d layer{2, 3, 2, {.dtype = dtype}};
  std::vector<double> weight;
  weight.reserve(24);
  for (int i = 0; i < 24; ++i) weight.push_back(((i * 5 + 1) % 24 + 1) * 0.1);
  layer.weight.detach().copy_(from_vector(weight, {3, 2, 2, 2}));
  layer.bias.detach().fill_(0);
  return Pruned<Conv2d>(std::move(layer));
}

Tensor given_mask() {
  return from_vector(std::vector<std::int64_t>{1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0}, {3, 4});
}

using Recipe = std::function<void(const prune::Prunable&)>;

// By the names in the file.
const std::map<std::string, Recipe>& recipes() {
  using L = const prune::Prunable&;
  static const auto ln = [](double n) { return [n](L m) { prune::ln_structured(m, "weight", 0.34, n, 0); }; };
  static const double inf = std::numeric_limits<double>::infinity();
  static const std::map<std::string, Recipe> all{
      {"identity", [](L m) { prune::identity(m, "weight"); }},
      {"l1 fraction", [](L m) { prune::l1_unstructured(m, "weight", 0.3); }},
      {"l1 count", [](L m) { prune::l1_unstructured(m, "weight", 5); }},
      {"l1 nothing", [](L m) { prune::l1_unstructured(m, "weight", 0.0); }},
      {"l1 everything", [](L m) { prune::l1_unstructured(m, "weight", 1.0); }},
      {"l1 thrice",
       [](L m) {
         for (int i = 0; i < 3; ++i) prune::l1_unstructured(m, "weight", 0.3);
       }},
      {"l1 half", [](L m) { prune::l1_unstructured(m, "bias", 0.5); }},
      {"l1 scores",
       [](L m) { prune::l1_unstructured(m, "weight", 0.5, m.member("weight").value().reciprocal()); }},
      {"random", [](L m) { prune::random_unstructured(m, "weight", 0.4); }},
      {"random twice",
       [](L m) {
         prune::random_unstructured(m, "weight", 4);
         prune::random_unstructured(m, "weight", 0.5);
       }},
      {"random structured", [](L m) { prune::random_structured(m, "weight", 0.5, 1); }},
      {"random structured twice",
       [](L m) {
         for (int i = 0; i < 2; ++i) prune::random_structured(m, "weight", 1, -1);
       }},
      {"ln 1", ln(1)},
      {"ln 2", ln(2)},
      {"ln inf", ln(inf)},
      {"ln -inf", ln(-inf)},
      {"ln of planes", [](L m) { prune::ln_structured(m, "weight", 1, 2, 1); }},
      {"ln twice",
       [](L m) {
         prune::ln_structured(m, "weight", 0.4, 2, 0);
         prune::ln_structured(m, "weight", 1, 2, 0);
       }},
      {"ln after l1",
       [](L m) {
         prune::l1_unstructured(m, "weight", 5);
         prune::ln_structured(m, "weight", 1, 2, 0);
       }},
      {"l1 after ln",
       [](L m) {
         prune::ln_structured(m, "weight", 1, 1, 1);
         prune::l1_unstructured(m, "weight", 3);
       }},
      {"mask", [](L m) { prune::custom_from_mask(m, "weight", given_mask()); }},
      {"mask after l1",
       [](L m) {
         prune::l1_unstructured(m, "weight", 4);
         prune::custom_from_mask(m, "weight", given_mask());
       }},
      {"both",
       [](L m) {
         prune::l1_unstructured(m, "weight", 2);
         prune::random_unstructured(m, "bias", 1);
       }},
  };
  return all;
}

void expect_state(const StateDict& state, const nlohmann::json& expected) {
  EXPECT_EQ(state.size(), expected.size());
  for (const auto& [name, values] : expected.items()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(state.contains(name));
    expect_golden(state.at(name), values, 1e-7);
  }
}

TEST(Prune, FollowsPyTorchsMasks) {
  std::size_t found = 0;
  for (const auto& g : golden("prune", "pruned")) {
    const std::string name = g["name"];
    if (name.starts_with("global")) continue;
    SCOPED_TRACE(name);
    ++found;
    const DType dtype = g["dtype"] == "float64" ? f64 : f32;
    const Recipe& recipe = recipes().at(name);
    if (name == "ln of planes" || name == "ln twice") {
      auto layer = conv(dtype);
      manual_seed(9);
      recipe(layer);
      expect_state(layer.state_dict(), g["state"]);
    } else {
      auto layer = linear(3, 4, dtype);
      manual_seed(9);
      recipe(layer);
      expect_state(layer.state_dict(), g["state"]);
    }
  }
  EXPECT_EQ(found, 2 * recipes().size());
}

TEST(Prune, ComparesTheMembersOfAModelAsPyTorch) {
  std::size_t found = 0;
  for (const auto& g : golden("prune", "pruned")) {
    const std::string name = g["name"];
    if (!name.starts_with("global")) continue;
    SCOPED_TRACE(name);
    ++found;
    auto a = linear(3, 4, f64), b = linear(2, 3, f64);
    b.weight.detach().mul_(1.03);
    prune::l1_unstructured(b, "weight", 2);
    manual_seed(9);
    const std::vector<prune::GlobalMember> members{{a}, {b}, {a, "bias"}};
    if (name.ends_with("L1Unstructured"))
      prune::global_unstructured(members, prune::L1Unstructured(0.4));
    else
      prune::global_unstructured(members, prune::RandomUnstructured(7));
    StateDict state;
    state.insert_all("a.", a.state_dict());
    state.insert_all("b.", b.state_dict());
    expect_state(state, g["state"]);
  }
  EXPECT_EQ(found, 2U);
}

TEST(Prune, LayersFollowPyTorch) {
  follow_golden("prune", "pruned linear", [](DType dtype) {
    auto layer = linear(3, 4, dtype);
    prune::l1_unstructured(layer, "weight", 0.5);
    return layer;
  });
  follow_golden("prune", "pruned twice", [](DType dtype) {
    auto layer = linear(3, 4, dtype);
    manual_seed(9);
    prune::random_unstructured(layer, "weight", 3);
    prune::l1_unstructured(layer, "bias", 1);
    return layer;
  });
}

TEST(Prune, PrintsAsPyTorch) {
  Pruned<Linear> fc{Linear{4, 5}};
  prune::l1_unstructured(fc, "weight", 0.5);
  Pruned<Conv2d> planes{Conv2d{1, 2, 3}};
  prune::identity(planes, "weight");
  expect_prints("prune", {{"pruned", fc.to_string()}, {"pruned convolution", planes.to_string()}});
  prune::identity(fc, "bias");
  EXPECT_EQ(fc.to_string(), "Linear(in_features=4, out_features=5, bias=True)");
}

TEST(Prune, TheLayerIsAsItWasUntilThen) {
  Pruned<Linear> layer{Linear{3, 2}};
  EXPECT_TRUE(layer.state_dict().contains("weight"));
  EXPECT_EQ(layer.state_dict().size(), 2U);
  EXPECT_FALSE(prune::is_pruned(layer));
  const Tensor weight = layer.weight;
  prune::l1_unstructured(layer, "weight", 2);
  EXPECT_TRUE(prune::is_pruned(layer));
  EXPECT_TRUE(layer.get_parameter("weight_orig").is_same(weight));
  EXPECT_THAT(layer.pruned, ElementsAre("weight"));
}

TEST(Prune, TrainingLeavesZeros) {
  Pruned<Linear> layer{Linear{4, 3}};
  const Tensor bare = layer.weight;
  optim::SGD sgd{layer.parameters(), {.lr = 0.1}};
  prune::l1_unstructured(layer, "weight", 0.5);
  const Tensor mask = layer.get_buffer("weight_mask").clone();
  for (int i = 0; i < 3; ++i) {
    sgd.zero_grad();
    layer(randn({5, 4})).square().sum().backward();
    sgd.step();
  }
  EXPECT_TRUE(equal(layer.value().ne(0), mask.ne(0)));
  const Tensor value = layer.value().detach().clone();
  prune::remove(layer, "weight");
  EXPECT_TRUE(equal(layer.weight, value));
  EXPECT_TRUE(layer.weight.is_same(bare));  // the optimizer has it
  EXPECT_TRUE(layer.weight.requires_grad());
  EXPECT_FALSE(prune::is_pruned(layer));
  EXPECT_EQ(layer.state_dict().size(), 2U);
}

TEST(Prune, RemovedGivesThePlainLayer) {
  Pruned<Linear> layer{Linear{4, 3}};
  prune::l1_unstructured(layer, "weight", 0.5);
  prune::l1_unstructured(layer, "bias", 1);
  const Tensor x = randn({2, 4});
  const Tensor y = layer(x).detach();
  Linear plain = std::move(layer).remove();
  EXPECT_TRUE(equal(plain(x), y));
  EXPECT_EQ(plain.weight.eq(0).sum().item(), 6);
  EXPECT_EQ(plain.state_dict().size(), 2U);
}

TEST(Prune, AnUnfinishedBackwardSurvivesMorePruning) {
  Pruned<Linear> layer{Linear{4, 3}};
  prune::l1_unstructured(layer, "weight", 3);
  const Tensor y = layer(ones({1, 4}));
  prune::l1_unstructured(layer, "weight", 3);
  y.sum().backward();
  EXPECT_EQ(layer.get_parameter("weight_orig").grad().sum().item(), 9);
}

struct Net : Module {
  int hidden = 4;
  Pruned<Linear> a{Linear{3, hidden}};
  Pruned<Linear> b{Linear{hidden, 2}};
  Tensor forward(const Tensor& x) { return b(relu(a(x))); }
};

TEST(Prune, ModelsAreClonedRebuiltAndLoaded) {
  Net net{.hidden = 5};
  prune::global_unstructured({{net.a}, {net.b}}, prune::L1Unstructured(0.4));
  const Tensor x = randn({2, 3});
  const Tensor y = net(x);
  Net copy = net.clone();
  EXPECT_TRUE(equal(copy(x), y));
  EXPECT_TRUE(prune::is_pruned(copy));
  prune::remove(copy.a, "weight");
  EXPECT_TRUE(net.state_dict().contains("a.weight_orig"));

  auto rebuilt = rebuild<Net>(blueprint(net));
  rebuilt.load_state_dict(net.state_dict());
  EXPECT_TRUE(equal(rebuilt(x), y));
  EXPECT_THAT(rebuilt.a.pruned, ElementsAre("weight"));

  Net plain{.hidden = 5};
  EXPECT_THAT([&] { plain.load_state_dict(net.state_dict()); }, message("a.weight_orig"));
  prune::identity(plain.a, "weight");
  prune::identity(plain.b, "weight");
  plain.load_state_dict(net.state_dict());
  EXPECT_TRUE(equal(plain(x), y));

  Sequential chain{std::move(net.a), ReLU{}};
  Sequential twin = chain.clone();
  EXPECT_TRUE(equal(twin(x), chain(x)));
  EXPECT_TRUE(lint(plain, x).empty()) << lint(plain, x).to_string();
}

TEST(Prune, ConvertsAndKeepsTheValueFromHooks) {
  Pruned<Linear> layer{Linear{3, 2}};
  prune::identity(layer, "weight");
  layer.to(f64);
  EXPECT_EQ(layer.get_buffer("weight_mask").dtype(), f64);
  int calls = 0;
  const auto hook = layer.register_forward_hook([&](Pruned<Linear>& self, Arguments&, Tensor& out) {
    EXPECT_TRUE(self.weight.defined());
    EXPECT_EQ(self.parameters().size(), 2U);
    out = out * 0;
    ++calls;
  });
  EXPECT_EQ(layer(ones({1, 3}, f64)).sum().item(), 0);
  EXPECT_EQ(calls, 1);
  EXPECT_THAT([&] { layer(ones({1, 7}, f64)); }, message("in Linear"));
  EXPECT_FALSE(layer.weight.defined());
}

// Every other element.
class Alternate final : public prune::Method {
 public:
  Kind kind() const override { return Kind::unstructured; }
  Tensor compute_mask(const Tensor&, const Tensor& mask) const override {
    Tensor out = mask.clone();
    out.reshape({-1}).slice(0, {.first = 1, .step = 2}).fill_(0);
    return out;
  }
};
class WrongShape final : public prune::Method {
 public:
  Kind kind() const override { return Kind::global; }
  Tensor compute_mask(const Tensor&, const Tensor&) const override { return ones({1}); }
};

TEST(Prune, TakesMethodsOfYourOwn) {
  Pruned<Linear> layer{Linear{4, 2}};
  prune::apply(layer, "weight", Alternate());
  prune::apply(layer, "weight", Alternate());
  EXPECT_EQ(layer.get_buffer("weight_mask").to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Prune, TeachesWhatDoesNotFit) {
  Pruned<Linear> layer{Linear{4, 2, {.bias = false}}};
  EXPECT_THAT([&] { prune::identity(layer, "wieght"); }, message("no parameter \"wieght\""));
  EXPECT_THAT([&] { prune::identity(layer, "bias"); }, message("this Linear has no bias"));
  EXPECT_THAT([&] { prune::l1_unstructured(layer, "weight", 1.5); }, message("an amount of 1.5"));
  EXPECT_THAT([&] { prune::l1_unstructured(layer, "weight", -1); }, message("an amount of -1"));
  EXPECT_THAT([&] { prune::l1_unstructured(layer, "weight", 9); },
              message("an amount of 9, where there are 8"));
  EXPECT_THAT([&] { prune::ln_structured(layer, "weight", 1, 2, 2); }, message("no dimension 2"));
  EXPECT_THAT([&] { prune::custom_from_mask(layer, "weight", ones({4, 2})); },
              message("the mask has shape [4, 2], the member [2, 4]"));
  EXPECT_THAT([&] { prune::l1_unstructured(layer, "weight", 1, ones({2})); },
              message("importance_scores of shape [2]"));
  EXPECT_THAT([&] { prune::apply(layer, "weight", WrongShape()); }, message("a mask of shape [1]"));
  EXPECT_THAT([&] { prune::remove(layer, "weight"); }, message("weight of this Linear is not pruned"));
  EXPECT_THAT([&] { prune::global_unstructured({{layer}}, prune::LnStructured(1, 2)); },
              message("not unstructured"));
  Pruned<Linear> vector{Linear{4, 2}};
  EXPECT_THAT([&] { prune::random_structured(vector, "bias", 1, 0); }, message("shape [2]"));
  EXPECT_FALSE(prune::is_pruned(layer));  // nothing of that changed it
  EXPECT_EQ(layer.state_dict().size(), 1U);
}

}  // namespace
}  // namespace mica::nn
