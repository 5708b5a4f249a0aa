#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <mica/kernels/gates.h>

#include "kernel_test.h"

namespace mica::kernels {
namespace {

template <class T> using GatesTest = KernelTest<T>;
TYPED_TEST_SUITE(GatesTest, Floating);

// Widths around those of vectors; the last with rows enough for several threads.
constexpr GateRows kShapes[] = {{f32, 1, 1},  {f32, 3, 7},  {f32, 2, 8}, {f32, 5, 17},
                                {f32, 2, 33}, {f32, 0, 16}, {f32, 3, 0}, {f32, 64, 100}};

// All arrays a step may touch, drawn anew with the same numbers for each implementation.
template <class T> struct Arrays {
  explicit Arrays(const GateRows& s) : rows(s.rows * s.hidden) {
    const std::int64_t n = rows;
    gates = normal_values<T>(4 * n, 1, 0, 2);
    from_h = normal_values<T>(3 * n, 2);
    h = normal_values<T>(n, 3);
    c = normal_values<T>(n, 4);
    y = normal_values<T>(n, 5);
    kept = normal_values<T>(n, 6);
    grad_y = normal_values<T>(n, 7);
    grad_h = normal_values<T>(n, 8);
    grad_c = normal_values<T>(n, 9);
    out = normal_values<T>(4 * n, 10);
    out_h = normal_values<T>(4 * n, 11);
  }
  std::int64_t rows;
  std::vector<T> gates, from_h, h, c, y, kept, grad_y, grad_h, grad_c, out, out_h;

  void expect_same(const Arrays& other) const {
    constexpr double t = kTolerance<T>;
    expect_close(gates, other.gates, t, t);
    expect_close(from_h, other.from_h, 0, 0);
    expect_close(h, other.h, t, t);
    expect_close(c, other.c, t, t);
    expect_close(y, other.y, t, t);
    expect_close(kept, other.kept, t, t);
    expect_close(grad_y, other.grad_y, 0, 0);
    expect_close(grad_h, other.grad_h, t, t);
    expect_close(grad_c, other.grad_c, t, t);
    expect_close(out, other.out, t, 4 * t);
    expect_close(out_h, other.out_h, t, 4 * t);
  }
};

// run(shape, arrays, reference) leaves the same in both on every target.
template <class T, class Run> void expect_agreement(const Run& run) {
  for_each_target([&] {
    for (GateRows s : kShapes) {
      SCOPED_TRACE(testing::Message() << s.rows << " x " << s.hidden);
      s.dtype = dtype_of<T>;
      Arrays<T> ours(s), plain(s);
      run(s, ours, false);
      run(s, plain, true);
      ours.expect_same(plain);
    }
  });
}

TYPED_TEST(GatesTest, RnnStepsAgreeWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for (const Nonlinearity f : {Nonlinearity::tanh, Nonlinearity::relu}) {
    for (const bool has_grad : {false, true}) {
      expect_agreement<T>([&](const GateRows& s, Arrays<T>& a, bool plain) {
        const T* grad_y = has_grad ? a.grad_y.data() : nullptr;
        (plain ? reference::rnn_step : rnn_step)(s, f, a.gates.data(), a.h.data(), a.y.data());
        EXPECT_EQ(a.h, a.y);
        (plain ? reference::rnn_step_backward : rnn_step_backward)(s, f, a.y.data(), grad_y, a.grad_h.data(),
                                                                   a.out.data());
      });
    }
  }
}

TYPED_TEST(GatesTest, LstmStepsAgreeWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for (const bool has_grad : {false, true}) {
    for (const bool has_state : {false, true}) {
      expect_agreement<T>([&](const GateRows& s, Arrays<T>& a, bool plain) {
        const T* grad_y = has_grad ? a.grad_y.data() : nullptr;
        const std::vector<T> before = a.c;
        T* h = has_state ? a.h.data() : nullptr;
        (plain ? reference::lstm_step : lstm_step)(s, a.gates.data(), a.c.data(), a.kept.data(), h,
                                                   a.y.data());
        EXPECT_EQ(a.kept, before);
        if (has_state) EXPECT_EQ(a.h, a.y);
        (plain ? reference::lstm_step_backward : lstm_step_backward)(
            s, a.gates.data(), a.kept.data(), grad_y, a.grad_h.data(), a.grad_c.data(), a.out.data());
      });
    }
  }
}

TYPED_TEST(GatesTest, GruStepsAgreeWithTheReferenceOnEveryTarget) {
  using T = TypeParam;
  for (const bool has_grad : {false, true}) {
    expect_agreement<T>([&](const GateRows& s, Arrays<T>& a, bool plain) {
      const T* grad_y = has_grad ? a.grad_y.data() : nullptr;
      const std::vector<T> before = a.h;
      (plain ? reference::gru_step : gru_step)(s, a.gates.data(), a.from_h.data(), a.kept.data(), a.h.data(),
                                               a.y.data());
      EXPECT_EQ(a.h, a.y);
      (plain ? reference::gru_step_backward : gru_step_backward)(s, a.gates.data(), a.kept.data(),
                                                                 before.data(), grad_y, a.grad_h.data(),
                                                                 a.out.data(), a.out_h.data());
    });
  }
}

TYPED_TEST(GatesTest, WithoutBackwardTheGatesStayWhatTheyAre) {
  using T = TypeParam;
  const GateRows s{dtype_of<T>, 3, 21};
  Arrays<T> kept(s), used(s);
  lstm_step(s, kept.gates.data(), kept.c.data(), kept.kept.data(), kept.h.data(), kept.y.data());
  lstm_step(s, used.gates.data(), used.c.data(), nullptr, used.h.data(), used.y.data());
  EXPECT_EQ(used.y, kept.y);
  EXPECT_EQ(used.c, kept.c);
  EXPECT_EQ(used.gates, Arrays<T>(s).gates);
  gru_step(s, kept.gates.data(), kept.from_h.data(), kept.kept.data(), kept.h.data(), kept.y.data());
  EXPECT_NE(kept.gates, used.gates);
  Arrays<T> again(s);
  gru_step(s, again.gates.data(), again.from_h.data(), nullptr, again.h.data(), again.y.data());
  EXPECT_EQ(again.gates, Arrays<T>(s).gates);
}

TYPED_TEST(GatesTest, KeepNaN) {
  using T = TypeParam;
  const GateRows s{dtype_of<T>, 1, 3};
  const T nan = std::numeric_limits<T>::quiet_NaN();
  Arrays<T> a(s);
  a.gates[1] = nan;
  for (const Nonlinearity f : {Nonlinearity::tanh, Nonlinearity::relu}) {
    rnn_step(s, f, a.gates.data(), a.h.data(), a.y.data());
    EXPECT_TRUE(std::isnan(a.y[1]));
    EXPECT_FALSE(std::isnan(a.y[0]));
  }
  lstm_step(s, a.gates.data(), a.c.data(), a.kept.data(), a.h.data(), a.y.data());
  EXPECT_TRUE(std::isnan(a.y[1]));
  EXPECT_FALSE(std::isnan(a.y[2]));
}

}  // namespace
}  // namespace mica::kernels
