// The elementwise part of a step of recurrent layers, between the products with the weights. f32 and f64.
// Arrays are contiguous rows: `hidden` values, or as many for each gate, one gate after the other.
#pragma once

#include <cstdint>

#include <mica/core/dtype.h>

namespace mica::kernels {

struct GateRows {
  DType dtype = DType::f32;
  std::int64_t rows = 0, hidden = 0;
};

enum class Nonlinearity : std::uint8_t { tanh, relu };

// The new h = f(sum) goes to both h and y.
void rnn_step(const GateRows& s, Nonlinearity f, const void* sum, void* h, void* y);
// grad_sum = (grad_h + grad_y) f'(sum), from y. grad_y may be null.
void rnn_step_backward(const GateRows& s, Nonlinearity f, const void* y, const void* grad_y,
                       const void* grad_h, void* grad_sum);

// gates: the sums that enter i, f, g and o. c becomes sigmoid(f) c + sigmoid(i) tanh(g), and sigmoid(o)
// tanh(c) goes to y and, when not null, to h. For backward, when c_before is not null, it gets the old c, and
// gates the values of the functions.
void lstm_step(const GateRows& s, void* gates, void* c, void* c_before, void* h, void* y);
// From what lstm_step left: the gradient of the sums. grad_c is that of the new c and becomes that of the old
// one. That of y is grad_h + grad_y; grad_y may be null.
void lstm_step_backward(const GateRows& s, const void* gates, const void* c_before, const void* grad_y,
                        const void* grad_h, void* grad_c, void* grad_gates);

// from_x and from_h: the products with the input and with the old h, biases included, for r, z and n. The new
// h = n + z (h - n), n = tanh(from_x + r from_h), goes to both h and y. For backward, when kept is not null,
// it gets the part of from_h for n, and from_x the values of r, z and n.
void gru_step(const GateRows& s, void* from_x, const void* from_h, void* kept, void* h, void* y);
// From what gru_step left: the gradients of from_x and from_h. grad_h is that of the new h and becomes that
// of the old one, but for what comes through from_h. grad_y may be null.
void gru_step_backward(const GateRows& s, const void* gates, const void* kept, const void* h_before,
                       const void* grad_y, void* grad_h, void* grad_from_x, void* grad_from_h);

namespace reference {
void rnn_step(const GateRows& s, Nonlinearity f, const void* sum, void* h, void* y);
void rnn_step_backward(const GateRows& s, Nonlinearity f, const void* y, const void* grad_y,
                       const void* grad_h, void* grad_sum);
void lstm_step(const GateRows& s, void* gates, void* c, void* c_before, void* h, void* y);
void lstm_step_backward(const GateRows& s, const void* gates, const void* c_before, const void* grad_y,
                        const void* grad_h, void* grad_c, void* grad_gates);
void gru_step(const GateRows& s, void* from_x, const void* from_h, void* kept, void* h, void* y);
void gru_step_backward(const GateRows& s, const void* gates, const void* kept, const void* h_before,
                       const void* grad_y, void* grad_h, void* grad_from_x, void* grad_from_h);
}  // namespace reference

}  // namespace mica::kernels
