// Internal: one recurrent layer in one direction, over a batch of sequences.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <mica/ops/recurrence.h>
#include <mica/ops/recurrent.h>

namespace mica::ops {

enum class Cell : std::uint8_t { rnn_tanh, rnn_relu, lstm, gru };
// Blocks of rows in the weights.
inline std::int64_t gate_count(Cell cell) { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }

// A batch of sequences, sorted by length, as rows: those of step 0, then those of step 1...
class Steps {
 public:
  // The rows of each step, which never become more.
  explicit Steps(std::vector<std::int64_t> rows);
  std::int64_t count() const { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t rows(std::int64_t step) const { return rows_[static_cast<std::size_t>(step)]; }
  // Rows before those of a step.
  std::int64_t first(std::int64_t step) const { return first_[static_cast<std::size_t>(step)]; }
  std::int64_t total() const { return first_.back(); }
  std::int64_t batch() const { return rows_.front(); }
  // Where part i of `count` begins, if sequences are shared out so that each part has about as many rows.
  std::int64_t first_sequence(std::int64_t part, std::int64_t count) const;

 private:
  std::vector<std::int64_t> rows_, first_;
};
using StepsRef = std::shared_ptr<const Steps>;

// x: (steps.total(), in), h: (batch, out), c: (batch, hidden), for the LSTM only.
struct LayerInput {
  Tensor x, h, c;
  RecurrentWeights weights;
};
// y: the h of every step (steps.total(), out); h and c: those after the last step of each sequence.
struct LayerResult {
  Tensor y, h, c;
};

// All f32 or all f64; shapes are the caller's business. One node in the graph. A step is a product with x,
// one with h and a kernel, and so on the way back; threads share out the sequences.
LayerResult recurrent_layer(Cell cell, const LayerInput& in, const StepsRef& steps, Direction direction);
// The same step by step with differentiable operations: what derivatives of higher order are made of.
LayerResult composed_layer(Cell cell, const LayerInput& in, const Steps& steps, Direction direction);

}  // namespace mica::ops
