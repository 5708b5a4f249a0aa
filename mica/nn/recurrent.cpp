#include <cmath>
#include <string>

#include <fmt/format.h>

#include <mica/nn/find_tensors.h>
#include <mica/nn/init.h>
#include <mica/nn/recurrent.h>
#include <mica/ops/creation.h>
#include <mica/ops/index.h>

namespace mica::nn {

namespace detail {

RecurrentBase::RecurrentBase(const char* type, std::int64_t in, std::int64_t hidden, std::int64_t gates,
                             const LSTMOptions& o)
    : input_size(in),
      hidden_size(hidden),
      num_layers(o.num_layers),
      bias(o.bias),
      batch_first(o.batch_first),
      dropout(o.dropout),
      bidirectional(o.bidirectional),
      proj_size(o.proj_size) {
  forbid_construction_inside_forward(type);
  if (in < 0 || hidden < 1 || num_layers < 1) {
    throw Error(type, fmt::format("input_size {}, hidden_size {}, num_layers {}", in, hidden, num_layers),
                "hidden_size and num_layers are 1 or more, input_size is not negative");
  }
  if (!(dropout >= 0 && dropout <= 1))
    throw Error(type, fmt::format("dropout {} is not between 0 and 1", dropout));
  if (proj_size < 0 || proj_size >= hidden) {
    throw Error(type, fmt::format("proj_size {}, hidden_size {}", proj_size, hidden),
                "a projection makes the output smaller; 0 is none");
  }
  const auto add = [&](const char* name, const std::string& suffix, const Shape& sizes) {
    weights.emplace(name + suffix, Parameter(empty(sizes, o.dtype)));
  };
  for (std::int64_t layer = 0; layer < num_layers; ++layer) {
    const std::int64_t features = layer == 0 ? in : directions() * output_size();
    for (std::int64_t direction = 0; direction < directions(); ++direction) {
      const std::string suffix = fmt::format("_l{}{}", layer, direction == 0 ? "" : "_reverse");
      add("weight_ih", suffix, {gates * hidden, features});
      add("weight_hh", suffix, {gates * hidden, output_size()});
      if (bias) {
        add("bias_ih", suffix, gates * hidden);
        add("bias_hh", suffix, gates * hidden);
      }
      if (proj_size > 0) add("weight_hr", suffix, {proj_size, hidden});
    }
  }
  reset_parameters();
}

void RecurrentBase::reset_parameters() {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  for (auto& [name, parameter] : weights) init::uniform_(parameter, -bound, bound);
}

std::vector<RecurrentWeights> RecurrentBase::layer_weights() const {
  std::vector<RecurrentWeights> out;
  out.reserve(static_cast<std::size_t>(num_layers * directions()));
  for (auto it = weights.begin(); it != weights.end();) {
    RecurrentWeights& w = out.emplace_back();
    w.w_ih = (it++)->second;
    w.w_hh = (it++)->second;
    if (bias) w.b_ih = (it++)->second;
    if (bias) w.b_hh = (it++)->second;
    if (proj_size > 0) w.w_hr = (it++)->second;
  }
  return out;
}

RecurrentOptions RecurrentBase::options() const {
  return {.batch_first = batch_first,
          .bidirectional = bidirectional,
          .dropout = dropout,
          .training = mode.training};
}

void RecurrentBase::check_state(const char* type, const LSTMState& state, const Shape& batch,
                                int batch_at) const {
  const auto check = [&](const char* what, const Tensor& part, std::int64_t width) {
    if (!part.defined()) return;
    Shape expected{num_layers * directions(), width};
    if (!batch.empty()) expected.insert(1, batch[batch_at]);
    if (part.sizes() == expected) return;
    throw Error(type, fmt::format("the initial {} has shape {}, expected {}", what,
                                  mica::to_string(part.sizes()), mica::to_string(expected)));
  };
  check("h", state.first, output_size());
  check("c", state.second, hidden_size);
}

template <class Layer>
std::pair<Tensor, LSTMState> RecurrentBase::call(const char* type, const Tensor& x, LSTMState state,
                                                 Layer layer) const {
  if (x.dim() != 2 && x.dim() != 3) {
    throw Error(type, fmt::format("expected 2 or 3 dimensions, got shape {}", mica::to_string(x.sizes())),
                batch_first ? "(batch, time, features) or (time, features)"
                            : "(time, batch, features) or (time, features)");
  }
  if (x.size(-1) != input_size) {
    throw Error(type, fmt::format("input of shape {} has {} features, expected {}",
                                  mica::to_string(x.sizes()), x.size(-1), input_size));
  }
  const bool batched = x.dim() == 3;
  check_state(type, state, batched ? x.sizes() : Shape(), batch_first ? 0 : 1);
  if (batched) return layer(x, state, layer_weights(), options());
  for (Tensor* part : {&state.first, &state.second})
    if (part->defined()) *part = part->unsqueeze(1);
  const int at = batch_first ? 0 : 1;
  auto [y, after] = layer(x.unsqueeze(at), state, layer_weights(), options());
  const Tensor c = after.second.defined() ? after.second.squeeze(1) : after.second;
  return {y.squeeze(at), {after.first.squeeze(1), c}};
}

template <class Layer>
std::pair<PackedSequence, LSTMState> RecurrentBase::call(const char* type, const PackedSequence& x,
                                                         LSTMState state, Layer layer) const {
  if (x.data.defined() && x.data.size(-1) != input_size) {
    throw Error(type,
                fmt::format("packed sequences with {} features, expected {}", x.data.size(-1), input_size));
  }
  if (x.batch_sizes.defined()) check_state(type, state, x.batch(), 0);
  const auto reorder = [](LSTMState& s, const Tensor& order) {
    for (Tensor* part : {&s.first, &s.second})
      if (part->defined() && order.defined()) *part = part->index_select(1, order);
  };
  PackedSequence in = x;
  if (!in.unsorted_indices.defined()) in.unsorted_indices = invert_permutation(in.sorted_indices);
  if (!in.sorted_indices.defined()) in.sorted_indices = invert_permutation(in.unsorted_indices);
  reorder(state, in.sorted_indices);
  auto [y, after] = layer(in, state, layer_weights(), options());
  reorder(after, in.unsorted_indices);
  return {std::move(y), std::move(after)};
}

std::int64_t RecurrentBase::flops(const Arguments&, const Value& result) const {
  const Tensor y = find_tensors(result).front();
  if (y.numel() == 0) return 0;
  const std::int64_t rows = y.numel() / y.size(-1);
  std::int64_t products = 0;
  for (const auto& [name, parameter] : weights) products += parameter.dim() == 2 ? parameter.numel() : 0;
  return 2 * rows * products;
}

std::string RecurrentBase::extra_repr() const {
  std::string out = fmt::format("{}, {}", input_size, hidden_size);
  if (proj_size != 0) out += fmt::format(", proj_size={}", proj_size);
  if (num_layers != 1) out += fmt::format(", num_layers={}", num_layers);
  if (!bias) out += ", bias=False";
  if (batch_first) out += ", batch_first=True";
  if (dropout != 0) out += fmt::format(", dropout={}", show(dropout));
  if (bidirectional) out += ", bidirectional=True";
  return out;
}

}  // namespace detail

namespace {

// Layers without c, as functions that have one.
template <class Layer> auto without_c(Layer layer) {
  return [layer](const auto& x, const LSTMState& state, const std::vector<RecurrentWeights>& weights,
                 const RecurrentOptions& options) {
    auto [y, h] = layer(x, state.first, weights, options);
    return std::pair(std::move(y), LSTMState{std::move(h), {}});
  };
}
template <class Y> std::pair<Y, Tensor> without_c(std::pair<Y, LSTMState> result) {
  return {std::move(result.first), std::move(result.second.first)};
}

constexpr auto rnn_layer = [](const auto&... args) { return rnn_tanh(args...); };
constexpr auto relu_layer = [](const auto&... args) { return rnn_relu(args...); };
constexpr auto gru_layer = [](const auto&... args) { return gru(args...); };
constexpr auto lstm_layer = [](const auto&... args) { return lstm(args...); };

}  // namespace

RNN::RNN(std::int64_t in, std::int64_t hidden, const RNNOptions& o)
    : RecurrentBase("nn::RNN", in, hidden, 1,
                    {.num_layers = o.num_layers,
                     .bias = o.bias,
                     .batch_first = o.batch_first,
                     .dropout = o.dropout,
                     .bidirectional = o.bidirectional,
                     .dtype = o.dtype}),
      nonlinearity(o.nonlinearity) {}

std::pair<Tensor, Tensor> RNN::forward(const Tensor& x, const Tensor& h) {
  return without_c(nonlinearity == Nonlinearity::tanh ? call("RNN", x, {h, {}}, without_c(rnn_layer))
                                                      : call("RNN", x, {h, {}}, without_c(relu_layer)));
}
std::pair<PackedSequence, Tensor> RNN::forward(const PackedSequence& x, const Tensor& h) {
  return without_c(nonlinearity == Nonlinearity::tanh ? call("RNN", x, {h, {}}, without_c(rnn_layer))
                                                      : call("RNN", x, {h, {}}, without_c(relu_layer)));
}

LSTM::LSTM(std::int64_t in, std::int64_t hidden, const LSTMOptions& o)
    : RecurrentBase("nn::LSTM", in, hidden, 4, o) {}

std::pair<Tensor, LSTMState> LSTM::forward(const Tensor& x, const LSTMState& state) {
  return call("LSTM", x, state, lstm_layer);
}
std::pair<PackedSequence, LSTMState> LSTM::forward(const PackedSequence& x, const LSTMState& state) {
  return call("LSTM", x, state, lstm_layer);
}

GRU::GRU(std::int64_t in, std::int64_t hidden, const GRUOptions& o)
    : RecurrentBase("nn::GRU", in, hidden, 3,
                    {.num_layers = o.num_layers,
                     .bias = o.bias,
                     .batch_first = o.batch_first,
                     .dropout = o.dropout,
                     .bidirectional = o.bidirectional,
                     .dtype = o.dtype}) {}

std::pair<Tensor, Tensor> GRU::forward(const Tensor& x, const Tensor& h) {
  return without_c(call("GRU", x, {h, {}}, without_c(gru_layer)));
}
std::pair<PackedSequence, Tensor> GRU::forward(const PackedSequence& x, const Tensor& h) {
  return without_c(call("GRU", x, {h, {}}, without_c(gru_layer)));
}

}  // namespace mica::nn
