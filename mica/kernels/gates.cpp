#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/gates.cpp"

#include <algorithm>
#include <cstdint>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/gates.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// body(row) for all rows, in parallel where there is enough to do.
template <class Body> void for_rows(const GateRows& s, const Body& body) {
  const std::int64_t grain = std::max<std::int64_t>(1, 1024 / std::max<std::int64_t>(s.hidden, 1));
  parallel_for(0, s.rows, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t row = first; row < last; ++row) body(row);
  });
}

// A row of an array with `width` values a row; null of null.
template <class T> T* row_of(void* array, std::int64_t row, std::int64_t width) {
  return array == nullptr ? nullptr : static_cast<T*>(array) + row * width;
}
template <class T> const T* row_of(const void* array, std::int64_t row, std::int64_t width) {
  return array == nullptr ? nullptr : static_cast<const T*>(array) + row * width;
}

// tanh for gates, at a third of the cost of an exponential in f32: x P(x^2) / Q(x^2), where both have a least
// relative error of 2.3e-8 on [-9.1, 9.1]. All terms are positive. With rounding: up to 6 units in the last
// place, never beyond 1.
template <class D, class V> HWY_INLINE V gate_tanh(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    return tanh(d, x);
  } else {
    constexpr float p[] = {0.999999977815F, 0.133745582963F, 0.00348790645539F, 2.04826289621e-5F,
                           1.31792874306e-8F};
    constexpr float q[] = {1.0F, 0.467078722563F, 0.025847760005F, 0.000327307065533F, 7.70481754718e-7F};
    const auto between = [&](V v, float limit) HWY_ATTR {  // NaN stays NaN
      return hn::Min(hn::Set(d, limit), hn::Max(hn::Set(d, -limit), v));
    };
    const V y = between(x, 9.1F);
    const V square = hn::Mul(y, y);
    return between(hn::Div(hn::Mul(y, polynomial(d, square, p)), polynomial(d, square, q)), 1);
  }
}
template <class D, class V> HWY_INLINE V gate_sigmoid(D d, V x) {
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    return sigmoid(d, x);
  } else {
    const V half = hn::Set(d, 0.5F);
    return hn::MulAdd(gate_tanh(d, hn::Mul(x, half)), half, half);
  }
}

// grad_h + grad_y
template <class T, class Access>
HWY_INLINE Vec<T> total(const T* grad_h, const T* grad_y, std::int64_t j, Access access) {
  const Tag<T> d;
  const Vec<T> g = access.load(d, grad_h + j);
  return grad_y == nullptr ? g : hn::Add(g, access.load(d, grad_y + j));
}

// s (1 - s), the slope of a sigmoid with the value s, times g; and (1 - t^2) g for a tanh.
template <class V> HWY_INLINE V through_sigmoid(V s, V g) { return hn::Mul(hn::NegMulAdd(s, s, s), g); }
template <class V> HWY_INLINE V through_tanh(V t, V g) { return hn::NegMulAdd(hn::Mul(t, t), g, g); }

void rnn_step_target(const GateRows& s, Nonlinearity f, const void* sum, void* h, void* y) {
  dispatch_floating("rnn", s.dtype, [&]<class T>() HWY_ATTR {
    for_rows(s, [&](std::int64_t row) HWY_ATTR {
      const Tag<T> d;
      const T* from = row_of<T>(sum, row, s.hidden);
      T* state = row_of<T>(h, row, s.hidden);
      T* out = row_of<T>(y, row, s.hidden);
      for_lanes<T>(s.hidden, [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> x = access.load(d, from + j);
        // NaN stays NaN, as in relu()
        const Vec<T> v = f == Nonlinearity::tanh ? gate_tanh(d, x)
                                                 : hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
        access.store(v, d, state + j);
        access.store(v, d, out + j);
      });
    });
  });
}

void rnn_step_backward_target(const GateRows& s, Nonlinearity f, const void* y, const void* grad_y,
                              const void* grad_h, void* grad_sum) {
  dispatch_floating("rnn", s.dtype, [&]<class T>() HWY_ATTR {
    for_rows(s, [&](std::int64_t row) HWY_ATTR {
      const Tag<T> d;
      const T* value = row_of<T>(y, row, s.hidden);
      const T* from_y = row_of<T>(grad_y, row, s.hidden);
      const T* from_h = row_of<T>(grad_h, row, s.hidden);
      T* out = row_of<T>(grad_sum, row, s.hidden);
      for_lanes<T>(s.hidden, [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> v = access.load(d, value + j);
        const Vec<T> g = total(from_h, from_y, j, access);
        const Vec<T> result =
            f == Nonlinearity::tanh ? through_tanh(v, g) : hn::IfThenElseZero(hn::Gt(v, hn::Zero(d)), g);
        access.store(result, d, out + j);
      });
    });
  });
}

void lstm_step_target(const GateRows& s, void* gates, void* c, void* c_before, void* h, void* y) {
  const std::int64_t n = s.hidden;
  dispatch_floating("lstm", s.dtype, [&]<class T>() HWY_ATTR {
    for_rows(s, [&](std::int64_t row) HWY_ATTR {
      const Tag<T> d;
      T* gate = row_of<T>(gates, row, 4 * n);
      T* cell = row_of<T>(c, row, n);
      T* old_cell = row_of<T>(c_before, row, n);
      T* state = row_of<T>(h, row, n);
      T* out = row_of<T>(y, row, n);
      for_lanes<T>(n, [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> i = gate_sigmoid(d, access.load(d, gate + j));
        const Vec<T> f = gate_sigmoid(d, access.load(d, gate + n + j));
        const Vec<T> g = gate_tanh(d, access.load(d, gate + 2 * n + j));
        const Vec<T> o = gate_sigmoid(d, access.load(d, gate + 3 * n + j));
        const Vec<T> before = access.load(d, cell + j);
        const Vec<T> after = hn::MulAdd(f, before, hn::Mul(i, g));
        const Vec<T> v = hn::Mul(o, gate_tanh(d, after));
        if (old_cell != nullptr) {
          access.store(before, d, old_cell + j);
          access.store(i, d, gate + j);
          access.store(f, d, gate + n + j);
          access.store(g, d, gate + 2 * n + j);
          access.store(o, d, gate + 3 * n + j);
        }
        access.store(after, d, cell + j);
        if (state != nullptr) access.store(v, d, state + j);
        access.store(v, d, out + j);
      });
    });
  });
}

void lstm_step_backward_target(const GateRows& s, const void* gates, const void* c_before, const void* grad_y,
                               const void* grad_h, void* grad_c, void* grad_gates) {
  const std::int64_t n = s.hidden;
  dispatch_floating("lstm", s.dtype, [&]<class T>() HWY_ATTR {
    for_rows(s, [&](std::int64_t row) HWY_ATTR {
      const Tag<T> d;
      const T* gate = row_of<T>(gates, row, 4 * n);
      const T* old_cell = row_of<T>(c_before, row, n);
      const T* from_y = row_of<T>(grad_y, row, n);
      const T* from_h = row_of<T>(grad_h, row, n);
      T* cell_grad = row_of<T>(grad_c, row, n);
      T* out = row_of<T>(grad_gates, row, 4 * n);
      for_lanes<T>(n, [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> i = access.load(d, gate + j);
        const Vec<T> f = access.load(d, gate + n + j);
        const Vec<T> g = access.load(d, gate + 2 * n + j);
        const Vec<T> o = access.load(d, gate + 3 * n + j);
        const Vec<T> before = access.load(d, old_cell + j);
        const Vec<T> t = gate_tanh(d, hn::MulAdd(f, before, hn::Mul(i, g)));
        const Vec<T> dh = total(from_h, from_y, j, access);
        const Vec<T> dc = hn::Add(access.load(d, cell_grad + j), through_tanh(t, hn::Mul(dh, o)));
        access.store(through_sigmoid(i, hn::Mul(dc, g)), d, out + j);
        access.store(through_sigmoid(f, hn::Mul(dc, before)), d, out + n + j);
        access.store(through_tanh(g, hn::Mul(dc, i)), d, out + 2 * n + j);
        access.store(through_sigmoid(o, hn::Mul(dh, t)), d, out + 3 * n + j);
        access.store(hn::Mul(dc, f), d, cell_grad + j);
      });
    });
  });
}

void gru_step_target(const GateRows& s, void* from_x, const void* from_h, void* kept, void* h, void* y) {
  const std::int64_t n = s.hidden;
  dispatch_floating("gru", s.dtype, [&]<class T>() HWY_ATTR {
    for_rows(s, [&](std::int64_t row) HWY_ATTR {
      const Tag<T> d;
      T* gate = row_of<T>(from_x, row, 3 * n);
      const T* hidden = row_of<T>(from_h, row, 3 * n);
      T* keep = row_of<T>(kept, row, n);
      T* state = row_of<T>(h, row, n);
      T* out = row_of<T>(y, row, n);
      for_lanes<T>(n, [&](std::int64_t j, auto access) HWY_ATTR {
        const auto sum = [&](std::int64_t at) HWY_ATTR {
          return hn::Add(access.load(d, gate + at), access.load(d, hidden + at));
        };
        const Vec<T> r = gate_sigmoid(d, sum(j));
        const Vec<T> z = gate_sigmoid(d, sum(n + j));
        const Vec<T> from_state = access.load(d, hidden + 2 * n + j);
        const Vec<T> candidate = gate_tanh(d, hn::MulAdd(r, from_state, access.load(d, gate + 2 * n + j)));
        const Vec<T> before = access.load(d, state + j);
        const Vec<T> after = hn::MulAdd(z, hn::Sub(before, candidate), candidate);
        if (keep != nullptr) {
          access.store(from_state, d, keep + j);
          access.store(r, d, gate + j);
          access.store(z, d, gate + n + j);
          access.store(candidate, d, gate + 2 * n + j);
        }
        access.store(after, d, state + j);
        access.store(after, d, out + j);
      });
    });
  });
}

void gru_step_backward_target(const GateRows& s, const void* gates, const void* kept, const void* h_before,
                              const void* grad_y, void* grad_h, void* grad_from_x, void* grad_from_h) {
  const std::int64_t n = s.hidden;
  dispatch_floating("gru", s.dtype, [&]<class T>() HWY_ATTR {
    for_rows(s, [&](std::int64_t row) HWY_ATTR {
      const Tag<T> d;
      const T* gate = row_of<T>(gates, row, 3 * n);
      const T* keep = row_of<T>(kept, row, n);
      const T* old_state = row_of<T>(h_before, row, n);
      const T* from_y = row_of<T>(grad_y, row, n);
      T* state_grad = row_of<T>(grad_h, row, n);
      T* to_x = row_of<T>(grad_from_x, row, 3 * n);
      T* to_h = row_of<T>(grad_from_h, row, 3 * n);
      for_lanes<T>(n, [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> r = access.load(d, gate + j);
        const Vec<T> z = access.load(d, gate + n + j);
        const Vec<T> candidate = access.load(d, gate + 2 * n + j);
        const Vec<T> dh = total<T>(state_grad, from_y, j, access);
        const Vec<T> dn = through_tanh(candidate, hn::NegMulAdd(dh, z, dh));
        const Vec<T> dz = through_sigmoid(z, hn::Mul(dh, hn::Sub(access.load(d, old_state + j), candidate)));
        const Vec<T> dr = through_sigmoid(r, hn::Mul(dn, access.load(d, keep + j)));
        access.store(dr, d, to_x + j);
        access.store(dz, d, to_x + n + j);
        access.store(dn, d, to_x + 2 * n + j);
        access.store(dr, d, to_h + j);
        access.store(dz, d, to_h + n + j);
        access.store(hn::Mul(dn, r), d, to_h + 2 * n + j);
        access.store(hn::Mul(dh, z), d, state_grad + j);
      });
    });
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(rnn_step_target);
HWY_EXPORT(rnn_step_backward_target);
HWY_EXPORT(lstm_step_target);
HWY_EXPORT(lstm_step_backward_target);
HWY_EXPORT(gru_step_target);
HWY_EXPORT(gru_step_backward_target);

void rnn_step(const GateRows& s, Nonlinearity f, const void* sum, void* h, void* y) {
  HWY_DYNAMIC_DISPATCH(rnn_step_target)(s, f, sum, h, y);
}
void rnn_step_backward(const GateRows& s, Nonlinearity f, const void* y, const void* grad_y,
                       const void* grad_h, void* grad_sum) {
  HWY_DYNAMIC_DISPATCH(rnn_step_backward_target)(s, f, y, grad_y, grad_h, grad_sum);
}

void lstm_step(const GateRows& s, void* gates, void* c, void* c_before, void* h, void* y) {
  HWY_DYNAMIC_DISPATCH(lstm_step_target)(s, gates, c, c_before, h, y);
}
void lstm_step_backward(const GateRows& s, const void* gates, const void* c_before, const void* grad_y,
                        const void* grad_h, void* grad_c, void* grad_gates) {
  HWY_DYNAMIC_DISPATCH(lstm_step_backward_target)(s, gates, c_before, grad_y, grad_h, grad_c, grad_gates);
}

void gru_step(const GateRows& s, void* from_x, const void* from_h, void* kept, void* h, void* y) {
  HWY_DYNAMIC_DISPATCH(gru_step_target)(s, from_x, from_h, kept, h, y);
}
void gru_step_backward(const GateRows& s, const void* gates, const void* kept, const void* h_before,
                       const void* grad_y, void* grad_h, void* grad_from_x, void* grad_from_h) {
  HWY_DYNAMIC_DISPATCH(gru_step_backward_target)
  (s, gates, kept, h_before, grad_y, grad_h, grad_from_x, grad_from_h);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
