#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/creation.h>
#include <mica/ops/dropout.h>
#include <mica/ops/join.h>
#include <mica/ops/recurrent.h>
#include <mica/ops/recurrent_layer.h>

namespace mica {

using ops::Cell;
using ops::Direction;
using ops::Steps;

namespace {

struct Kind {
  const char* name;
  Cell cell;
};
constexpr Kind lstm_kind{"lstm", Cell::lstm}, gru_kind{"gru", Cell::gru},
    tanh_kind{"rnn_tanh", Cell::rnn_tanh}, relu_kind{"rnn_relu", Cell::rnn_relu};

void check_shape(Kind kind, const char* what, const Tensor& x, const Shape& expected, DType dtype) {
  if (x.sizes() == expected && x.dtype() == dtype) return;
  throw Error(kind.name, fmt::format("{} is {} {}, expected {} {}", what, name(x.dtype()),
                                     to_string(x.sizes()), name(dtype), to_string(expected)));
}

// What follows from the weights of a layer.
struct Sizes {
  std::int64_t gates, hidden, out;
};
Sizes check_weights(Kind kind, const RecurrentWeights& w, std::int64_t in, DType dtype) {
  const std::int64_t gates = ops::gate_count(kind.cell);
  if (!w.w_ih.defined() || !w.w_hh.defined() || w.w_ih.dim() != 2 || w.w_hh.dim() != 2 ||
      w.w_hh.size(0) % gates != 0) {
    const auto shape = [](const Tensor& x) { return x.defined() ? to_string(x.sizes()) : "undefined"; };
    throw Error(kind.name, fmt::format("weights of shapes {} and {}", shape(w.w_ih), shape(w.w_hh)),
                fmt::format("w_ih is ({0} * hidden, in), w_hh ({0} * hidden, out)", gates));
  }
  const Sizes sizes{gates * (w.w_hh.size(0) / gates), w.w_hh.size(0) / gates, w.w_hh.size(1)};
  if (w.w_hr.defined() && kind.cell != Cell::lstm)
    throw Error(kind.name, "weights with w_hr", "only an LSTM projects its output");
  check_shape(kind, "w_ih", w.w_ih, {sizes.gates, in}, dtype);
  check_shape(kind, "w_hh", w.w_hh, {sizes.gates, w.w_hr.defined() ? sizes.out : sizes.hidden}, dtype);
  if (w.b_ih.defined() != w.b_hh.defined())
    throw Error(kind.name, "one of b_ih and b_hh is undefined", "give both or none");
  if (w.b_ih.defined()) {
    check_shape(kind, "b_ih", w.b_ih, sizes.gates, dtype);
    check_shape(kind, "b_hh", w.b_hh, sizes.gates, dtype);
  }
  if (w.w_hr.defined()) check_shape(kind, "w_hr", w.w_hr, {sizes.out, sizes.hidden}, dtype);
  return sizes;
}

Tensor to_dtype(const Tensor& x, DType dtype) { return x.defined() ? x.to(dtype) : x; }
RecurrentWeights to_dtype(const RecurrentWeights& w, DType dtype) {
  return {to_dtype(w.w_ih, dtype), to_dtype(w.w_hh, dtype), to_dtype(w.b_ih, dtype), to_dtype(w.b_hh, dtype),
          to_dtype(w.w_hr, dtype)};
}

// A batch of sequences as rows, with y in the place of x.
struct Rows {
  Tensor data;
  ops::StepsRef steps;
};

Rows run(Kind kind, Rows x, LSTMState& state, std::span<const RecurrentWeights> weights,
         const RecurrentOptions& o) {
  const std::size_t directions = o.bidirectional ? 2 : 1;
  if (weights.empty() || weights.size() % directions != 0) {
    throw Error(kind.name, fmt::format("{} entries of weights", weights.size()),
                "one for each layer, two if bidirectional");
  }
  if (!(o.dropout >= 0 && o.dropout <= 1))
    throw Error(kind.name, fmt::format("dropout {} is not between 0 and 1", o.dropout));
  const DType dtype = x.data.dtype();
  const std::size_t layers = weights.size() / directions;
  const std::int64_t batch = x.steps->batch();
  std::vector<Sizes> sizes;
  sizes.reserve(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::int64_t in =
        i < directions ? x.data.size(1) : static_cast<std::int64_t>(directions) * sizes[0].out;
    sizes.push_back(check_weights(kind, weights[i], in, dtype));
    if (sizes[i].hidden != sizes[0].hidden || sizes[i].out != sizes[0].out)
      throw Error(kind.name, fmt::format("layers of {} and {} units", sizes[0].hidden, sizes[i].hidden));
  }
  const auto prepared = [&](Tensor& part, const char* what, std::int64_t width) {
    const Shape expected{static_cast<std::int64_t>(weights.size()), batch, width};
    if (!part.defined()) part = zeros(expected, dtype);
    check_shape(kind, what, part, expected, dtype);
  };
  prepared(state.first, "the initial h", sizes[0].out);
  if (kind.cell == Cell::lstm) prepared(state.second, "the initial c", sizes[0].hidden);

  std::vector<Tensor> h, c;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    std::vector<Tensor> y;
    for (std::size_t d = 0; d < directions; ++d) {
      const auto i = static_cast<std::int64_t>(h.size());
      const Tensor old_c = kind.cell == Cell::lstm ? state.second.select(0, i) : Tensor();
      const ops::LayerResult out =
          ops::recurrent_layer(kind.cell, {x.data, state.first.select(0, i), old_c, weights[h.size()]},
                               x.steps, d == 0 ? Direction::forward : Direction::backward);
      y.push_back(out.y);
      h.push_back(out.h);
      c.push_back(out.c);
    }
    x.data = directions == 1 ? y[0] : cat(y, 1);
    if (o.training && o.dropout > 0 && layer + 1 < layers) x.data = dropout(x.data, o.dropout);
  }
  state.first = stack(h);
  if (kind.cell == Cell::lstm) state.second = stack(c);
  return x;
}

// Under Autocast all of it runs in f32, as gates and products are one kernel. What comes out has the dtype
// that it has in torch, where only the products are in bf16: that of the state which is carried on, or of the
// products if none is.
template <class Sequence, class Run>
std::pair<Sequence, LSTMState> run_in_f32(Kind kind, const Sequence& x, DType dtype, const LSTMState& state,
                                          std::span<const RecurrentWeights> weights, const Run& run) {
  const autograd::NoAutocast chosen;
  const Tensor& carried = kind.cell == Cell::lstm ? state.second : state.first;
  const bool carries = kind.cell == Cell::lstm || kind.cell == Cell::gru;
  const DType result = !carries ? bf16 : carried.defined() ? carried.dtype() : dtype;
  std::vector<RecurrentWeights> wide;
  wide.reserve(weights.size());
  for (const RecurrentWeights& w : weights) wide.push_back(to_dtype(w, f32));
  auto [y, out] = run(x.to(f32), LSTMState{to_dtype(state.first, f32), to_dtype(state.second, f32)}, wide);
  return {y.to(result), {to_dtype(out.first, result), to_dtype(out.second, result)}};
}

std::pair<Tensor, LSTMState> run_padded(Kind kind, const Tensor& x, LSTMState state,
                                        std::span<const RecurrentWeights> weights,
                                        const RecurrentOptions& o) {
  ops::check_floating(kind.name, x);
  if (autocast_enabled() && x.dtype() != f64) {
    return run_in_f32(kind, x, x.dtype(), state, weights,
                      [&](const auto& wide, const auto& from, const auto& w) {
                        return run_padded(kind, wide, from, w, o);
                      });
  }
  if (x.dim() != 3) {
    throw Error(kind.name, fmt::format("input of shape {}", to_string(x.sizes())),
                o.batch_first ? "expected (batch, time, features)" : "expected (time, batch, features)");
  }
  if (const DType wide = ops::compute_type(x.dtype()); wide != x.dtype()) {
    std::vector<RecurrentWeights> converted;
    converted.reserve(weights.size());
    for (const RecurrentWeights& w : weights) converted.push_back(to_dtype(w, wide));
    auto [y, out] = run_padded(kind, x.to(wide), {to_dtype(state.first, wide), to_dtype(state.second, wide)},
                               converted, o);
    return {y.to(x.dtype()), {out.first.to(x.dtype()), to_dtype(out.second, x.dtype())}};
  }
  const Tensor by_time = o.batch_first ? x.transpose(0, 1) : x;
  const std::int64_t time = by_time.size(0), batch = by_time.size(1);
  if (time == 0) {
    throw Error(kind.name, fmt::format("input of shape {} has no step", to_string(x.sizes())),
                "sequences have one element or more");
  }
  Rows rows{by_time.reshape({time * batch, x.size(2)}),
            std::make_shared<Steps>(std::vector(static_cast<std::size_t>(time), batch))};
  rows = run(kind, std::move(rows), state, weights, o);
  const Tensor y = rows.data.reshape({time, batch, rows.data.size(1)});
  return {o.batch_first ? y.transpose(0, 1) : y, std::move(state)};
}

std::pair<PackedSequence, LSTMState> run_packed(Kind kind, const PackedSequence& x, LSTMState state,
                                                std::span<const RecurrentWeights> weights,
                                                const RecurrentOptions& o) {
  if (!x.data.defined() || !x.batch_sizes.defined())
    throw Error(kind.name, "an empty PackedSequence", "make one with pack_padded_sequence()");
  ops::check_floating(kind.name, x.data);
  if (autocast_enabled() && x.data.dtype() != f64) {
    return run_in_f32(kind, x, x.data.dtype(), state, weights,
                      [&](const auto& wide, const auto& from, const auto& w) {
                        return run_packed(kind, wide, from, w, o);
                      });
  }
  if (const DType dtype = x.data.dtype(), wide = ops::compute_type(dtype); wide != dtype) {
    std::vector<RecurrentWeights> converted;
    converted.reserve(weights.size());
    for (const RecurrentWeights& w : weights) converted.push_back(to_dtype(w, wide));
    auto [y, out] = run_packed(kind, x.to(wide), {to_dtype(state.first, wide), to_dtype(state.second, wide)},
                               converted, o);
    return {y.to(dtype), {out.first.to(dtype), to_dtype(out.second, dtype)}};
  }
  std::vector<std::int64_t> sizes = x.batch_sizes.to_vector<std::int64_t>();
  const bool sorted = std::is_sorted(sizes.rbegin(), sizes.rend());
  auto steps = std::make_shared<Steps>(std::move(sizes));
  if (x.data.dim() != 2 || steps->count() == 0 || !sorted || steps->total() != x.data.size(0)) {
    throw Error(kind.name,
                fmt::format("packed data of shape {} with batch sizes for {} rows", to_string(x.data.sizes()),
                            steps->total()),
                "data is (sum of the batch sizes, features), and batch sizes never increase");
  }
  const Rows rows = run(kind, {x.data, std::move(steps)}, state, weights, o);
  return {PackedSequence{rows.data, x.batch_sizes, x.sorted_indices, x.unsorted_indices}, std::move(state)};
}

// A cell is a sequence of one step.
LSTMState run_cell(Kind kind, const Tensor& x, const LSTMState& state, const RecurrentWeights& w) {
  if (x.dim() != 1 && x.dim() != 2) {
    throw Error(kind.name, fmt::format("input of shape {}", to_string(x.sizes())),
                "expected (batch, features) or (features)");
  }
  const bool batched = x.dim() == 2;
  const auto prepared = [&](const Tensor& part, const char* what) {
    if (!part.defined()) return part;
    if (part.dim() != x.dim()) {
      throw Error(kind.name,
                  fmt::format("{} of shape {} for an input of shape {}", what, to_string(part.sizes()),
                              to_string(x.sizes())),
                  "both with a batch dimension, or both without");
    }
    return batched ? part.unsqueeze(0) : part.unsqueeze(0).unsqueeze(0);
  };
  const Tensor step = prepared(x, "the input");
  const auto out =
      run_padded(kind, step, {prepared(state.first, "h"), prepared(state.second, "c")}, {&w, 1}, {}).second;
  const auto restored = [&](const Tensor& part) {
    if (!part.defined()) return part;
    return batched ? part.squeeze(0) : part.squeeze(0).squeeze(0);
  };
  return {restored(out.first), restored(out.second)};
}

template <class X> auto first_of(std::pair<X, LSTMState> result) {
  return std::pair(std::move(result.first), std::move(result.second.first));
}

constexpr Kind cell_of(Kind kind, const char* name) { return {name, kind.cell}; }

}  // namespace

std::pair<Tensor, LSTMState> lstm(const Tensor& x, const LSTMState& state,
                                  std::span<const RecurrentWeights> weights,
                                  const RecurrentOptions& options) {
  return run_padded(lstm_kind, x, state, weights, options);
}
std::pair<PackedSequence, LSTMState> lstm(const PackedSequence& x, const LSTMState& state,
                                          std::span<const RecurrentWeights> weights,
                                          const RecurrentOptions& options) {
  return run_packed(lstm_kind, x, state, weights, options);
}

std::pair<Tensor, Tensor> gru(const Tensor& x, const Tensor& h, std::span<const RecurrentWeights> weights,
                              const RecurrentOptions& options) {
  return first_of(run_padded(gru_kind, x, {h, {}}, weights, options));
}
std::pair<PackedSequence, Tensor> gru(const PackedSequence& x, const Tensor& h,
                                      std::span<const RecurrentWeights> weights,
                                      const RecurrentOptions& options) {
  return first_of(run_packed(gru_kind, x, {h, {}}, weights, options));
}

std::pair<Tensor, Tensor> rnn_tanh(const Tensor& x, const Tensor& h,
                                   std::span<const RecurrentWeights> weights,
                                   const RecurrentOptions& options) {
  return first_of(run_padded(tanh_kind, x, {h, {}}, weights, options));
}
std::pair<PackedSequence, Tensor> rnn_tanh(const PackedSequence& x, const Tensor& h,
                                           std::span<const RecurrentWeights> weights,
                                           const RecurrentOptions& options) {
  return first_of(run_packed(tanh_kind, x, {h, {}}, weights, options));
}

std::pair<Tensor, Tensor> rnn_relu(const Tensor& x, const Tensor& h,
                                   std::span<const RecurrentWeights> weights,
                                   const RecurrentOptions& options) {
  return first_of(run_padded(relu_kind, x, {h, {}}, weights, options));
}
std::pair<PackedSequence, Tensor> rnn_relu(const PackedSequence& x, const Tensor& h,
                                           std::span<const RecurrentWeights> weights,
                                           const RecurrentOptions& options) {
  return first_of(run_packed(relu_kind, x, {h, {}}, weights, options));
}

LSTMState lstm_cell(const Tensor& x, const LSTMState& state, const RecurrentWeights& weights) {
  if (weights.w_hr.defined()) throw Error("lstm_cell", "weights with w_hr", "a cell does not project");
  return run_cell(cell_of(lstm_kind, "lstm_cell"), x, state, weights);
}
Tensor gru_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights) {
  return run_cell(cell_of(gru_kind, "gru_cell"), x, {h, {}}, weights).first;
}
Tensor rnn_tanh_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights) {
  return run_cell(cell_of(tanh_kind, "rnn_tanh_cell"), x, {h, {}}, weights).first;
}
Tensor rnn_relu_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights) {
  return run_cell(cell_of(relu_kind, "rnn_relu_cell"), x, {h, {}}, weights).first;
}

}  // namespace mica
