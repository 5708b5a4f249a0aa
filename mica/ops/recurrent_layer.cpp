#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <mica/autograd/segment.h>
#include <mica/core/dtype.h>
#include <mica/core/parallel.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/gates.h>
#include <mica/kernels/gemm.h>
#include <mica/kernels/vector_gemm.h>
#include <mica/ops/activation.h>
#include <mica/ops/creation.h>
#include <mica/ops/join.h>
#include <mica/ops/matmul.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/recurrent_layer.h>

namespace mica::ops {

using autograd::record_several;
using autograd::recording;
using kernels::GateRows;

namespace {

// The tensors of a LayerInput in the order in which the node has them.
constexpr std::size_t input_count = 8;
using InputPointers = std::array<const Tensor*, input_count>;
InputPointers pointers(const LayerInput& in) {
  const RecurrentWeights& w = in.weights;
  return {&in.x, &in.h, &in.c, &w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh, &w.w_hr};
}
template <class Fn> LayerInput map_input(const LayerInput& in, Fn&& fn) {
  const RecurrentWeights& w = in.weights;
  return {fn(in.x), fn(in.h), fn(in.c), {fn(w.w_ih), fn(w.w_hh), fn(w.b_ih), fn(w.b_hh), fn(w.w_hr)}};
}
struct SavedInput {
  std::array<Saved, input_count> saved;
  explicit SavedInput(const LayerInput& in) {
    for (std::size_t i = 0; i < input_count; ++i) saved[i] = Saved(*pointers(in)[i]);
  }
  LayerInput get(const Node& node) const {
    const auto at = [&](std::size_t i) { return saved[i].get(node); };
    return {at(0), at(1), at(2), {at(3), at(4), at(5), at(6), at(7)}};
  }
};

kernels::Nonlinearity nonlinearity(Cell cell) {
  return cell == Cell::rnn_tanh ? kernels::Nonlinearity::tanh : kernels::Nonlinearity::relu;
}

// The bias of the products with x. That of the products with h goes in here too, except for the GRU, where a
// gate stands between.
Tensor input_bias(Cell cell, const RecurrentWeights& w) {
  return cell != Cell::gru && w.b_ih.defined() ? w.b_ih + w.b_hh : w.b_ih;
}
Tensor input_products(Cell cell, const Tensor& x, const RecurrentWeights& w) {
  return linear(x, w.w_ih, input_bias(cell, w));
}

// Where a row of a contiguous matrix begins; null if there is no matrix.
void* row_of(const Tensor& x, std::int64_t row) {
  if (!x.defined()) return nullptr;
  return static_cast<std::byte*>(x.raw_data()) +
         static_cast<std::size_t>(row * x.sizes()[1]) * item_size(x.dtype());
}
void copy_rows(const Tensor& from, std::int64_t from_row, const Tensor& to, std::int64_t to_row,
               std::int64_t rows) {
  const std::size_t bytes = static_cast<std::size_t>(rows * to.sizes()[1]) * item_size(to.dtype());
  if (bytes != 0) std::memcpy(row_of(to, to_row), row_of(from, from_row), bytes);
}

enum class Orientation : bool { as_is, transposed };

// Products with the same matrix at every step: c = a op(b) + beta c for `rows` rows at a and c. They need no
// preparation for a number of rows, which is another one at each step of a packed batch.
class StepProduct {
 public:
  StepProduct(const Tensor& b, Orientation orientation, const Steps& steps)
      : b_(b), transposed_(orientation == Orientation::transposed) {
    if (steps.count() > 1) packed_.emplace(b.dtype(), k(), n(), b.raw_data(), b.sizes()[1], transposed_);
  }
  void operator()(const void* a, void* c, std::int64_t rows, double beta) const {
    if (packed_) return packed_->multiply(rows, a, c, beta);
    kernels::gemm({.dtype = b_.dtype(),
                   .trans_b = transposed_,
                   .m = rows,
                   .n = n(),
                   .k = k(),
                   .a = a,
                   .b = b_.raw_data(),
                   .c = c,
                   .lda = k(),
                   .ldb = b_.sizes()[1],
                   .ldc = n(),
                   .beta = beta});
  }
  // c = a b^T + bias, if there is one.
  void operator()(const void* a, void* c, std::int64_t rows, const Tensor& bias) const {
    const void* summand = bias.defined() ? bias.raw_data() : nullptr;
    if (packed_) return packed_->multiply(rows, a, c, 0, summand);
    kernels::linear(b_.dtype(), rows, k(), n(), a, b_.raw_data(), summand, c);
  }

 private:
  std::int64_t k() const { return b_.sizes()[transposed_ ? 1 : 0]; }
  std::int64_t n() const { return b_.sizes()[transposed_ ? 0 : 1]; }
  Tensor b_;
  bool transposed_ = false;
  std::optional<kernels::PackedMatrix> packed_;
};

// Rows with which a product with a packed matrix is about as fast as with many.
constexpr std::int64_t enough_rows = 8;
// Then the products with x are made step by step as well: what they leave is still in the caches.
bool multiplies_x_by_steps(const Steps& steps) { return steps.count() > 1 && steps.batch() >= enough_rows; }

// Sequences, one after the other in a batch.
struct Sequences {
  std::int64_t first = 0, last = 0;
};
// body(sequences) for all of them. Sequences know nothing of each other, so each thread takes its share
// through all steps without waiting for others. A few are taken at once, with the threads sharing each
// product.
template <class Body> void for_sequences(const Steps& steps, const Tensor& w_hh, const Body& body) {
  constexpr std::int64_t worth_a_thread = 1 << 18;  // multiplications
  const std::int64_t count = std::min({std::int64_t{num_threads()}, steps.batch() / enough_rows,
                                       steps.total() * w_hh.numel() / worth_a_thread});
  if (count <= 1) return body(Sequences{0, steps.batch()});
  parallel_for(0, count, 1, [&](std::int64_t first, std::int64_t last) {
    body(Sequences{steps.first_sequence(first, count), steps.first_sequence(last, count)});
  });
}

// What forward leaves for backward, with a row for each row of x.
struct Kept {
  Tensor gates;     // the values of the gates; none for rnn
  Tensor c_before;  // the c that a step began with: LSTM
  Tensor from_h;    // what reached the gate of n from h: GRU
  Tensor unprojected;
};

// ---- forward ----

class Forward {
 public:
  Forward(Cell cell, const LayerInput& in, const Steps& steps, bool keep)
      : cell_(cell),
        in_(in),
        steps_(steps),
        hidden_(in.weights.w_hh.sizes()[0] / gate_count(cell)),
        projects_(in.weights.w_hr.defined()),
        keeps_(keep),
        keeps_gates_(keep && (cell == Cell::lstm || cell == Cell::gru)),
        through_w_hh_(in.weights.w_hh, Orientation::transposed, steps),
        h_(in.h.clone()) {
    const DType dtype = in.x.dtype();
    const std::int64_t total = steps.total();
    if (multiplies_x_by_steps(steps)) {
      through_w_ih_.emplace(in.weights.w_ih, Orientation::transposed, steps);
      input_bias_ = input_bias(cell, in.weights);
      gates_ = empty({keeps_gates_ ? total : steps.batch(), in.weights.w_ih.sizes()[0]}, dtype);
    } else {
      gates_ = input_products(cell, in.x, in.weights);
    }
    y_ = empty({total, h_.sizes()[1]}, dtype);
    if (projects_) through_w_hr_.emplace(in.weights.w_hr, Orientation::transposed, steps);
    if (cell == Cell::lstm) c_ = in.c.clone();
    if (cell == Cell::lstm && keep) kept_.c_before = empty({total, hidden_}, dtype);
    if (cell == Cell::gru) from_h_ = empty({steps.batch(), 3 * hidden_}, dtype);
    if (cell == Cell::gru && keep) kept_.from_h = empty({total, hidden_}, dtype);
    if (projects_) kept_.unprojected = empty({keep ? total : steps.batch(), hidden_}, dtype);
  }

  void step(std::int64_t t, Sequences of) {
    const std::int64_t rows = std::min(of.last, steps_.rows(t)) - of.first,
                       first = steps_.first(t) + of.first;
    if (rows <= 0) return;
    const GateRows shape{.dtype = y_.dtype(), .rows = rows, .hidden = hidden_};
    void* gates = row_of(gates_, through_w_ih_ && !keeps_gates_ ? of.first : first);
    void* y = row_of(y_, first);
    void* h = row_of(h_, of.first);
    void* c = row_of(c_, of.first);
    void* c_before = row_of(kept_.c_before, first);
    if (through_w_ih_) (*through_w_ih_)(row_of(in_.x, first), gates, rows, input_bias_);
    if (cell_ == Cell::gru) {
      void* from_h = row_of(from_h_, of.first);
      through_w_hh_(h, from_h, rows, in_.weights.b_hh);
      kernels::gru_step(shape, gates, from_h, row_of(kept_.from_h, first), h, y);
      return;
    }
    through_w_hh_(h, gates, rows, 1);
    if (cell_ != Cell::lstm) {
      kernels::rnn_step(shape, nonlinearity(cell_), gates, h, y);
    } else if (!projects_) {
      kernels::lstm_step(shape, gates, c, c_before, h, y);
    } else {
      void* unprojected = row_of(kept_.unprojected, keeps_ ? first : of.first);
      kernels::lstm_step(shape, gates, c, c_before, nullptr, unprojected);
      (*through_w_hr_)(unprojected, y, rows, 0);
      copy_rows(y_, first, h_, of.first, rows);
    }
  }

  LayerResult result() const { return {y_, h_, c_}; }
  Kept kept() {
    if (keeps_gates_) kept_.gates = gates_;
    return std::move(kept_);
  }

 private:
  Cell cell_;
  const LayerInput& in_;
  const Steps& steps_;
  std::int64_t hidden_;
  bool projects_, keeps_, keeps_gates_;
  StepProduct through_w_hh_;
  std::optional<StepProduct> through_w_ih_, through_w_hr_;
  Tensor input_bias_;
  Tensor gates_;  // of all steps, or of the last one
  Tensor y_;
  Tensor h_, c_;  // of all sequences: those that have ended, or not begun, wait
  Tensor from_h_;
  Kept kept_;
};

// body(t) in the order of a direction.
template <class Body> void each_step(const Steps& steps, Direction direction, Body&& body) {
  for (std::int64_t i = 0; i < steps.count(); ++i)
    body(direction == Direction::forward ? i : steps.count() - 1 - i);
}

// ---- backward ----

// The h that each step began with, (total, out).
Tensor before_each_step(const Tensor& y, const Tensor& initial, const Steps& steps, Direction direction) {
  Tensor out = empty(y.sizes(), y.dtype());
  for (std::int64_t t = 0; t < steps.count(); ++t) {
    const std::int64_t before = direction == Direction::forward ? t - 1 : t + 1;
    const bool is_start = before < 0 || before == steps.count();
    const std::int64_t rows = steps.rows(t), known = is_start ? 0 : std::min(rows, steps.rows(before));
    if (known > 0) copy_rows(y, steps.first(before), out, steps.first(t), known);
    copy_rows(initial, known, out, steps.first(t) + known, rows - known);
  }
  return out;
}

Tensor copy_or_zeros(const Tensor& x, const Shape& sizes, DType dtype) {
  return x.defined() ? x.expand(sizes).clone() : zeros(sizes, dtype);
}

class Backward {
 public:
  Backward(const Node& node, Cell cell, const LayerInput& in, const Kept& kept, const Tensor& y,
           const Steps& steps, Direction direction, std::span<const Tensor> grads)
      : node_(node),
        cell_(cell),
        in_(in),
        kept_(kept),
        y_(y),
        steps_(steps),
        hidden_(in.weights.w_hh.sizes()[0] / gate_count(cell)),
        through_w_hh_(in.weights.w_hh, Orientation::as_is, steps),
        h_before_(before_each_step(y, in.h, steps, direction)),
        grad_h_(copy_or_zeros(grads[1], in.h.sizes(), y.dtype())) {
    const DType dtype = y.dtype();
    const Shape sums{steps.total(), in.weights.w_hh.sizes()[0]};
    grad_sums_ = empty(sums, dtype);
    grad_from_h_ = cell == Cell::gru ? empty(sums, dtype) : grad_sums_;
    if (cell == Cell::lstm) grad_c_ = copy_or_zeros(grads[2], in.c.sizes(), dtype);
    if (node.needs(0) && multiplies_x_by_steps(steps)) {
      through_w_ih_.emplace(in.weights.w_ih, Orientation::as_is, steps);
      grad_x_ = empty(in.x.sizes(), dtype);
    }
    if (in.weights.w_hr.defined()) {
      through_w_hr_.emplace(in.weights.w_hr, Orientation::as_is, steps);
      grad_y_ = copy_or_zeros(grads[0], y.sizes(), dtype);  // grad_h is added at each step
      grad_unprojected_ = empty({steps.batch(), hidden_}, dtype);
    } else if (grads[0].defined()) {
      grad_y_ = grads[0].expand(y.sizes()).contiguous();
    }
  }

  void step(std::int64_t t, Sequences of) {
    const std::int64_t rows = std::min(of.last, steps_.rows(t)) - of.first,
                       first = steps_.first(t) + of.first;
    if (rows <= 0) return;
    const GateRows shape{.dtype = y_.dtype(), .rows = rows, .hidden = hidden_};
    void* grad_y = row_of(grad_y_, first);
    void* grad_h = row_of(grad_h_, of.first);
    void* grad_c = row_of(grad_c_, of.first);
    void* grad_sums = row_of(grad_sums_, first);
    const void* gates = row_of(kept_.gates, first);
    const void* c_before = row_of(kept_.c_before, first);
    double beta = 0;
    if (cell_ == Cell::gru) {
      kernels::gru_step_backward(shape, gates, row_of(kept_.from_h, first), row_of(h_before_, first), grad_y,
                                 grad_h, grad_sums, row_of(grad_from_h_, first));
      beta = 1;
    } else if (cell_ != Cell::lstm) {
      kernels::rnn_step_backward(shape, nonlinearity(cell_), row_of(y_, first), grad_y, grad_h, grad_sums);
    } else if (!through_w_hr_) {
      kernels::lstm_step_backward(shape, gates, c_before, grad_y, grad_h, grad_c, grad_sums);
    } else {
      void* grad_unprojected = row_of(grad_unprojected_, of.first);
      kernels::binary(kernels::Binary::add, y_.dtype(), {rows * y_.sizes()[1]}, {grad_y, {1}}, {grad_h, {1}},
                      {grad_y, {1}});
      (*through_w_hr_)(grad_y, grad_unprojected, rows, 0);
      kernels::lstm_step_backward(shape, gates, c_before, nullptr, grad_unprojected, grad_c, grad_sums);
    }
    if (through_w_ih_) (*through_w_ih_)(grad_sums, row_of(grad_x_, first), rows, 0);
    through_w_hh_(row_of(grad_from_h_, first), grad_h, rows, beta);
  }

  // What is left when all steps are done: the products that need no order.
  std::array<Tensor, input_count> result() const {
    const auto if_needed = [&](std::size_t i, auto compute) { return node_.needs(i) ? compute() : Tensor(); };
    const RecurrentWeights& w = in_.weights;
    const bool needs_bias = node_.needs(5) || (node_.needs(6) && cell_ != Cell::gru);
    const Tensor bias = needs_bias ? grad_sums_.sum(0) : Tensor();
    return {through_w_ih_ ? grad_x_ : if_needed(0, [&] { return matmul(grad_sums_, w.w_ih); }),
            grad_h_,
            grad_c_,
            if_needed(3, [&] { return matmul(grad_sums_.t(), in_.x); }),
            if_needed(4, [&] { return matmul(grad_from_h_.t(), h_before_); }),
            bias,
            cell_ == Cell::gru ? if_needed(6, [&] { return grad_from_h_.sum(0); }) : bias,
            if_needed(7, [&] { return matmul(grad_y_.t(), kept_.unprojected); })};
  }

 private:
  const Node& node_;
  Cell cell_;
  const LayerInput& in_;
  const Kept& kept_;
  const Tensor& y_;
  const Steps& steps_;
  std::int64_t hidden_;
  StepProduct through_w_hh_;
  std::optional<StepProduct> through_w_ih_, through_w_hr_;
  Tensor h_before_;
  Tensor grad_h_, grad_c_;  // of the state between two steps
  Tensor grad_x_, grad_y_, grad_unprojected_;
  Tensor grad_sums_, grad_from_h_;  // of what enters the gates: from x, and from h
};

// The gradients as functions that have derivatives: those of the composed layer.
std::array<Tensor, input_count> composed_backward(const Node& node, Cell cell, const LayerInput& in,
                                                  const Steps& steps, Direction direction,
                                                  std::span<const Tensor> grads) {
  // Stand-ins, so that the pass ends here even where one input was computed from another.
  const LayerInput inside = map_input(in, [](const Tensor& x) {
    if (!recording(x)) return x;
    return autograd::record("recurrent_input", x.detach(), {&x},
                            [](const Node&, const Tensor& g) { return g; });
  });
  const LayerResult out = composed_layer(cell, inside, steps, direction);
  std::vector<Tensor> results{out.y, out.h};
  if (out.c.defined()) results.push_back(out.c);
  std::vector<autograd::Edge> ends;
  ends.reserve(input_count);
  for (const Tensor* x : pointers(inside)) ends.push_back(autograd::edge_to(*x));
  const std::vector<Tensor> all = autograd::grad_of_segment(results, ends, grads, true);
  std::array<Tensor, input_count> needed;
  for (std::size_t i = 0; i < input_count; ++i) {
    if (node.needs(i)) needed[i] = all[i];
  }
  return needed;
}

}  // namespace

Steps::Steps(std::vector<std::int64_t> rows) : rows_(std::move(rows)), first_{0} {
  first_.reserve(rows_.size() + 1);
  for (const std::int64_t n : rows_) first_.push_back(first_.back() + n);
}

std::int64_t Steps::first_sequence(std::int64_t part, std::int64_t count) const {
  std::int64_t sequence = 0;
  for (std::int64_t before = 0; before * count < part * total(); ++sequence) {
    before +=
        std::ranges::partition_point(rows_, [&](std::int64_t n) { return n > sequence; }) - rows_.begin();
  }
  return sequence;
}

LayerResult recurrent_layer(Cell cell, const LayerInput& given, const StepsRef& steps, Direction direction) {
  const LayerInput in = map_input(given, [](const Tensor& x) { return x.defined() ? x.contiguous() : x; });
  const auto [x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr] = pointers(in);
  const bool tracked = recording(*x, *h, *c, *w_ih, *w_hh, *b_ih, *b_hh, *w_hr);
  LayerResult out;
  Kept kept;
  {
    const NoGrad no_grad;
    Forward forward(cell, in, *steps, tracked);
    for_sequences(*steps, *w_hh, [&](Sequences part) {
      each_step(*steps, direction, [&](std::int64_t t) { forward.step(t, part); });
    });
    out = forward.result();
    if (tracked) kept = forward.kept();
  }
  if (!tracked) return out;
  auto backward = [cell, steps, direction, kept = std::move(kept), saved = SavedInput(in),
                   y = SavedOutput(out.y)](const Node& node, std::span<const Tensor> grads) {
    const LayerInput in = saved.get(node);
    if (autograd::grad_enabled()) return composed_backward(node, cell, in, *steps, direction, grads);
    const Tensor values = y.get(node);
    Backward pass(node, cell, in, kept, values, *steps, direction, grads);
    for_sequences(*steps, in.weights.w_hh, [&](Sequences part) {
      each_step(*steps, opposite(direction), [&](std::int64_t t) { pass.step(t, part); });
    });
    return pass.result();
  };
  const Tensor* const inputs[] = {x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr};
  const std::array both{out.y, out.h};
  switch (cell) {
    case Cell::lstm:
      record_several("lstm", std::array{out.y, out.h, out.c}, inputs, std::move(backward));
      break;
    case Cell::gru: record_several("gru", both, inputs, std::move(backward)); break;
    case Cell::rnn_tanh: record_several("rnn_tanh", both, inputs, std::move(backward)); break;
    case Cell::rnn_relu: record_several("rnn_relu", both, inputs, std::move(backward)); break;
  }
  return out;
}

namespace {

// The new h and c of some rows. from_x: what enters the gates from x.
LSTMState composed_step(Cell cell, const Tensor& from_x, const Tensor& h, const Tensor& c,
                        const RecurrentWeights& w) {
  if (cell == Cell::gru) {
    const auto x = from_x.chunk(3, 1), hidden = linear(h, w.w_hh, w.b_hh).chunk(3, 1);
    const Tensor r = sigmoid(x[0] + hidden[0]), z = sigmoid(x[1] + hidden[1]);
    const Tensor n = tanh(x[2] + r * hidden[2]);
    return {n + z * (h - n), {}};
  }
  const Tensor sums = from_x + linear(h, w.w_hh);
  if (cell == Cell::rnn_tanh) return {tanh(sums), {}};
  if (cell == Cell::rnn_relu) return {relu(sums), {}};
  const auto gates = sums.chunk(4, 1);
  const Tensor after = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
  const Tensor out = sigmoid(gates[3]) * tanh(after);
  return {w.w_hr.defined() ? linear(out, w.w_hr) : out, after};
}

}  // namespace

LayerResult composed_layer(Cell cell, const LayerInput& in, const Steps& steps, Direction direction) {
  const Tensor from_x = input_products(cell, in.x, in.weights);
  LayerResult out{{}, in.h, in.c};
  std::vector<Tensor> y(static_cast<std::size_t>(steps.count()));
  each_step(steps, direction, [&](std::int64_t t) {
    const std::int64_t rows = steps.rows(t), waiting = steps.batch() - rows;
    const auto active = [&](const Tensor& state) {
      return state.defined() && waiting > 0 ? state.narrow(0, 0, rows) : state;
    };
    const auto replace = [&](Tensor& state, const Tensor& now) {
      state = waiting > 0 && now.defined() ? cat({now, state.narrow(0, rows, waiting)}) : now;
    };
    const auto [h, c] =
        composed_step(cell, from_x.narrow(0, steps.first(t), rows), active(out.h), active(out.c), in.weights);
    y[static_cast<std::size_t>(t)] = h;
    replace(out.h, h);
    replace(out.c, c);
  });
  out.y = cat(y);
  return out;
}

}  // namespace mica::ops
