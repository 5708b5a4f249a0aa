// Elementwise operations as plain as they can be, in wider arithmetic: what the fast kernels are tested
// against.
#include <cmath>
#include <numbers>
#include <type_traits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>

namespace mica::kernels::reference {
namespace {

// f32 computes in f64, f64 in the widest there is; integers in unsigned arithmetic, which wraps.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double,
                                std::conditional_t<std::is_same_v<T, double>, long double, std::uint64_t>>;

[[noreturn]] void undefined(const char* operation, DType dtype) {
  throw Error(operation, fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
}

template <class W> W sigmoid(W x) { return 1 / (1 + std::exp(-x)); }
template <class W> W phi(W x) {
  return std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<W> / std::numbers::sqrt2_v<W>;
}
template <class W> W cumulative(W x) { return std::erfc(-x / std::numbers::sqrt2_v<W>) / 2; }
template <class W> constexpr W gelu_scale = 2 * std::numbers::sqrt2_v<W> * std::numbers::inv_sqrtpi_v<W>;
template <class W> constexpr W gelu_cubic = W(44715) / 1000000;

template <class W> W floating(Unary op, W x, W parameter) {
  switch (op) {
    case Unary::neg: return -x;
    case Unary::abs: return std::fabs(x);
    case Unary::sign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case Unary::square: return x * x;
    case Unary::reciprocal: return 1 / x;
    case Unary::exp: return std::exp(x);
    case Unary::log: return std::log(x);
    case Unary::sqrt: return std::sqrt(x);
    case Unary::rsqrt: return 1 / std::sqrt(x);
    case Unary::relu: return x < 0 ? 0 : x;
    case Unary::sigmoid: return sigmoid(x);
    case Unary::tanh: return std::tanh(x);
    case Unary::gelu: return x * cumulative(x);
    case Unary::gelu_tanh: return x * sigmoid(gelu_scale<W> * x * (1 + gelu_cubic<W> * x * x));
    case Unary::floor: return std::floor(x);
    case Unary::ceil: return std::ceil(x);
    case Unary::round: return std::nearbyint(x);
    case Unary::trunc: return std::trunc(x);
    case Unary::frac: return x - std::trunc(x);
    case Unary::exp2: return std::exp2(x);
    case Unary::expm1: return std::expm1(x);
    case Unary::log1p: return std::log1p(x);
    case Unary::log2: return std::log2(x);
    case Unary::sin: return std::sin(x);
    case Unary::cos: return std::cos(x);
    case Unary::erf: return std::erf(x);
    case Unary::softplus: return x > parameter ? x : std::log1p(std::exp(-std::fabs(x))) + std::fmax(x, W{0});
    default: undefined("unary", DType::f64);  // those are plain loops themselves
  }
}

template <class W> W floating(Binary op, W a, W b) {
  switch (op) {
    case Binary::add: return a + b;
    case Binary::sub: return a - b;
    case Binary::mul: return a * b;
    case Binary::div: return a / b;
    case Binary::maximum: return std::isnan(a) || std::isnan(b) ? a + b : std::fmax(a, b);
    case Binary::minimum: return std::isnan(a) || std::isnan(b) ? a + b : std::fmin(a, b);
    case Binary::pow: return std::pow(a, b);
    case Binary::relu_backward: return b <= 0 ? 0 : a;
    case Binary::sigmoid_backward: return a * b * (1 - b);
    case Binary::tanh_backward: return a * (1 - b * b);
    case Binary::gelu_backward: return a * (cumulative(b) + b * phi(b));
    case Binary::gelu_tanh_backward: {
      const W s = sigmoid(gelu_scale<W> * b * (1 + gelu_cubic<W> * b * b));
      const W bend =
          std::fabs(b) > 30 ? 0 : b * s * (1 - s) * gelu_scale<W> * (1 + 3 * gelu_cubic<W> * b * b);
      return a * (s + bend);
    }
    default: undefined("binary", DType::f64);  // those are plain loops themselves
  }
}

template <class T> T apply(Unary op, DType dtype, T x, double parameter) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(floating<Wide<T>>(op, x, parameter));
  } else {
    const auto wide = static_cast<std::uint64_t>(x);
    switch (op) {
      case Unary::neg: return static_cast<T>(-wide);
      case Unary::abs: return static_cast<T>(x < T{0} ? -wide : wide);
      case Unary::sign: return static_cast<T>((x > T{0}) - (x < T{0}));
      case Unary::square: return static_cast<T>(wide * wide);
      case Unary::relu: return x > T{0} ? x : T{0};
      default: undefined("unary", dtype);
    }
  }
}

template <class T> T apply(Binary op, DType dtype, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(floating<Wide<T>>(op, a, b));
  } else {
    const auto wide_a = static_cast<std::uint64_t>(a);
    const auto wide_b = static_cast<std::uint64_t>(b);
    switch (op) {
      case Binary::add: return static_cast<T>(wide_a + wide_b);
      case Binary::sub: return static_cast<T>(wide_a - wide_b);
      case Binary::mul: return static_cast<T>(wide_a * wide_b);
      case Binary::maximum: return a > b ? a : b;
      case Binary::minimum: return a < b ? a : b;
      default: undefined("binary", dtype);
    }
  }
}

// Calls fn with the offset of each element in each operand, in row-major order.
template <class Fn>
void for_each_element(const Shape& sizes, const Shape& a, const Shape& b, const Shape& out, Fn fn) {
  const std::int64_t count = sizes.numel();
  for (std::int64_t element = 0; element < count; ++element) {
    std::int64_t rest = element;
    std::int64_t at_a = 0;
    std::int64_t at_b = 0;
    std::int64_t at_out = 0;
    for (int i = sizes.size() - 1; i >= 0; --i) {
      const std::int64_t index = rest % sizes[i];
      rest /= sizes[i];
      at_a += index * a[i];
      at_b += index * b[i];
      at_out += index * out[i];
    }
    fn(at_a, at_b, at_out);
  }
}

}  // namespace

void unary(Unary op, DType dtype, const Shape& sizes, const In& x, const Out& out, double parameter) {
  dispatch(dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>) {
      undefined("unary", dtype);
    } else {
      if (dtype == DType::boolean && op == Unary::neg) undefined("unary", dtype);
      const T* from = static_cast<const T*>(x.data);
      T* to = static_cast<T*>(out.data);
      for_each_element(sizes, x.strides, x.strides, out.strides,
                       [&](std::int64_t i, std::int64_t, std::int64_t o) {
                         to[o] = apply<T>(op, dtype, from[i], parameter);
                       });
    }
  });
}

void binary(Binary op, DType dtype, const Shape& sizes, const In& a, const In& b, const Out& out) {
  dispatch(dtype, [&]<class T>() {
    if constexpr (std::is_same_v<T, BFloat16> || std::is_same_v<T, Half>) {
      undefined("binary", dtype);
    } else {
      if (dtype == DType::boolean && op == Binary::sub) undefined("binary", dtype);
      const T* left = static_cast<const T*>(a.data);
      const T* right = static_cast<const T*>(b.data);
      T* to = static_cast<T*>(out.data);
      for_each_element(sizes, a.strides, b.strides, out.strides,
                       [&](std::int64_t i, std::int64_t j, std::int64_t o) {
                         to[o] = apply<T>(op, dtype, left[i], right[j]);
                       });
    }
  });
}

}  // namespace mica::kernels::reference
