// Recurrent layers, and packed sequences for them.
//
//   nn::LSTM lstm{8, 16, {.num_layers = 2, .batch_first = true}};
//   auto [y, state] = lstm(x);                 // from zeros
//   auto [next, after] = lstm(more, state);    // goes on
//   auto [h, c] = after;
//
// Parameters have PyTorch's names: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, with a projection
// weight_hr_l0; weight_ih_l0_reverse... of the other direction; l1... of the layers above. All start from
// U(-1 / sqrt(hidden_size), 1 / sqrt(hidden_size)).
#pragma once

#include <utility>
#include <vector>

#include <mica/nn/module.h>
#include <mica/nn/named_parameters.h>
#include <mica/ops/recurrent.h>

namespace mica::nn {

using mica::LSTMState;
using mica::PackedSequence;
using mica::PaddingSide;

using mica::invert_permutation;
using mica::pack_padded_sequence;
using mica::pack_sequence;
using mica::pad_packed_sequence;
using mica::pad_sequence;
using mica::unpack_sequence;
using mica::unpad_sequence;

enum class Nonlinearity : std::uint8_t { tanh, relu };

struct RNNOptions {
  std::int64_t num_layers = 1;
  Nonlinearity nonlinearity = Nonlinearity::tanh;
  bool bias = true;
  bool batch_first = false;  // x and y are (batch, time, features)
  double dropout = 0;        // of what goes from one layer to the next; with one layer it does nothing
  bool bidirectional = false;
  DType dtype = f32;
};
struct GRUOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  DType dtype = f32;
};
struct LSTMOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;  // of y and h, if not hidden_size (Sak et al. 2014)
  DType dtype = f32;
};

namespace detail {
// What RNN, LSTM and GRU have in common (torch.nn.RNNBase).
class RecurrentBase : public Module {
 public:
  std::int64_t input_size = 0, hidden_size = 0, num_layers = 1;
  bool bias = true, batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;
  NamedParameters weights;  // weights["weight_ih_l0"]
  Mode mode;

  void reset_parameters();
  // For nn::summary: the products with the weights.
  std::int64_t flops(const Arguments& args, const Value& result) const;
  std::string extra_repr() const;

 protected:
  RecurrentBase() = default;
  RecurrentBase(const char* type, std::int64_t input_size, std::int64_t hidden_size, std::int64_t gates,
                const LSTMOptions& options);
  std::int64_t output_size() const { return proj_size > 0 ? proj_size : hidden_size; }
  std::int64_t directions() const { return bidirectional ? 2 : 1; }
  // layer is a function of (x, state, weights, options), as mica::lstm().
  template <class Layer>
  std::pair<Tensor, LSTMState> call(const char* type, const Tensor& x, LSTMState state, Layer layer) const;
  template <class Layer>
  std::pair<PackedSequence, LSTMState> call(const char* type, const PackedSequence& x, LSTMState state,
                                            Layer layer) const;

 private:
  std::vector<RecurrentWeights> layer_weights() const;
  RecurrentOptions options() const;
  void check_state(const char* type, const LSTMState& state, const Shape& batch, int batch_at) const;
};
}  // namespace detail

// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman 1990; torch.nn.RNN).
// Shapes: x (time, batch, input_size) -> y (time, batch, directions * hidden_size) and h (num_layers *
// directions, batch, hidden_size); all without batch if x is; packed if x is. The optional second argument is
// the h to start from; else zeros.
class RNN : public detail::RecurrentBase {
 public:
  // Errors: sizes below 1; a dropout outside [0, 1].
  RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options = {});
  Nonlinearity nonlinearity = Nonlinearity::tanh;
  NN_MEMBERS(input_size, hidden_size, num_layers, nonlinearity, bias, batch_first, dropout, bidirectional,
             proj_size, weights, mode)

 private:
  friend Module;
  RNN() = default;
  std::pair<Tensor, Tensor> forward(const Tensor& x, const Tensor& h = {});
  std::pair<PackedSequence, Tensor> forward(const PackedSequence& x, const Tensor& h = {});
};

// Long short-term memory (Hochreiter & Schmidhuber 1997; torch.nn.LSTM).
// Shapes: as RNN; c is (num_layers * directions, batch, hidden_size), and h and y have proj_size for
// hidden_size if there is one. The state is the pair (h, c).
class LSTM : public detail::RecurrentBase {
 public:
  // Errors: as RNN; a proj_size that is negative or not below hidden_size.
  LSTM(std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& options = {});
  NN_MEMBERS(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
             weights, mode)

 private:
  friend Module;
  LSTM() = default;
  std::pair<Tensor, LSTMState> forward(const Tensor& x, const LSTMState& state = {});
  std::pair<PackedSequence, LSTMState> forward(const PackedSequence& x, const LSTMState& state = {});
};

// Gated recurrent unit (Cho et al. 2014; torch.nn.GRU). Shapes: as RNN.
class GRU : public detail::RecurrentBase {
 public:
  // Errors: as RNN.
  GRU(std::int64_t input_size, std::int64_t hidden_size, const GRUOptions& options = {});
  NN_MEMBERS(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
             weights, mode)

 private:
  friend Module;
  GRU() = default;
  std::pair<Tensor, Tensor> forward(const Tensor& x, const Tensor& h = {});
  std::pair<PackedSequence, Tensor> forward(const PackedSequence& x, const Tensor& h = {});
};

}  // namespace mica::nn
