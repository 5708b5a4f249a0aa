#include <cmath>

#include <fmt/format.h>

#include <mica/nn/find_tensors.h>
#include <mica/nn/init.h>
#include <mica/nn/recurrent_cell.h>
#include <mica/ops/creation.h>

namespace mica::nn {

namespace detail {

RecurrentCellBase::RecurrentCellBase(const char* type, std::int64_t in, std::int64_t hidden,
                                     std::int64_t gates, const RecurrentCellOptions& o)
    : input_size(in), hidden_size(hidden), bias(o.bias) {
  forbid_construction_inside_forward(type);
  if (in < 0 || hidden < 1) {
    throw Error(type, fmt::format("input_size {}, hidden_size {}", in, hidden),
                "hidden_size is 1 or more, input_size is not negative");
  }
  weight_ih = Parameter(empty({gates * hidden, in}, o.dtype));
  weight_hh = Parameter(empty({gates * hidden, hidden}, o.dtype));
  if (bias) {
    bias_ih = Parameter(empty(gates * hidden, o.dtype));
    bias_hh = Parameter(empty(gates * hidden, o.dtype));
  }
  reset_parameters();
}

void RecurrentCellBase::reset_parameters() {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  for (Parameter* p : {&weight_ih, &weight_hh, &bias_ih, &bias_hh})
    if (p->defined()) init::uniform_(*p, -bound, bound);
}

void RecurrentCellBase::check(const char* type, const Tensor& x, const LSTMState& state) const {
  if (x.dim() != 1 && x.dim() != 2) {
    throw Error(type, fmt::format("expected 1 or 2 dimensions, got shape {}", mica::to_string(x.sizes())),
                "(batch, features) or (features)");
  }
  if (x.size(-1) != input_size) {
    throw Error(type, fmt::format("input of shape {} has {} features, expected {}",
                                  mica::to_string(x.sizes()), x.size(-1), input_size));
  }
  Shape expected = x.sizes();
  expected[expected.size() - 1] = hidden_size;
  const auto check = [&](const char* what, const Tensor& part) {
    if (!part.defined() || part.sizes() == expected) return;
    throw Error(type, fmt::format("{} has shape {}, expected {}", what, mica::to_string(part.sizes()),
                                  mica::to_string(expected)));
  };
  check("h", state.first);
  check("c", state.second);
}

std::int64_t RecurrentCellBase::flops(const Arguments&, const Value& result) const {
  return 2 * find_tensors(result).front().numel() / hidden_size * (weight_ih.numel() + weight_hh.numel());
}

std::string RecurrentCellBase::extra_repr() const {
  return fmt::format("{}, {}{}", input_size, hidden_size, bias ? "" : ", bias=False");
}

}  // namespace detail

RNNCell::RNNCell(std::int64_t in, std::int64_t hidden, const RNNCellOptions& o)
    : RecurrentCellBase("nn::RNNCell", in, hidden, 1, {.bias = o.bias, .dtype = o.dtype}),
      nonlinearity(o.nonlinearity) {}

Tensor RNNCell::forward(const Tensor& x, const Tensor& h) {
  check("RNNCell", x, {h, {}});
  return nonlinearity == Nonlinearity::tanh ? rnn_tanh_cell(x, h, weights()) : rnn_relu_cell(x, h, weights());
}

std::string RNNCell::extra_repr() const {
  return RecurrentCellBase::extra_repr() + (nonlinearity == Nonlinearity::relu ? ", nonlinearity=relu" : "");
}

LSTMCell::LSTMCell(std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& o)
    : RecurrentCellBase("nn::LSTMCell", in, hidden, 4, o) {}

LSTMState LSTMCell::forward(const Tensor& x, const LSTMState& state) {
  check("LSTMCell", x, state);
  return lstm_cell(x, state, weights());
}

GRUCell::GRUCell(std::int64_t in, std::int64_t hidden, const RecurrentCellOptions& o)
    : RecurrentCellBase("nn::GRUCell", in, hidden, 3, o) {}

Tensor GRUCell::forward(const Tensor& x, const Tensor& h) {
  check("GRUCell", x, {h, {}});
  return gru_cell(x, h, weights());
}

}  // namespace mica::nn
