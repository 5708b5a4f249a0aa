// One step of a recurrent layer, for loops of one's own.
//
//   nn::LSTMCell cell{8, 16};
//   nn::LSTMState state;                        // zeros
//   for (const Tensor& x : xs) state = cell(x, state);
#pragma once

#include <mica/nn/recurrent.h>

namespace mica::nn {

struct RNNCellOptions {
  bool bias = true;
  Nonlinearity nonlinearity = Nonlinearity::tanh;
  DType dtype = f32;
};
struct RecurrentCellOptions {
  bool bias = true;
  DType dtype = f32;
};

namespace detail {
// What the cells have in common (torch.nn.RNNCellBase). All parameters start from
// U(-1 / sqrt(hidden_size), 1 / sqrt(hidden_size)).
class RecurrentCellBase : public Module {
 public:
  std::int64_t input_size = 0, hidden_size = 0;
  bool bias = true;
  Parameter weight_ih, weight_hh;  // (gates * hidden_size, input_size), (gates * hidden_size, hidden_size)
  Parameter bias_ih, bias_hh;      // (gates * hidden_size), absent without bias

  void reset_parameters();
  // For nn::summary: the products with the weights.
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const;

 protected:
  RecurrentCellBase() = default;
  RecurrentCellBase(const char* type, std::int64_t input_size, std::int64_t hidden_size, std::int64_t gates,
                    const RecurrentCellOptions& options);
  RecurrentWeights weights() const { return {weight_ih, weight_hh, bias_ih, bias_hh}; }
  // Errors: not the shape of an input, or of a state for it.
  void check(const char* type, const Tensor& x, const LSTMState& state) const;
};
}  // namespace detail

// A step of RNN (torch.nn.RNNCell). Shapes: x (batch, input_size), h (batch, hidden_size) or undefined for
// zeros -> the new h; all without batch if x is.
class RNNCell : public detail::RecurrentCellBase {
 public:
  // Errors: sizes below 1.
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options = {});
  Nonlinearity nonlinearity = Nonlinearity::tanh;
  std::string extra_repr() const;
  NN_MEMBERS(input_size, hidden_size, bias, nonlinearity, weight_ih, weight_hh, bias_ih, bias_hh)

 private:
  friend Module;
  RNNCell() = default;
  Tensor forward(const Tensor& x, const Tensor& h = {});
};

// A step of LSTM (torch.nn.LSTMCell): the new (h, c). Shapes: as RNNCell.
class LSTMCell : public detail::RecurrentCellBase {
 public:
  // Errors: sizes below 1.
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const RecurrentCellOptions& options = {});
  NN_MEMBERS(input_size, hidden_size, bias, weight_ih, weight_hh, bias_ih, bias_hh)

 private:
  friend Module;
  LSTMCell() = default;
  LSTMState forward(const Tensor& x, const LSTMState& state = {});
};

// A step of GRU (torch.nn.GRUCell). Shapes: as RNNCell.
class GRUCell : public detail::RecurrentCellBase {
 public:
  // Errors: sizes below 1.
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, const RecurrentCellOptions& options = {});
  NN_MEMBERS(input_size, hidden_size, bias, weight_ih, weight_hh, bias_ih, bias_hh)

 private:
  friend Module;
  GRUCell() = default;
  Tensor forward(const Tensor& x, const Tensor& h = {});
};

}  // namespace mica::nn
