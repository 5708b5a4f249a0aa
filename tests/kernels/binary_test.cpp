#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <tests/kernels/strided.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>

namespace mica::kernels::testing {
namespace {

constexpr Binary arithmetic[] = {Binary::add, Binary::sub, Binary::mul, Binary::maximum, Binary::minimum};
constexpr Binary every_binary[] = {Binary::add,          Binary::sub,           Binary::mul,
                                   Binary::div,          Binary::maximum,       Binary::minimum,
                                   Binary::pow,          Binary::relu_backward, Binary::sigmoid_backward,
                                   Binary::tanh_backward};

class BinaryKernel : public EveryTarget {};
INSTANTIATE_TEST_SUITE_P(Targets, BinaryKernel, ::testing::ValuesIn(supported_targets()), target_name);

std::uint64_t allowed_ulps(Binary op) {
  switch (op) {
    case Binary::maximum:
    case Binary::minimum:
    case Binary::relu_backward: return 0;
    case Binary::tanh_backward:
    case Binary::sigmoid_backward: return 4;
    default: return 1;  // the reference rounds twice
  }
}

template <class T> void check_layouts(Binary op, Rng& rng) {
  // Derivatives of results in (-1, 1): elsewhere 1 - y^2 is a cancellation nobody meets.
  const bool squashed = op == Binary::sigmoid_backward || op == Binary::tanh_backward;
  for (const Shape& sizes : test_shapes(rng)) {
    Strided<T> a(sizes, input_layouts[pick(rng, 0, 4)], rng);
    Strided<T> b(sizes, input_layouts[pick(rng, 0, 4)], rng);
    a.fill([&] { return random_value<T>(rng); });
    b.fill([&] {
      return squashed ? static_cast<T>(static_cast<double>(pick(rng, -100, 100)) / 128)
                      : random_value<T>(rng);
    });
    Strided<T> actual(sizes, output_layouts[pick(rng, 0, 3)], rng);
    actual.fill([] { return T{7}; });
    Strided<T> expected = actual;
    binary(op, dtype_of<T>, sizes, a, b, actual);
    reference::binary(op, dtype_of<T>, sizes, a, b, expected);
    ASSERT_TRUE(same_storage(actual, expected, allowed_ulps(op)))
        << "op " << static_cast<int>(op) << " a " << to_string(a.strides) << " b " << to_string(b.strides);
  }
}

TEST_P(BinaryKernel, AgreesWithReferenceOnEveryLayout) {
  Rng rng(1);
  for (const Binary op : every_binary) {
    check_layouts<float>(op, rng);
    check_layouts<double>(op, rng);
  }
  for (const Binary op : arithmetic) {
    check_layouts<std::int64_t>(op, rng);
    check_layouts<std::int32_t>(op, rng);
    check_layouts<std::uint8_t>(op, rng);
  }
}

TEST_P(BinaryKernel, AgreesWithReferenceAcrossThreads) {
  Rng rng(5);
  const Shape sizes{210, 170};  // more than a thread takes alone
  for (const Layout left : input_layouts) {
    for (const Layout right : input_layouts) {
      for (const Layout out : output_layouts) {
        Strided<float> a(sizes, left, rng);
        Strided<float> b(sizes, right, rng);
        a.fill([&] { return static_cast<float>(pick(rng, -99, 99)); });
        b.fill([&] { return static_cast<float>(pick(rng, -99, 99)); });
        Strided<float> actual(sizes, out, rng);
        Strided<float> expected = actual;
        binary(Binary::sub, f32, sizes, a, b, actual);
        reference::binary(Binary::sub, f32, sizes, a, b, expected);
        ASSERT_TRUE(same_storage(actual, expected)) << to_string(a.strides) << to_string(b.strides);
      }
    }
  }
}

TEST_P(BinaryKernel, WritesInPlaceOverEitherInput) {
  Rng rng(2);
  for (const Binary op : every_binary) {
    for (const Layout layout : output_layouts) {
      Strided<float> a({6, 37}, layout, rng);
      a.fill([&] { return static_cast<float>(pick(rng, 1, 100)) / 128; });
      Strided<float> b = a;
      b.fill([&] { return static_cast<float>(pick(rng, 1, 100)) / 128; });
      Strided<float> expected = a;
      reference::binary(op, f32, a.sizes, a, b, expected);
      Strided<float> over_a = a;
      binary(op, f32, a.sizes, over_a, b, over_a);
      Strided<float> over_b = b;
      binary(op, f32, a.sizes, a, over_b, over_b);
      for (std::int64_t i = 0; i < 6; ++i) {
        for (std::int64_t j = 0; j < 37; ++j) {
          const std::int64_t at = i * a.strides[0] + j * a.strides[1];
          ASSERT_LE(ulp_distance(over_a.data()[at], expected.data()[at]), allowed_ulps(op));
          ASSERT_EQ(over_a.data()[at], over_b.data()[at]);
        }
      }
    }
  }
}

// The derivatives of the GELUs, against central differences of the functions themselves.
TEST_P(BinaryKernel, GeluBackwardIsTheDerivative) {
  const struct {
    Unary forward;
    Binary backward;
  } pairs[] = {{Unary::gelu, Binary::gelu_backward}, {Unary::gelu_tanh, Binary::gelu_tanh_backward}};
  for (const auto& [forward, backward] : pairs) {
    for (double x = -9; x < 9; x += 0.0625) {
      const double step = 1e-5;
      const double around[2] = {x - step, x + step};
      double values[2] = {};
      reference::unary(forward, f64, {2}, {around, {1}}, {values, {1}});
      const double grad = 3;
      double actual = 0;
      binary(backward, f64, {}, {&grad, {}}, {&x, {}}, {&actual, {}});
      EXPECT_NEAR(actual, grad * (values[1] - values[0]) / (2 * step), 1e-8) << x;
      const auto grad_f = static_cast<float>(grad);
      const auto x_f = static_cast<float>(x);
      float actual_f = 0;
      binary(backward, f32, {}, {&grad_f, {}}, {&x_f, {}}, {&actual_f, {}});
      EXPECT_NEAR(actual_f, actual, 2e-6) << x;
    }
  }
}

TEST_P(BinaryKernel, GeluBackwardAgreesWithReference) {
  Rng rng(4);
  for (const Binary op : {Binary::gelu_backward, Binary::gelu_tanh_backward}) {
    Strided<double> grad({500}, Layout::contiguous, rng);
    Strided<double> x = grad;
    grad.fill([&] { return std::normal_distribution<double>()(rng); });
    x.fill([&] { return std::normal_distribution<double>(0, 3)(rng); });
    Strided<double> actual = x;
    Strided<double> expected = x;
    binary(op, f64, x.sizes, grad, x, actual);
    reference::binary(op, f64, x.sizes, grad, x, expected);
    for (int i = 0; i < 500; ++i) EXPECT_NEAR(actual.data()[i], expected.data()[i], 1e-14);
  }
}

template <class T> T of(Binary op, T a, T b) {
  T y = 7;
  binary(op, dtype_of<T>, {}, {&a, {}}, {&b, {}}, {&y, {}});
  return y;
}

TEST_P(BinaryKernel, FollowsPyTorchOnSpecialValues) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Binary op : {Binary::maximum, Binary::minimum}) {
    EXPECT_TRUE(std::isnan(of(op, nan, 1.0F)));
    EXPECT_TRUE(std::isnan(of(op, 1.0F, nan)));
    EXPECT_TRUE(std::isnan(of(op, nan, inf)));
  }
  EXPECT_EQ(of(Binary::relu_backward, 2.0F, nan), 2.0F);  // not "result <= 0"
  EXPECT_EQ(of(Binary::relu_backward, 2.0F, -0.0F), 0.0F);
  EXPECT_EQ(of(Binary::relu_backward, nan, 1.0F) == 0, false);
  EXPECT_EQ(of(Binary::div, 1.0F, -0.0F), -inf);
  EXPECT_EQ(of(Binary::gelu_tanh_backward, 1.0F, 1e20F), 1.0F);
  EXPECT_EQ(of(Binary::gelu_tanh_backward, 1.0F, -1e20F), 0.0F);
  EXPECT_EQ(of(Binary::gelu_backward, 1.0F, 1e20F), 1.0F);
  EXPECT_EQ(of(Binary::gelu_backward, 1.0F, -1e20F), 0.0F);
}

TEST_P(BinaryKernel, PowWithAScalarExponentIsStdPow) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float bases[] = {-0.0F, 0.0F, 1.0F, -1.0F, 2.0F, -3.5F, 1e-30F, 1e30F, inf, -inf, nan, 0.3F};
  for (const float exponent : {2.0F, 3.0F, 0.5F, 1.0F, -1.0F, 0.0F, -2.0F, 2.5F, nan, inf}) {
    float actual[12] = {};
    binary(Binary::pow, f32, {12}, {bases, {1}}, {&exponent, {0}}, {actual, {1}});
    for (std::size_t i = 0; i < 12; ++i) {
      EXPECT_LE(ulp_distance(actual[i], std::pow(bases[i], exponent)), 1U) << bases[i] << "^" << exponent;
      if (!std::isnan(actual[i])) {
        EXPECT_EQ(std::signbit(actual[i]), std::signbit(std::pow(bases[i], exponent)))
            << bases[i] << "^" << exponent;
      }
    }
  }
}

TEST_P(BinaryKernel, AddScaledMultipliesTheSecondOperand) {
  Rng rng(3);
  for (const Shape& sizes : test_shapes(rng)) {
    Strided<double> a(sizes, Layout::permuted, rng);
    Strided<double> b(sizes, Layout::broadcast, rng);
    a.fill([&] { return static_cast<double>(pick(rng, -9, 9)); });
    b.fill([&] { return static_cast<double>(pick(rng, -9, 9)); });
    Strided<double> scaled = b;
    for (double& value : scaled.storage) value *= -1.5;
    Strided<double> actual(sizes, Layout::contiguous, rng);
    Strided<double> expected = actual;
    add_scaled(f64, sizes, a, b, -1.5, actual);
    reference::binary(Binary::add, f64, sizes, a, scaled, expected);
    ASSERT_TRUE(same_storage(actual, expected));
  }
  const std::int32_t a = 10;
  const std::int32_t b = 4;
  std::int32_t y = 0;
  add_scaled(i32, {}, {&a, {}}, {&b, {}}, -3, {&y, {}});
  EXPECT_EQ(y, -2);
}

TEST(Binary, TreatsBoolAsLogic) {
  const std::uint8_t a[] = {0, 0, 1, 1};
  const std::uint8_t b[] = {0, 1, 0, 1};
  std::uint8_t either[4] = {};
  std::uint8_t both[4] = {};
  binary(Binary::add, boolean, {4}, {a, {1}}, {b, {1}}, {either, {1}});
  binary(Binary::mul, boolean, {4}, {a, {1}}, {b, {1}}, {both, {1}});
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(either[i], a[i] | b[i]);
    EXPECT_EQ(both[i], a[i] & b[i]);
  }
}

TEST(Binary, WrapsIntegersAround) {
  constexpr auto highest = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(of<std::int64_t>(Binary::add, highest, 1), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(of<std::uint8_t>(Binary::sub, 1, 2), 255);
  EXPECT_EQ(of<std::int32_t>(Binary::mul, 1 << 20, 1 << 20), 0);
}

TEST(Binary, RefusesWhatADtypeHasNot) {
  std::int64_t x[2] = {};
  EXPECT_THROW(binary(Binary::div, i64, {2}, {x, {1}}, {x, {1}}, {x, {1}}), Error);
  EXPECT_THROW(binary(Binary::sub, boolean, {2}, {x, {1}}, {x, {1}}, {x, {1}}), Error);
  EXPECT_THROW(binary(Binary::add, f16, {2}, {x, {1}}, {x, {1}}, {x, {1}}), Error);
}

}  // namespace
}  // namespace mica::kernels::testing
