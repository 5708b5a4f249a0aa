// print(model) of PyTorch, character by character.
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/nn/nn.h>

#include "golden.h"

namespace mica::nn {
namespace {

struct Block : Module {
  int dim = 4;
  Linear fc{dim, dim};
  LayerNorm norm{dim};
  Dropout drop{0.1};
};

// std::map sorts by name, as the golden model's ModuleDict happens to be.
struct Net : Module {
  int width = 4;
  double rate = 0.5;
  bool wide = true;
  std::string label = "a net";
  Linear stem{8, width};
  std::vector<Block> blocks = repeat(5, [i = 0]() mutable { return Block{.dim = i++ == 3 ? 6 : 4}; });
  std::map<std::string, AnyModule> heads{};
  std::vector<Linear> none{};
  std::vector<AnyModule> mixed{};
  std::vector<std::vector<ReLU>> nested{};
};

Net make_net() {
  Net net;
  net.heads.emplace("aux", Linear{4, 1});
  net.heads.emplace("main", Sequential{Linear{4, 2}, ReLU{}});
  net.mixed.emplace_back(ReLU{});
  net.mixed.emplace_back(ReLU{});
  net.mixed.emplace_back(Sequential{});
  net.mixed.emplace_back(Tanh{});
  for (int i = 0; i < 2; ++i) net.nested.push_back(repeat(2, [] { return ReLU{}; }));
  return net;
}

struct Leaf : Module {
  double scale = 2, tiny = 1e-5, large = 1e16;
  int count = -3;
  bool on = false;
};

TEST(Print, IsPyTorchsForEveryModel) {
  std::map<std::string, std::string> texts;
  const auto check = [&](const std::string& name, const auto& module) { texts[name] = module.to_string(); };
  check("net", make_net());
  check("leaf", Leaf{});
  check("linear", Linear{4, 5});
  check("linear without bias", Linear{4, 5, {.bias = false}});
  check("identity", Identity{});
  check("conv", Conv2d{1, 2, 3});
  check("conv of all options",
        Conv2d{4,
               6,
               {3, 1},
               {.stride = {1, 2}, .padding = {0, 1}, .dilation = {2, 3}, .groups = 2, .bias = false}});
  check("conv padded", Conv2d{4, 6, 5, {.padding = 2}});
  check("batch norm 1d", BatchNorm1d{3});
  check("batch norm 1d of all options",
        BatchNorm1d{3,
                    {.eps = 0.001, .momentum = std::nullopt, .affine = false, .track_running_stats = false}});
  check("batch norm 2d", BatchNorm2d{3, {.momentum = 1}});
  check("layer norm", LayerNorm{6});
  check("layer norm of planes", LayerNorm{{3, 4}, {.eps = 1, .elementwise_affine = false}});
  check("max pool", MaxPool2d{2});
  check("max pool of all options",
        MaxPool2d{{3, 2}, {.stride = {{2, 1}}, .padding = {1, 0}, .dilation = {1, 2}, .ceil_mode = true}});
  check("avg pool", AvgPool2d{3, {.padding = 1}});
  check("avg pool of all options",
        AvgPool2d{{3, 2},
                  {.stride = {{2, 1}}, .padding = {1, 0}, .ceil_mode = true, .count_include_pad = false}});
  check("relu", ReLU{});
  check("sigmoid", Sigmoid{});
  check("tanh", Tanh{});
  check("gelu", GELU{});
  check("gelu tanh", GELU{.approximate = Gelu::tanh});
  check("dropout", Dropout{});
  check("dropout 0.25", Dropout{0.25});
  check("embedding", Embedding{10, 3});
  check("embedding with padding", Embedding{10, 3, {.padding_idx = -1}});
  check("flatten", Flatten{});
  check("flatten some", Flatten{.start_dim = 0, .end_dim = 2});
  check("empty sequential", Sequential{});
  check("sequential", Sequential{Conv2d{1, 2, 3}, ReLU{}, Sequential{Flatten{}, Linear{4, 2}}});
  expect_prints("models", texts);
}

TEST(Print, GoesToStreams) {
  std::ostringstream out;
  out << Linear{1, 2} << '\n' << ReLU{};
  EXPECT_EQ(out.str(), "Linear(in_features=1, out_features=2, bias=True)\nReLU()");
}

TEST(Print, UsesTheModulesOwnWordsIfItHasAny) {
  struct Own : Module {
    int hidden = 3;
    Linear fc{1, 1};
    std::string extra_repr() const { return "own words"; }
  };
  EXPECT_EQ(Own{}.to_string(),
            "Own(\n  own words\n  (fc): Linear(in_features=1, out_features=1, bias=True)\n)");
}

}  // namespace
}  // namespace mica::nn
