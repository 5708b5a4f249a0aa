#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mica/autograd/grad_mode.h>
#include <mica/nn/activation.h>
#include <mica/nn/functional_call.h>
#include <mica/nn/lint.h>
#include <mica/nn/rebuild.h>
#include <mica/nn/recurrent.h>
#include <mica/nn/recurrent_cell.h>
#include <mica/nn/sequential.h>
#include <mica/nn/summary.h>
#include <mica/ops/compare.h>
#include <mica/ops/join.h>
#include <mica/ops/random.h>

#include "golden.h"

namespace mica::nn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Tensors = std::vector<Tensor>;

void append(const Tensor& x, Tensors& out) {
  if (x.defined()) out.push_back(x);
}
void append(const LSTMState& state, Tensors& out) {
  append(state.first, out);
  append(state.second, out);
}

// layer(x), or layer(x, state) if there are more inputs.
template <class Layer, class X> auto call(Layer& layer, const X& x, const Tensors& inputs) {
  if constexpr (std::same_as<Layer, LSTM>)
    return inputs.size() == 1 ? layer(x) : layer(x, LSTMState{inputs.at(1), inputs.at(2)});
  else
    return inputs.size() == 1 ? layer(x) : layer(x, inputs.at(1));
}
constexpr auto padded = [](auto& layer, const Tensors& inputs) {
  const auto [y, state] = call(layer, inputs.at(0), inputs);
  Tensors out{y};
  append(state, out);
  return out;
};
auto packed(std::vector<std::int64_t> lengths, PackOptions options = {}) {
  return [=](auto& layer, const Tensors& inputs) {
    const auto [y, state] = call(layer, pack_padded_sequence(inputs.at(0), lengths, options), inputs);
    Tensors out{pad_packed_sequence(y, {.batch_first = options.batch_first}).first};
    append(state, out);
    return out;
  };
}

template <class Layer, class Options> void expect_family(const std::string& kind) {
  const auto follow = [&](const std::string& variant, auto make, auto call) {
    follow_golden("recurrent", kind + variant, make, call);
  };
  follow("", [](DType) { return Layer(3, 4); }, padded);
  follow(" with state", [](DType t) { return Layer(2, 3, Options{.dtype = t}); }, padded);
  follow(
      " without bias",
      [](DType t) { return Layer(2, 3, Options{.num_layers = 2, .bias = false, .dtype = t}); }, padded);
  const auto all_options = [](DType t) {
    return Layer(
        2, 3,
        Options{.num_layers = 2, .batch_first = true, .dropout = 0.5, .bidirectional = true, .dtype = t});
  };
  follow(" of all options", all_options, padded);
  follow(
      " with dropout",
      [](DType t) { return Layer(2, 3, Options{.num_layers = 3, .dropout = 0.3, .dtype = t}); }, padded);
  follow(" without batch", [](DType t) { return Layer(2, 3, Options{.num_layers = 2, .dtype = t}); }, padded);
  follow(
      " without batch, with state",
      [](DType t) { return Layer(2, 2, Options{.batch_first = true, .bidirectional = true, .dtype = t}); },
      padded);
  follow(
      " of no sequences", [](DType t) { return Layer(2, 3, Options{.bidirectional = true, .dtype = t}); },
      padded);
  follow(" packed", [](DType t) { return Layer(2, 3, Options{.dtype = t}); }, packed({4, 2, 1}));
  follow(" packed, of all options", all_options,
         packed({2, 4, 3}, {.batch_first = true, .enforce_sorted = false}));
}

TEST(RNN, FollowsPyTorch) {
  expect_family<RNN, RNNOptions>("RNN");
  follow_golden(
      "recurrent", "RNN relu",
      [](DType t) { return RNN(3, 4, {.num_layers = 2, .nonlinearity = Nonlinearity::relu, .dtype = t}); },
      padded);
  follow_golden(
      "recurrent", "RNN relu packed",
      [](DType t) {
        return RNN(2, 3, {.nonlinearity = Nonlinearity::relu, .bidirectional = true, .dtype = t});
      },
      packed({1, 3}, {.enforce_sorted = false}));
}

TEST(GRU, FollowsPyTorch) { expect_family<GRU, GRUOptions>("GRU"); }

TEST(LSTM, FollowsPyTorch) {
  expect_family<LSTM, LSTMOptions>("LSTM");
  follow_golden("recurrent", "LSTM projected", [](DType) { return LSTM(3, 4, {.proj_size = 2}); }, padded);
  follow_golden(
      "recurrent", "LSTM projected, of all options",
      [](DType t) {
        return LSTM(2, 3,
                    {.num_layers = 2,
                     .batch_first = true,
                     .dropout = 0.5,
                     .bidirectional = true,
                     .proj_size = 2,
                     .dtype = t});
      },
      padded);
  follow_golden(
      "recurrent", "LSTM projected, packed",
      [](DType t) { return LSTM(2, 3, {.bias = false, .bidirectional = true, .proj_size = 1, .dtype = t}); },
      packed({4, 4, 2}));
  follow_golden(
      "recurrent", "LSTM projected, without batch",
      [](DType t) { return LSTM(2, 3, {.proj_size = 2, .dtype = t}); }, padded);
}

// The cells' cases, for any of the three.
constexpr auto cell_call = [](auto& cell, const Tensors& inputs) {
  Tensors out;
  if constexpr (std::same_as<std::remove_cvref_t<decltype(cell)>, LSTMCell>)
    append(inputs.size() == 1 ? cell(inputs[0]) : cell(inputs[0], LSTMState{inputs[1], inputs[2]}), out);
  else
    append(inputs.size() == 1 ? cell(inputs[0]) : cell(inputs[0], inputs[1]), out);
  return out;
};
template <class Cell, class Options> void expect_cells(const std::string& kind) {
  follow_golden("recurrent", kind, [](DType) { return Cell(3, 4); }, cell_call);
  for (const char* variant : {" with state", " without batch", " of no rows"})
    follow_golden(
        "recurrent", kind + variant, [](DType t) { return Cell(3, 2, Options{.dtype = t}); }, cell_call);
  follow_golden(
      "recurrent", kind + " without bias",
      [](DType t) { return Cell(3, 2, Options{.bias = false, .dtype = t}); }, cell_call);
}

TEST(RecurrentCells, FollowPyTorch) {
  expect_cells<RNNCell, RNNCellOptions>("RNNCell");
  expect_cells<LSTMCell, RecurrentCellOptions>("LSTMCell");
  expect_cells<GRUCell, RecurrentCellOptions>("GRUCell");
  follow_golden(
      "recurrent", "RNNCell relu",
      [](DType t) { return RNNCell(3, 5, {.nonlinearity = Nonlinearity::relu, .dtype = t}); }, cell_call);
}

TEST(Recurrent, PrintsAsPyTorch) {
  expect_prints(
      "recurrent",
      {{"RNN", RNN(3, 4).to_string()},
       {"RNN relu",
        RNN(3, 4, {.num_layers = 2, .nonlinearity = Nonlinearity::relu, .bias = false}).to_string()},
       {"LSTM", LSTM(10, 20,
                     {.num_layers = 2,
                      .bias = false,
                      .batch_first = true,
                      .dropout = 0.25,
                      .bidirectional = true,
                      .proj_size = 5})
                    .to_string()},
       {"GRU", GRU(3, 4, {.batch_first = true}).to_string()},
       {"RNNCell", RNNCell(3, 4).to_string()},
       {"RNNCell relu", RNNCell(3, 4, {.bias = false, .nonlinearity = Nonlinearity::relu}).to_string()},
       {"LSTMCell", LSTMCell(3, 4, {.bias = false}).to_string()},
       {"GRUCell", GRUCell(3, 4).to_string()},
       {"inside", Sequential{Sequential{LSTM(2, 3)}, ReLU{}}.to_string()}});
}

struct Tagger : Module {
  std::int64_t hidden = 4;
  LSTM lstm{3, hidden, {.num_layers = 2, .bidirectional = true, .proj_size = 2}};
  Tensor forward(const Tensor& x) { return lstm(x).first; }
};

TEST(Recurrent, ParametersHavePyTorchsNamesInItsOrder) {
  Tagger model;
  std::vector<std::string> names;
  for (const auto& [name, parameter] : model.named_parameters()) names.push_back(name);
  EXPECT_THAT(names,
              ElementsAre("lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0",
                          "lstm.weight_hr_l0", "lstm.weight_ih_l0_reverse", "lstm.weight_hh_l0_reverse",
                          "lstm.bias_ih_l0_reverse", "lstm.bias_hh_l0_reverse", "lstm.weight_hr_l0_reverse",
                          "lstm.weight_ih_l1", "lstm.weight_hh_l1", "lstm.bias_ih_l1", "lstm.bias_hh_l1",
                          "lstm.weight_hr_l1", "lstm.weight_ih_l1_reverse", "lstm.weight_hh_l1_reverse",
                          "lstm.bias_ih_l1_reverse", "lstm.bias_hh_l1_reverse", "lstm.weight_hr_l1_reverse"));
  EXPECT_EQ(model.lstm.children().size(), 0U);
  EXPECT_EQ(model.modules().size(), 2U);
  EXPECT_EQ(model.get_parameter("lstm.weight_ih_l1").sizes(), (Shape{16, 4}));
  EXPECT_TRUE(model.lstm.weights["weight_hr_l0"].is_same(model.get_parameter("lstm.weight_hr_l0")));
  EXPECT_THAT([&] { static_cast<void>(model.lstm.weights["weight_hr_l9"]); },
              ThrowsMessage<Error>(HasSubstr("did you mean \"weight_hr_l")));
}

TEST(Recurrent, IsClonedRebuiltLoadedAndConverted) {
  Tagger model{.hidden = 5};
  const Tensor x = randn({3, 2, 3});
  const Tensor y = model(x);
  Tagger copy = model.clone();
  EXPECT_TRUE(equal(copy(x), y));
  EXPECT_FALSE(copy.lstm.weights["weight_ih_l0"].shares_storage(model.lstm.weights["weight_ih_l0"]));

  Tagger same = rebuild<Tagger>(blueprint(model));
  EXPECT_EQ(same.hidden, 5);
  EXPECT_FALSE(equal(same(x), y));
  EXPECT_TRUE(same.load_state_dict(model.state_dict()).missing.empty());
  EXPECT_TRUE(equal(same(x), y));

  Tagger moved = std::move(same);
  EXPECT_TRUE(equal(moved(x), y));
  moved.to(f64);
  EXPECT_TRUE(allclose(moved(x.to(f64)).to(f32), y, 1e-4, 1e-5));
  EXPECT_EQ(lint(moved).to_string().find("weight_ih"), std::string::npos);
  moved.requires_grad_(false);
  EXPECT_FALSE(moved(x.to(f64)).requires_grad());
  EXPECT_TRUE(equal(functional_call(moved, model.state_dict(), x), y));
}

TEST(Recurrent, GoesOnWhereItStopped) {
  const NoGrad no_grad;
  const Tensor x = randn({5, 2, 3});
  LSTM lstm(3, 4, {.num_layers = 2});
  const auto [all, last] = lstm(x);
  auto [first, state] = lstm(x.narrow(0, 0, 2));
  auto [second, after] = lstm(x.narrow(0, 2, 3), state);
  EXPECT_TRUE(allclose(cat({first, second}), all, 1e-5, 1e-6));
  EXPECT_TRUE(allclose(after.second, last.second, 1e-5, 1e-6));
}

TEST(Recurrent, CellsWalkWhatLayersDo) {
  const NoGrad no_grad;
  const Tensor x = randn({4, 2, 3});
  LSTM layer(3, 5);
  LSTMCell cell(3, 5);
  const std::pair<const char*, Parameter*> names[] = {{"weight_ih_l0", &cell.weight_ih},
                                                      {"weight_hh_l0", &cell.weight_hh},
                                                      {"bias_ih_l0", &cell.bias_ih},
                                                      {"bias_hh_l0", &cell.bias_hh}};
  for (const auto& [name, parameter] : names) parameter->copy_(layer.weights[name]);
  LSTMState state;
  for (std::int64_t t = 0; t < 4; ++t) state = cell(x[t], state);
  const auto [y, expected] = layer(x);
  EXPECT_TRUE(allclose(state.first, y[3], 1e-5, 1e-6));
  EXPECT_TRUE(allclose(state.second, expected.second[0], 1e-5, 1e-6));
}

TEST(Recurrent, APackedBatchGivesEachSequenceItsOwnResult) {
  GRU gru(3, 4, {.num_layers = 2, .bidirectional = true});
  const std::array sequences{randn({2, 3}), randn({5, 3}), randn({1, 3})};
  const auto [y, h] = gru(pack_sequence(sequences, false));
  const auto each = unpack_sequence(y);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto [alone, h_alone] = gru(sequences[i]);
    EXPECT_TRUE(allclose(each[i], alone, 1e-5, 1e-6)) << i;
    EXPECT_TRUE(allclose(h.select(1, static_cast<std::int64_t>(i)), h_alone, 1e-5, 1e-6)) << i;
  }
}

TEST(Recurrent, ComputesInNarrowFloats) {
  LSTM lstm(3, 4, {.num_layers = 2, .dtype = f32});
  const Tensor x = randn({3, 2, 3});
  const Tensor expected = lstm(x).first;
  lstm.to(bf16);
  const auto [y, state] = lstm(x.to(bf16));
  EXPECT_EQ(y.dtype(), bf16);
  EXPECT_EQ(state.second.dtype(), bf16);
  EXPECT_TRUE(allclose(y.to(f32), expected, 0.05, 0.02));
  EXPECT_EQ(lstm(pack_padded_sequence(x.to(bf16), {3, 2})).first.data.dtype(), bf16);
}

TEST(Recurrent, SummaryCountsProducts) {
  Tagger model;
  const Summary s = summary(model, randn({3, 2, 3}));
  for (const Summary::Row& row : s.rows) {
    if (row.path != "lstm") continue;
    // 2 directions of 4 gates of 4 units and a projection to 2, for 6 rows
    EXPECT_EQ(row.flops, 2 * 6 * 2 * ((16 * 3 + 16 * 2 + 2 * 4) + (16 * 4 + 16 * 2 + 2 * 4)));
    EXPECT_THAT(row.output, ElementsAre(Shape{3, 2, 4}, Shape{4, 2, 2}, Shape{4, 2, 4}));
  }
  struct Steps : Module {
    GRUCell cell{3, 4};
    Tensor forward(const Tensor& x) { return cell(x, cell(x)); }
  } steps;
  EXPECT_EQ(summary(steps, randn({5, 3})).flops, 2 * 2 * 5 * 12 * (3 + 4));
}

TEST(Recurrent, HooksSeeCallsAndGradients) {
  LSTM lstm(3, 4);
  int calls = 0;
  const auto tap = lstm.register_forward_hook([&](LSTM&, Arguments& args, Value& result) {
    ++calls;
    if (auto* padded = result.get_if<std::pair<Tensor, LSTMState>>()) padded->first = padded->first * 0;
    EXPECT_GE(args.size(), 1U);
  });
  EXPECT_EQ(lstm(randn({2, 2, 3})).first.abs().sum().item(), 0);
  lstm(pack_sequence(std::array{randn({2, 3})}));
  EXPECT_EQ(calls, 2);
  Shape seen;
  const auto back = lstm.register_full_backward_hook(
      [&](LSTM&, const Gradients&, const Gradients& grad_output) { seen = grad_output.at(0).sizes(); });
  lstm(randn({2, 2, 3})).first.sum().backward();
  EXPECT_EQ(seen, (Shape{2, 2, 4}));
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
  const auto message = [](const char* text) { return ThrowsMessage<Error>(HasSubstr(text)); };
  EXPECT_THAT([] { LSTM(3, 0); }, message("hidden_size 0"));
  EXPECT_THAT([] { RNN(-1, 2); }, message("input_size -1"));
  EXPECT_THAT([] { GRU(3, 2, {.num_layers = 0}); }, message("num_layers 0"));
  EXPECT_THAT([] { LSTM(3, 2, {.dropout = 1.5}); }, message("dropout 1.5"));
  EXPECT_THAT([] { LSTM(3, 2, {.proj_size = 2}); }, message("proj_size 2, hidden_size 2"));
  EXPECT_THAT([] { GRUCell(3, 0); }, message("hidden_size 0"));

  LSTM lstm(3, 4, {.num_layers = 2, .batch_first = true});
  EXPECT_THAT([&] { lstm(ones({3})); }, message("expected 2 or 3 dimensions, got shape [3]"));
  EXPECT_THAT([&] { lstm(ones({2, 2, 2, 3})); }, message("(batch, time, features)"));
  EXPECT_THAT([&] { lstm(ones({2, 2, 5})); }, message("has 5 features, expected 3"));
  EXPECT_THAT([&] { lstm(ones({2, 2, 5})); }, message("in LSTM"));
  EXPECT_THAT([&] { lstm(ones({2, 0, 3})); }, message("has no step"));
  const Tensor c = ones({2, 5, 4});
  EXPECT_THAT([&] { lstm(ones({5, 2, 3}), LSTMState{ones({2, 4}), c}); },
              message("the initial h has shape [2, 4], expected [2, 5, 4]"));
  EXPECT_THAT([&] { lstm(ones({2, 3}), LSTMState{ones({2, 1, 4}), {}}); },
              message("the initial h has shape [2, 1, 4], expected [2, 4]"));
  EXPECT_THAT([&] { lstm(ones({4, 2, 3}), LSTMState{{}, c}); },
              message("the initial c has shape [2, 5, 4], expected [2, 4, 4]"));
  EXPECT_THAT([&] { lstm(ones({4, 2, 3}, f64)); }, message("expected f64"));
  EXPECT_THAT([&] { lstm(pack_sequence(std::array{ones({2, 5})})); }, message("with 5 features, expected 3"));
  EXPECT_THAT([&] { lstm(pack_sequence(std::array{ones({2, 3})}), LSTMState{{}, c}); },
              message("expected [2, 1, 4]"));
  EXPECT_THAT([&] { lstm(PackedSequence{}); }, message("an empty PackedSequence"));

  LSTMCell cell(3, 4);
  EXPECT_THAT([&] { cell(ones({1, 2, 3})); }, message("expected 1 or 2 dimensions"));
  EXPECT_THAT([&] { cell(ones({2, 5})); }, message("has 5 features, expected 3"));
  EXPECT_THAT([&] { cell(ones({2, 3}), LSTMState{{}, ones({3, 4})}); },
              message("c has shape [3, 4], expected [2, 4]"));
  EXPECT_THAT([&] { cell(ones({3}), LSTMState{ones({1, 4}), {}}); }, message("in LSTMCell"));
}

}  // namespace
}  // namespace mica::nn
