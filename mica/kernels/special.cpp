// Functions of the C library and of mathematical physics, element by element.
#include <cmath>  // and lgamma_r: std::lgamma writes to a global variable
#include <cstdint>
#include <limits>
#include <numbers>

#include <mica/kernels/plain.h>

namespace mica::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The derivative of lgamma: by reflection to positive x, by recurrence to large ones, where Stirling's series
// is good to the last place (Abramowitz & Stegun 6.3.5, 6.3.7, 6.3.18).
double digamma(double x) {
  if (x == 0) return std::copysign(infinity, -x);
  if (x < 0) {
    const double fraction = x - std::nearbyint(x);  // exact
    if (!(std::fabs(fraction) > 0)) return nan;     // a pole, whose sides differ
    return digamma(1 - x) - std::numbers::pi / std::tan(std::numbers::pi * fraction);
  }
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  // Bernoulli numbers B(2k) / 2k
  constexpr double series[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                               1.0 / 132, -691.0 / 32760, 1.0 / 12};
  const double z = 1 / (x * x);
  double tail = 0;
  for (int k = 6; k >= 0; --k) tail = (tail + series[k]) * z;
  return sum + std::log(x) - 0.5 / x - tail;
}

// The sum of (q + k)^-s over k >= 0, for whole s >= 2, by Euler and Maclaurin's formula from the point where
// its series converges fast.
double hurwitz_zeta(double s, double q) {
  if (q == infinity) return 0;
  if (q <= 0) {
    if (q == std::floor(q)) return std::isinf(q) ? nan : infinity;
    // The terms with a negative base are those of another such sum, cut off.
    const double above = q - std::floor(q);
    const double below = std::ceil(q) - q;
    const double sign = std::fmod(s, 2) == 0 ? 1 : -1;
    return hurwitz_zeta(s, above) + sign * (hurwitz_zeta(s, below) - hurwitz_zeta(s, 1 - q));
  }
  double sum = 0;
  for (; q < 10 + s; q += 1) sum += std::pow(q, -s);
  // B(2k) / (2k)!
  constexpr double series[] = {1.0 / 12,           -1.0 / 720,     1.0 / 30240,
                               -1.0 / 1209600,     1.0 / 47900160, -691.0 / 1307674368000.0,
                               1.0 / 74724249600.0};
  const double power = std::pow(q, -s);
  double term = power / q * s;  // s (s + 1) ... (s + 2k) q^(-s - 2k - 1)
  sum += power * q / (s - 1) + power / 2;
  for (int k = 0; k < 7; ++k) {
    sum += series[k] * term;
    term *= (s + 2 * k + 1) * (s + 2 * k + 2) / (q * q);
  }
  return sum;
}

double polygamma(double n, double x) {
  if (n == 0) return digamma(x);
  const double sign = std::fmod(n, 2) == 0 ? -1 : 1;
  return sign * std::tgamma(n + 1) * hurwitz_zeta(n + 1, x);
}

// Solves erf(x) = y by Halley's method, from Winitzki's closed approximation (2008). Near 1, where erf has no
// digits left, it solves erfc(x) = 1 - y.
double erfinv(double y) {
  const double size = std::fabs(y);
  if (!(size < 1)) return size == 1 ? std::copysign(infinity, y) : nan;
  const double slope = std::numbers::inv_sqrtpi * 2;  // of erf at 0
  double x = size / slope;
  if (size > 0.1) {
    const double a = 0.147;
    const double logarithm = std::log((1 - size) * (1 + size));
    const double t = std::numbers::inv_pi * 2 / a + logarithm / 2;
    x = std::sqrt(std::sqrt(t * t - logarithm / a) - t);
  }
  for (int i = 0; i < 3; ++i) {
    const double error = size < 0.5 ? std::erf(x) - size : (1 - size) - std::erfc(x);
    const double step = error / (slope * std::exp(-x * x));
    x -= step / (1 + x * step);
  }
  return std::copysign(x, y);
}

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

struct Log10 {
  template <class T> T operator()(T x) const { return std::log10(x); }
};
struct Tan {
  template <class T> T operator()(T x) const { return std::tan(x); }
};
struct Asin {
  template <class T> T operator()(T x) const { return std::asin(x); }
};
struct Acos {
  template <class T> T operator()(T x) const { return std::acos(x); }
};
struct Atan {
  template <class T> T operator()(T x) const { return std::atan(x); }
};
struct Sinh {
  template <class T> T operator()(T x) const { return std::sinh(x); }
};
struct Cosh {
  template <class T> T operator()(T x) const { return std::cosh(x); }
};
struct Asinh {
  template <class T> T operator()(T x) const { return std::asinh(x); }
};
struct Acosh {
  template <class T> T operator()(T x) const { return std::acosh(x); }
};
struct Atanh {
  template <class T> T operator()(T x) const { return std::atanh(x); }
};
struct Erfc {
  template <class T> T operator()(T x) const { return std::erfc(x); }
};
struct Erfinv {
  template <class T> T operator()(T x) const { return static_cast<T>(erfinv(x)); }
};
struct Lgamma {
  template <class T> T operator()(T x) const { return static_cast<T>(log_gamma(x)); }
};
struct Digamma {
  template <class T> T operator()(T x) const { return static_cast<T>(digamma(x)); }
};
struct Polygamma {
  double n;
  template <class T> T operator()(T x) const { return static_cast<T>(polygamma(n, x)); }
};

struct Atan2 {
  template <class T> T operator()(T a, T b) const { return std::atan2(a, b); }
};
struct Hypot {
  template <class T> T operator()(T a, T b) const { return std::hypot(a, b); }
};
struct Logaddexp {
  template <class T> T operator()(T a, T b) const {
    if (a == b && std::isinf(a)) return a;
    const T larger = a > b ? a : b;
    return larger + std::log1p(std::exp(-std::fabs(a - b)));
  }
};

template <class T> RowKernel floating(Unary op) {
  switch (op) {
    case Unary::log10: return plain_unary<T, Log10>;
    case Unary::tan: return plain_unary<T, Tan>;
    case Unary::asin: return plain_unary<T, Asin>;
    case Unary::acos: return plain_unary<T, Acos>;
    case Unary::atan: return plain_unary<T, Atan>;
    case Unary::sinh: return plain_unary<T, Sinh>;
    case Unary::cosh: return plain_unary<T, Cosh>;
    case Unary::asinh: return plain_unary<T, Asinh>;
    case Unary::acosh: return plain_unary<T, Acosh>;
    case Unary::atanh: return plain_unary<T, Atanh>;
    case Unary::erfc: return plain_unary<T, Erfc>;
    case Unary::erfinv: return plain_unary<T, Erfinv>;
    case Unary::lgamma: return plain_unary<T, Lgamma>;
    case Unary::digamma: return plain_unary<T, Digamma>;
    case Unary::polygamma: return plain_unary<T, Polygamma>;
    default: return nullptr;
  }
}

template <class T> RowKernel floating(Binary op) {
  switch (op) {
    case Binary::atan2: return plain_binary<T, Atan2>;
    case Binary::hypot: return plain_binary<T, Hypot>;
    case Binary::logaddexp: return plain_binary<T, Logaddexp>;
    default: return nullptr;
  }
}

template <class Op> RowKernel kernel_of(Op op, DType dtype) {
  if (dtype == DType::f32) return floating<float>(op);
  return dtype == DType::f64 ? floating<double>(op) : nullptr;
}

}  // namespace

RowKernel special_kernel(Unary op, DType dtype) { return kernel_of(op, dtype); }
RowKernel special_kernel(Binary op, DType dtype) { return kernel_of(op, dtype); }

}  // namespace mica::kernels
