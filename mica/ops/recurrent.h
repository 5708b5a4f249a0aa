// Recurrent networks: Elman's, LSTM (Hochreiter & Schmidhuber 1997; Gers et al. 2000) and GRU (Cho et al.
// 2014). The layers of <mica/nn/recurrent.h> hold the weights for these.
#pragma once

#include <span>
#include <utility>

#include <mica/ops/packed.h>
#include <mica/tensor/tensor.h>

namespace mica {

// (h, c): what an LSTM carries from step to step.
using LSTMState = std::pair<Tensor, Tensor>;

// Of one layer in one direction. The rows are those of the gates, one block after the other: i, f, g, o of
// the LSTM, r, z, n of the GRU, just one of the others.
struct RecurrentWeights {
  Tensor w_ih = {};             // (gates * hidden, in)
  Tensor w_hh = {};             // (gates * hidden, out)
  Tensor b_ih = {}, b_hh = {};  // (gates * hidden), both or none
  Tensor w_hr = {};             // LSTM with projection (Sak et al. 2014): (out, hidden). Else out is hidden
};

struct RecurrentOptions {
  bool batch_first = false;    // x and y are (batch, time, ...)
  bool bidirectional = false;  // weights come in pairs, forward and backward; y has both results side by side
  double dropout = 0;          // of what goes from one layer to the next, in training
  bool training = false;
};

// Layers on top of each other over sequences (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu): y, the
// h of the last layer at every step, and the state after the last one. One entry of `weights` for each layer,
// two if bidirectional. An undefined state stands for zeros.
// Shapes: x (time, batch, in); y (time, batch, directions * out); h (layers * directions, batch, out), c
// (layers * directions, batch, hidden). A packed x gives a packed y, its state is in the order of the packed
// sequences. Errors: no step; shapes or dtypes that do not fit.
std::pair<Tensor, LSTMState> lstm(const Tensor& x, const LSTMState& state,
                                  std::span<const RecurrentWeights> weights,
                                  const RecurrentOptions& options = {});
std::pair<PackedSequence, LSTMState> lstm(const PackedSequence& x, const LSTMState& state,
                                          std::span<const RecurrentWeights> weights,
                                          const RecurrentOptions& options = {});
std::pair<Tensor, Tensor> gru(const Tensor& x, const Tensor& h, std::span<const RecurrentWeights> weights,
                              const RecurrentOptions& options = {});
std::pair<PackedSequence, Tensor> gru(const PackedSequence& x, const Tensor& h,
                                      std::span<const RecurrentWeights> weights,
                                      const RecurrentOptions& options = {});
std::pair<Tensor, Tensor> rnn_tanh(const Tensor& x, const Tensor& h,
                                   std::span<const RecurrentWeights> weights,
                                   const RecurrentOptions& options = {});
std::pair<PackedSequence, Tensor> rnn_tanh(const PackedSequence& x, const Tensor& h,
                                           std::span<const RecurrentWeights> weights,
                                           const RecurrentOptions& options = {});
std::pair<Tensor, Tensor> rnn_relu(const Tensor& x, const Tensor& h,
                                   std::span<const RecurrentWeights> weights,
                                   const RecurrentOptions& options = {});
std::pair<PackedSequence, Tensor> rnn_relu(const PackedSequence& x, const Tensor& h,
                                           std::span<const RecurrentWeights> weights,
                                           const RecurrentOptions& options = {});

// One step of one layer (torch.lstm_cell...): the new state.
// Shapes: x (batch, in), h and c (batch, hidden), or all without batch.
LSTMState lstm_cell(const Tensor& x, const LSTMState& state, const RecurrentWeights& weights);
Tensor gru_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights);
Tensor rnn_tanh_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights);
Tensor rnn_relu_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights);

}  // namespace mica
