#include <cmath>
#include <cstdint>

#include <mica/kernels/floating.h>
#include <mica/kernels/gates.h>

namespace mica::kernels::reference {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// An array of T, read and written as double.
template <class T, class Data> struct Values {
  Data* data;
  double operator[](std::int64_t i) const { return static_cast<double>(static_cast<const T*>(data)[i]); }
  void set(std::int64_t i, double v) const { static_cast<T*>(data)[i] = static_cast<T>(v); }
  explicit operator bool() const { return data != nullptr; }
};
template <class T> Values<T, void> values(void* data) { return {data}; }
template <class T> Values<T, const void> values(const void* data) { return {data}; }

// body(row, j) for each element of a row of `hidden`.
template <class Body> void for_elements(const GateRows& s, const Body& body) {
  for (std::int64_t row = 0; row < s.rows; ++row) {
    for (std::int64_t j = 0; j < s.hidden; ++j) body(row, j);
  }
}

}  // namespace

void rnn_step(const GateRows& s, Nonlinearity f, const void* sum, void* h, void* y) {
  dispatch_floating("rnn", s.dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < s.rows * s.hidden; ++i) {
      const double x = values<T>(sum)[i];
      const double v = f == Nonlinearity::tanh ? std::tanh(x) : (x < 0 ? 0 : x);
      values<T>(h).set(i, v);
      values<T>(y).set(i, v);
    }
  });
}

void rnn_step_backward(const GateRows& s, Nonlinearity f, const void* y, const void* grad_y,
                       const void* grad_h, void* grad_sum) {
  dispatch_floating("rnn", s.dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < s.rows * s.hidden; ++i) {
      const double v = values<T>(y)[i];
      const double g = values<T>(grad_h)[i] + (grad_y != nullptr ? values<T>(grad_y)[i] : 0);
      values<T>(grad_sum).set(i, f == Nonlinearity::tanh ? g * (1 - v * v) : (v > 0 ? g : 0));
    }
  });
}

void lstm_step(const GateRows& s, void* gates, void* c, void* c_before, void* h, void* y) {
  dispatch_floating("lstm", s.dtype, [&]<class T>() {
    const auto gate = values<T>(gates), cell = values<T>(c);
    for_elements(s, [&](std::int64_t row, std::int64_t j) {
      const std::int64_t at = 4 * row * s.hidden + j, n = s.hidden, e = row * n + j;
      const double i = sigmoid(gate[at]), f = sigmoid(gate[at + n]), g = std::tanh(gate[at + 2 * n]),
                   o = sigmoid(gate[at + 3 * n]), before = cell[e], after = f * before + i * g;
      if (c_before != nullptr) {
        values<T>(c_before).set(e, before);
        gate.set(at, i), gate.set(at + n, f), gate.set(at + 2 * n, g), gate.set(at + 3 * n, o);
      }
      cell.set(e, after);
      if (h != nullptr) values<T>(h).set(e, o * std::tanh(after));
      values<T>(y).set(e, o * std::tanh(after));
    });
  });
}

void lstm_step_backward(const GateRows& s, const void* gates, const void* c_before, const void* grad_y,
                        const void* grad_h, void* grad_c, void* grad_gates) {
  dispatch_floating("lstm", s.dtype, [&]<class T>() {
    const auto gate = values<T>(gates);
    const auto to_cell = values<T>(grad_c), to_gate = values<T>(grad_gates);
    for_elements(s, [&](std::int64_t row, std::int64_t j) {
      const std::int64_t at = 4 * row * s.hidden + j, n = s.hidden, e = row * n + j;
      const double i = gate[at], f = gate[at + n], g = gate[at + 2 * n], o = gate[at + 3 * n];
      const double before = values<T>(c_before)[e], t = std::tanh(f * before + i * g);
      const double dh = values<T>(grad_h)[e] + (grad_y != nullptr ? values<T>(grad_y)[e] : 0);
      const double dc = to_cell[e] + dh * o * (1 - t * t);
      to_gate.set(at, dc * g * i * (1 - i));
      to_gate.set(at + n, dc * before * f * (1 - f));
      to_gate.set(at + 2 * n, dc * i * (1 - g * g));
      to_gate.set(at + 3 * n, dh * t * o * (1 - o));
      to_cell.set(e, dc * f);
    });
  });
}

void gru_step(const GateRows& s, void* from_x, const void* from_h, void* kept, void* h, void* y) {
  dispatch_floating("gru", s.dtype, [&]<class T>() {
    const auto gate = values<T>(from_x), state = values<T>(h);
    const auto hidden = values<T>(from_h);
    for_elements(s, [&](std::int64_t row, std::int64_t j) {
      const std::int64_t at = 3 * row * s.hidden + j, n = s.hidden, e = row * n + j;
      const double r = sigmoid(gate[at] + hidden[at]), z = sigmoid(gate[at + n] + hidden[at + n]);
      const double candidate = std::tanh(gate[at + 2 * n] + r * hidden[at + 2 * n]);
      const double after = (1 - z) * candidate + z * state[e];
      if (kept != nullptr) {
        values<T>(kept).set(e, hidden[at + 2 * n]);
        gate.set(at, r), gate.set(at + n, z), gate.set(at + 2 * n, candidate);
      }
      state.set(e, after);
      values<T>(y).set(e, after);
    });
  });
}

void gru_step_backward(const GateRows& s, const void* gates, const void* kept, const void* h_before,
                       const void* grad_y, void* grad_h, void* grad_from_x, void* grad_from_h) {
  dispatch_floating("gru", s.dtype, [&]<class T>() {
    const auto gate = values<T>(gates);
    const auto to_state = values<T>(grad_h), to_x = values<T>(grad_from_x), to_h = values<T>(grad_from_h);
    for_elements(s, [&](std::int64_t row, std::int64_t j) {
      const std::int64_t at = 3 * row * s.hidden + j, n = s.hidden, e = row * n + j;
      const double r = gate[at], z = gate[at + n], candidate = gate[at + 2 * n];
      const double dh = to_state[e] + (grad_y != nullptr ? values<T>(grad_y)[e] : 0);
      const double dn = dh * (1 - z) * (1 - candidate * candidate);
      const double dz = dh * (values<T>(h_before)[e] - candidate) * z * (1 - z);
      const double dr = dn * values<T>(kept)[e] * r * (1 - r);
      to_x.set(at, dr), to_x.set(at + n, dz), to_x.set(at + 2 * n, dn);
      to_h.set(at, dr), to_h.set(at + n, dz), to_h.set(at + 2 * n, dn * r);
      to_state.set(e, dh * z);
    });
  });
}

}  // namespace mica::kernels::reference
