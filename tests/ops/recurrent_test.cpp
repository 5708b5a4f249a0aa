#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <mica/autograd/engine.h>
#include <mica/autograd/grad_mode.h>
#include <mica/core/error.h>
#include <mica/core/random.h>
#include <mica/ops/compare.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/random.h>
#include <mica/ops/recurrent.h>
#include <mica/ops/recurrent_layer.h>
#include <mica/ops/special.h>

#include "table.h"

namespace mica {
namespace {

using golden::Args;
using gradients::Case;
using gradients::Input;
using gradients::Inputs;
using ops::Cell;
using ops::Direction;
using ops::Steps;

// The weights that follow x, h and c, as golden/ops/recurrent.py has them.
std::vector<RecurrentWeights> weights_of(Inputs x, bool bias, bool projects) {
  std::vector<RecurrentWeights> out;
  const auto rest = x.subspan(3);
  const std::size_t each = 2 + (bias ? 2 : 0) + (projects ? 1 : 0);
  for (std::size_t i = 0; i < rest.size(); i += each) {
    out.push_back({.w_ih = rest[i], .w_hh = rest[i + 1]});
    if (bias) out.back().b_ih = rest[i + 2], out.back().b_hh = rest[i + 3];
    if (projects) out.back().w_hr = rest[i + each - 1];
  }
  return out;
}

template <class Run> std::vector<Tensor> run_golden(Inputs x, const Args& a, const Run& run) {
  const auto weights = weights_of(x, !a.has("bias") || a.flag("bias"), a.has("projection"));
  const RecurrentOptions options{.batch_first = a.flag("batch_first"),
                                 .bidirectional = a.flag("bidirectional")};
  if (!a.has("batch_sizes")) return run(x[0], LSTMState{x[1], x[2]}, weights, options);
  const Shape sizes = a.shape("batch_sizes");
  const PackedSequence packed{x[0], from_vector(std::vector<std::int64_t>(sizes.begin(), sizes.end()))};
  return run(packed, LSTMState{x[1], x[2]}, weights, options);
}
const Tensor& data_of(const Tensor& x) { return x; }
const Tensor& data_of(const PackedSequence& x) { return x.data; }

const golden::Operation run_lstm = [](Inputs x, const Args& a) {
  return run_golden(x, a,
                    [](const auto& x, const LSTMState& state, const auto& weights, const auto& options) {
                      const auto [y, after] = lstm(x, state, weights, options);
                      return std::vector{data_of(y), after.first, after.second};
                    });
};
template <auto padded, auto packed>
const golden::Operation run_one = [](Inputs x, const Args& a) {
  return run_golden(x, a,
                    [](const auto& x, const LSTMState& state, const auto& weights, const auto& options) {
                      if constexpr (requires { x.batch_sizes; }) {
                        const auto [y, h] = packed(x, state.first, weights, options);
                        return std::vector{y.data, h};
                      } else {
                        const auto [y, h] = padded(x, state.first, weights, options);
                        return std::vector{y, h};
                      }
                    });
};
using Weights = std::span<const RecurrentWeights>;
using Padded = std::pair<Tensor, Tensor> (*)(const Tensor&, const Tensor&, Weights, const RecurrentOptions&);
using Packed = std::pair<PackedSequence, Tensor> (*)(const PackedSequence&, const Tensor&, Weights,
                                                     const RecurrentOptions&);
const auto run_gru = run_one<static_cast<Padded>(&gru), static_cast<Packed>(&gru)>;
const auto run_tanh = run_one<static_cast<Padded>(&rnn_tanh), static_cast<Packed>(&rnn_tanh)>;
const auto run_relu = run_one<static_cast<Padded>(&rnn_relu), static_cast<Packed>(&rnn_relu)>;

using CellFunction = Tensor (*)(const Tensor&, const Tensor&, const RecurrentWeights&);
golden::Operation run_cell(CellFunction fn) {
  return [fn](Inputs x, const Args& a) {
    return std::vector{fn(x[0], x[1], weights_of(x, !a.has("bias") || a.flag("bias"), false)[0])};
  };
}
const golden::Operation run_lstm_cell = [](Inputs x, const Args& a) {
  const auto [h, c] =
      lstm_cell(x[0], {x[1], x[2]}, weights_of(x, !a.has("bias") || a.flag("bias"), false)[0]);
  return std::vector{h, c};
};

// ---- gradients ----

// Inputs for weights of `layers` layers in so many directions.
std::vector<Input> inputs_for(std::int64_t gates, Shape x, std::int64_t hidden, std::int64_t batch,
                              std::int64_t layers, std::int64_t directions, bool bias,
                              std::int64_t projection = 0) {
  const std::int64_t out = projection == 0 ? hidden : projection;
  std::vector<Input> in{
      {x, -1, 1}, {{layers * directions, batch, out}, -1, 1}, {{layers * directions, batch, hidden}, -1, 1}};
  for (std::int64_t i = 0; i < layers * directions; ++i) {
    const std::int64_t features = i < directions ? x.back() : directions * out;
    in.push_back({{gates * hidden, features}, -1, 1});
    in.push_back({{gates * hidden, out}, -1, 1});
    if (bias) in.insert(in.end(), 2, {{gates * hidden}, -1, 1});
    if (projection != 0) in.push_back({{projection, hidden}, -1, 1});
  }
  return in;
}

// Everything that comes out, in one tensor.
template <class Y> Tensor joined(const std::pair<Y, LSTMState>& result) {
  const auto& [h, c] = result.second;
  return cat({data_of(result.first).flatten(), h.flatten(), c.flatten()});
}
template <class Y> Tensor joined(const std::pair<Y, Tensor>& result) {
  return cat({data_of(result.first).flatten(), result.second.flatten()});
}

const Tensor two_then_one = tensor({2, 2, 1});
const std::vector<Case> lstm_cases{
    {"Lstm", [](Inputs x) { return joined(lstm(x[0], {x[1], x[2]}, weights_of(x, true, false))); },
     inputs_for(4, {2, 2, 2}, 2, 2, 1, 1, true)},
    {"LstmDeepBothWays",
     [](Inputs x) {
       return joined(lstm(x[0], {x[1], x[2]}, weights_of(x, false, false),
                          {.batch_first = true, .bidirectional = true}));
     },
     inputs_for(4, {1, 2, 2}, 1, 1, 2, 2, false)},
    {"LstmProjected", [](Inputs x) { return joined(lstm(x[0], {x[1], x[2]}, weights_of(x, true, true))); },
     inputs_for(4, {2, 1, 1}, 2, 1, 1, 1, true, 1)},
    {"LstmPacked",
     [](Inputs x) {
       return joined(lstm(PackedSequence{x[0], two_then_one}, {x[1], x[2]}, weights_of(x, false, false),
                          {.bidirectional = true}));
     },
     inputs_for(4, {5, 1}, 1, 2, 1, 2, false)},
    {"LstmNoRows", [](Inputs x) { return joined(lstm(x[0], {x[1], x[2]}, weights_of(x, true, false))); },
     inputs_for(4, {2, 0, 2}, 2, 0, 1, 1, true)},
    {"LstmOfItself",  // the input and the weights are one tensor
     [](Inputs x) {
       const Tensor y = x[0].reshape({1, 4, 1});
       return joined(lstm(
           y, {}, std::array{RecurrentWeights{.w_ih = x[0].reshape({4, 1}), .w_hh = x[0].reshape({4, 1})}}));
     },
     {{{4}, -1, 1}}},
};
template <class Fn> std::vector<Case> simple_cases(const std::string& name, std::int64_t gates, Fn fn) {
  return {
      {name, [=](Inputs x) { return joined(fn(x[0], x[1], weights_of(x, true, false), {})); },
       inputs_for(gates, {2, 2, 2}, 2, 2, 1, 1, true)},
      {name + "DeepBothWays",
       [=](Inputs x) {
         return joined(
             fn(x[0], x[1], weights_of(x, false, false), {.batch_first = true, .bidirectional = true}));
       },
       inputs_for(gates, {1, 2, 2}, 1, 1, 2, 2, false)},
      {name + "Packed",
       [=](Inputs x) {
         return joined(fn(PackedSequence{x[0], two_then_one}, x[1], weights_of(x, true, false),
                          {.bidirectional = true}));
       },
       inputs_for(gates, {5, 1}, 1, 2, 1, 2, true)},
  };
}
constexpr auto call_gru = [](const auto& x, const Tensor& h, Weights w, const RecurrentOptions& o) {
  return gru(x, h, w, o);
};
constexpr auto call_tanh = [](const auto& x, const Tensor& h, Weights w, const RecurrentOptions& o) {
  return rnn_tanh(x, h, w, o);
};
constexpr auto call_relu = [](const auto& x, const Tensor& h, Weights w, const RecurrentOptions& o) {
  return rnn_relu(x, h, w, o);
};

Case cell_case(const std::string& name, std::int64_t gates, CellFunction fn) {
  return {name, [=](Inputs x) { return fn(x[0], x[1][0], weights_of(x, true, false)[0]); },
          inputs_for(gates, {2, 2}, 2, 2, 1, 1, true)};
}

// ---- refusals ----

RecurrentWeights some_weights(std::int64_t gates, std::int64_t in = 3, std::int64_t hidden = 2) {
  return {ones({gates * hidden, in}), ones({gates * hidden, hidden}), ones(gates * hidden),
          ones(gates * hidden)};
}
template <class Fn> std::vector<table::Refusal> refusals_of(std::int64_t gates, Fn call) {
  const auto w = some_weights(gates);
  const auto with = [w](auto change) {
    RecurrentWeights changed = w;
    change(changed);
    return changed;
  };
  const Tensor x = ones({2, 2, 3});
  return {
      {[=] { call(ones({2, 3}), Tensor(), std::vector{w}, {}); }, "expected (time, batch, features)"},
      {[=] { call(ones({2, 3}), Tensor(), std::vector{w}, {.batch_first = true}); },
       "expected (batch, time, features)"},
      {[=] { call(ones({2, 2, 3}, i64), Tensor(), std::vector{w}, {}); }, "i64"},
      {[=] { call(ones({0, 2, 3}), Tensor(), std::vector{w}, {}); }, "has no step"},
      {[=] { call(x, Tensor(), std::vector<RecurrentWeights>{}, {}); }, "0 entries of weights"},
      {[=] { call(x, Tensor(), std::vector{w}, {.bidirectional = true}); }, "two if bidirectional"},
      {[=] { call(x, Tensor(), std::vector{w}, {.dropout = 2}); }, "dropout 2"},
      {[=] { call(ones({2, 2, 4}), Tensor(), std::vector{w}, {}); }, "w_ih is f32"},
      {[=] { call(x, ones({1, 2, 3}), std::vector{w}, {}); },
       "the initial h is f32 [1, 2, 3], expected f32 [1, 2, 2]"},
      {[=] { call(x, ones({1, 2, 2}, f64), std::vector{w}, {}); }, "the initial h is f64"},
      {[=] { call(x, Tensor(), std::vector{with([](auto& w) { w.b_hh = {}; })}, {}); }, "give both or none"},
      {[=] { call(x, Tensor(), std::vector{with([](auto& w) { w.b_hh = ones(1); })}, {}); },
       "b_hh is f32 [1]"},
      {[=] { call(x, Tensor(), std::vector{with([](auto& w) { w.w_ih = {}; })}, {}); }, "undefined"},
      {[=] { call(x, Tensor(), std::vector{with([](auto& w) { w.w_hh = w.w_hh.to(f64); })}, {}); },
       "w_hh is f64"},
      {[=] { call(x, Tensor(), std::vector{w, some_weights(gates, 2, 3)}, {}); }, "layers of 2 and 3 units"},
      {[=] { call(PackedSequence{}, Tensor(), std::vector{w}, {}); }, "an empty PackedSequence"},
      {[=] { call(PackedSequence{ones({3, 3}), tensor({1, 2})}, Tensor(), std::vector{w}, {}); },
       "never increase"},
      {[=] { call(PackedSequence{ones({3, 3}), tensor({2, 2})}, Tensor(), std::vector{w}, {}); },
       "for 4 rows"},
  };
}
constexpr auto call_lstm = [](const auto& x, const Tensor& h, Weights w, const RecurrentOptions& o) {
  return lstm(x, {h, {}}, w, o);
};
std::vector<table::Refusal> lstm_refusals() {
  auto all = refusals_of(4, call_lstm);
  const Tensor x = ones({2, 2, 3});
  all.push_back({[=] { lstm(x, {{}, ones({1, 3, 2})}, std::array{some_weights(4)}); },
                 "the initial c is f32 [1, 3, 2]"});
  all.push_back({[=] {
                   auto w = some_weights(4);
                   w.w_hr = ones({2, 3});
                   lstm(x, {}, std::array{w});
                 },
                 "w_hr is f32 [2, 3], expected f32 [2, 2]"});
  return all;
}
std::vector<table::Refusal> gru_refusals() {
  auto all = refusals_of(3, call_gru);
  all.push_back({[] {
                   auto w = some_weights(3);
                   w.w_hr = ones({2, 2});
                   gru(ones({2, 2, 3}), {}, std::array{w});
                 },
                 "only an LSTM projects"});
  return all;
}
std::vector<table::Refusal> cell_refusals(std::int64_t gates, CellFunction fn) {
  const auto w = some_weights(gates);
  return {{[=] { fn(ones({1, 2, 3}), {}, w); }, "expected (batch, features) or (features)"},
          {[=] { fn(ones({2, 3}), ones(2), w); }, "h of shape [2] for an input of shape [2, 3]"},
          {[=] { fn(ones({2, 3}), ones({3, 2}), w); }, "expected f32 [1, 2, 2]"},
          {[=] { fn(ones({2, 4}), {}, w); }, "w_ih"}};
}
const CellFunction h_of_lstm_cell = [](const Tensor& x, const Tensor& h, const RecurrentWeights& w) {
  return lstm_cell(x, {h, {}}, w).first;
};
std::vector<table::Refusal> lstm_cell_refusals() {
  auto all = cell_refusals(4, h_of_lstm_cell);
  all.push_back({[] {
                   auto w = some_weights(4);
                   w.w_hr = ones({2, 2});
                   lstm_cell(ones({1, 3}), {}, w);
                 },
                 "a cell does not project"});
  return all;
}

const table::Rows rows("recurrent", {
                                        {.name = "lstm",
                                         .golden = {{"lstm", run_lstm}},
                                         .gradients = lstm_cases,
                                         .refusals = lstm_refusals()},
                                        {.name = "gru",
                                         .golden = {{"gru", run_gru}},
                                         .gradients = simple_cases("Gru", 3, call_gru),
                                         .refusals = gru_refusals()},
                                        {.name = "rnn_tanh",
                                         .golden = {{"rnn_tanh", run_tanh}},
                                         .gradients = simple_cases("RnnTanh", 1, call_tanh),
                                         .refusals = refusals_of(1, call_tanh)},
                                        {.name = "rnn_relu",
                                         .golden = {{"rnn_relu", run_relu}},
                                         .gradients = simple_cases("RnnRelu", 1, call_relu),
                                         .refusals = refusals_of(1, call_relu)},
                                        {.name = "lstm_cell",
                                         .golden = {{"lstm_cell", run_lstm_cell}},
                                         .gradients = {{"LstmCell",
                                                        [](Inputs x) {
                                                          const auto [h, c] =
                                                              lstm_cell(x[0], {x[1][0], x[2][0]},
                                                                        weights_of(x, true, false)[0]);
                                                          return cat({h, c}, 1);
                                                        },
                                                        inputs_for(4, {2, 2}, 2, 2, 1, 1, true)}},
                                         .refusals = lstm_cell_refusals()},
                                        {.name = "gru_cell",
                                         .golden = {{"gru_cell", run_cell(&gru_cell)}},
                                         .gradients = {cell_case("GruCell", 3, &gru_cell)},
                                         .refusals = cell_refusals(3, &gru_cell)},
                                        {.name = "rnn_tanh_cell",
                                         .golden = {{"rnn_tanh_cell", run_cell(&rnn_tanh_cell)}},
                                         .gradients = {cell_case("RnnTanhCell", 1, &rnn_tanh_cell)},
                                         .refusals = cell_refusals(1, &rnn_tanh_cell)},
                                        {.name = "rnn_relu_cell",
                                         .golden = {{"rnn_relu_cell", run_cell(&rnn_relu_cell)}},
                                         .gradients = {cell_case("RnnReluCell", 1, &rnn_relu_cell)},
                                         .refusals = cell_refusals(1, &rnn_relu_cell)},
                                    });

// ---- the fused layer against the one made of operations ----

struct LayerCase {
  Cell cell;
  std::vector<std::int64_t> steps;
  Direction direction;
  bool bias, projects;
};

class RecurrentLayer : public testing::TestWithParam<LayerCase> {};

TEST_P(RecurrentLayer, IsTheOneMadeOfOperations) {
  const auto& [cell, batch_sizes, direction, bias, projects] = GetParam();
  for (const DType dtype : {f64, f32}) {
    manual_seed(3);
    const std::int64_t hidden = 35, in = 20, out = projects ? 18 : hidden, gates = ops::gate_count(cell);
    const auto steps = std::make_shared<Steps>(batch_sizes);
    std::vector<Tensor> leaves;
    const auto leaf = [&](const Shape& sizes, double scale) {
      leaves.push_back((randn(sizes, f64) * scale).to(dtype).detach().requires_grad_());
      return leaves.back();
    };
    ops::LayerInput given{leaf({steps->total(), in}, 1), leaf({steps->batch(), out}, 1), {}, {}};
    if (cell == Cell::lstm) given.c = leaf({steps->batch(), hidden}, 1);
    given.weights.w_ih = leaf({gates * hidden, in}, 0.2);
    given.weights.w_hh = leaf({gates * hidden, out}, 0.2);
    if (bias) given.weights.b_ih = leaf(gates * hidden, 1), given.weights.b_hh = leaf(gates * hidden, 1);
    if (projects) given.weights.w_hr = leaf({out, hidden}, 0.2);
    // Which of the results go on: all, and each alone.
    for (const int used : {7, 1, 2, 4}) {
      if (cell != Cell::lstm && used == 4) continue;
      SCOPED_TRACE(used);
      // Results, then gradients, zeros where there is none.
      const auto seen = [&](bool fused, bool create_graph) {
        const ops::LayerResult r = fused ? ops::recurrent_layer(cell, given, steps, direction)
                                         : ops::composed_layer(cell, given, *steps, direction);
        Tensor loss = zeros({}, dtype);
        std::vector<Tensor> out;
        for (const auto& [bit, part] : {std::pair(1, r.y), std::pair(2, r.h), std::pair(4, r.c)}) {
          if (!part.defined()) continue;
          out.push_back(part.detach());
          if ((used & bit) != 0)
            loss = loss + (part * cos(arange(part.numel()).to(dtype)).reshape(part.sizes())).sum();
        }
        const auto grads = autograd::grad(std::vector{loss}, leaves, {},
                                          {.create_graph = create_graph, .allow_unused = true});
        for (std::size_t i = 0; i < leaves.size(); ++i)
          out.push_back(grads[i].defined() ? grads[i].detach() : zeros_like(leaves[i].detach()));
        return out;
      };
      const auto expected = seen(false, false);
      const double tolerance = dtype == f64 ? 1e-11 : 2e-4;
      for (const bool create_graph : {false, true}) {
        const auto actual = seen(true, create_graph);
        ASSERT_EQ(actual.size(), expected.size());
        for (std::size_t i = 0; i < actual.size(); ++i)
          EXPECT_TRUE(allclose(actual[i], expected[i], tolerance, tolerance))
              << i << ", recorded " << create_graph;
      }
      const NoGrad no_grad;  // unrecorded, the memory of the steps is not kept
      EXPECT_TRUE(
          allclose(ops::recurrent_layer(cell, given, steps, direction).y, expected[0], tolerance, tolerance));
    }
  }
}

std::vector<LayerCase> layer_cases() {
  std::vector<LayerCase> all;
  for (const Cell cell : {Cell::lstm, Cell::gru, Cell::rnn_tanh, Cell::rnn_relu}) {
    for (const Direction d : {Direction::forward, Direction::backward}) {
      all.push_back({cell, {33, 33, 33}, d, true, false});
      all.push_back({cell, {20, 20, 17, 5, 1}, d, true, false});
      all.push_back({cell, {4, 3, 0}, d, false, false});
      if (cell == Cell::lstm) all.push_back({cell, {20, 18, 2}, d, true, true});
    }
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Of, RecurrentLayer, testing::ValuesIn(layer_cases()));

TEST(Recurrent, LeavesItsInputsAlone) {
  const Tensor x = ones({3, 2, 2}), h = ones({1, 2, 2}), c = ones({1, 2, 2});
  const auto w = some_weights(4, 2);
  lstm(x, {h, c}, std::array{w});
  for (const Tensor& t : {x, h, c, w.w_ih, w.w_hh, w.b_ih, w.b_hh}) EXPECT_TRUE(equal(t, ones_like(t)));
}

TEST(Recurrent, NoticesAnInputChangedBeforeBackward) {
  Tensor w = ones({8, 2});
  w.requires_grad_();
  Tensor x = ones({3, 1, 2}) * 2;
  const auto [y, state] = lstm(x, {}, std::array{RecurrentWeights{.w_ih = w, .w_hh = ones({8, 2})}});
  x.mul_(2);
  EXPECT_THROW(y.sum().backward(), Error);
}

}  // namespace
}  // namespace mica
