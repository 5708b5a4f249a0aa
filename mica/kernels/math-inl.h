// Vector exponentials, logarithms, tanh, sigmoid, erf, sin, cos and the normal distribution, for f32 and f64,
// one body for both. Included once per Highway target, from a .cpp that uses foreach_target.h.
//
// Argument reduction follows the usual routes (Cody & Waite 1980; Muller, "Elementary Functions", 2016). The
// polynomials interpolate at Chebyshev nodes, computed with 50 digits. Errors measured against f64 or
// extended precision: f32 below 2 ulp, f64 below 3 ulp, for every function on its whole domain (the normal
// distribution: see below). NaN stays NaN; infinities and subnormals come out as in <cmath>.
#if defined(MICA_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_MATH_INL_H_
#undef MICA_KERNELS_MATH_INL_H_
#else
#define MICA_KERNELS_MATH_INL_H_
#endif

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Coefficients, lowest power first.
template <class T> struct MathConstants;

template <> struct MathConstants<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr int exponent_bias = 127;
  static constexpr float round_magic =
      12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  static constexpr float ln2_high = 0.693145751953125F, ln2_low = 1.42860682030941723212e-6F;
  static constexpr float exp_lowest = -104.0F, exp_highest = 89.0F;  // beyond: 0 and infinity
  static constexpr float exp_plain = 87.0F;                          // up to this size 2^n is a normal number
  static constexpr float exp2_lowest = -151.0F, exp2_highest = 129.0F;
  static constexpr float tanh_saturation = 9.2F;  // beyond: 1
  static constexpr float smallest_normal = 0x1p-126F, subnormal_scale = 0x1p23F, subnormal_exponent = 23.0F;
  // (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2
  static constexpr float exp_tail[] = {0.5F, 0.166665768F, 0.0416665544F, 0.00836320297F, 0.00139262135F};
  // (2 atanh(s) - 2 s) / s^3 in s^2, for |s| <= 0.1716
  static constexpr float log_tail[] = {0.666666666F, 0.400001226F, 0.285507364F, 0.23332763F};
  // erf(x) / x in x^2, for |x| <= 0.5
  static constexpr float erf_series[] = {1.12837917F,    -0.376126389F,    0.112837917F,  -0.0268661706F,
                                         0.00522397763F, -0.000854832702F, 0.00012055333F};
  static constexpr float normal_pivot = 4.0F;
  // e^(x^2 / 2) Phi(-x) (x + k) in t = (x - k) / (x + k), for 0 <= x <= 14.6, beyond which Phi(-x) is
  // 0, and k the pivot
  static constexpr float normal_tail[] = {0.755285139F,    -0.607896604F,   0.38713668F,     -0.186523068F,
                                          0.0604064176F,   -0.00752683325F, -0.00352305191F, 0.00156878478F,
                                          0.000193591071F, -0.000123515356F};
};

template <> struct MathConstants<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr int exponent_bias = 1023;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double exp_lowest = -746.0, exp_highest = 710.0;
  static constexpr double exp_plain = 708.0;
  static constexpr double exp2_lowest = -1076.0, exp2_highest = 1025.0;
  static constexpr double tanh_saturation = 20.0;
  static constexpr double smallest_normal = 0x1p-1022, subnormal_scale = 0x1p52, subnormal_exponent = 52.0;
  static constexpr double exp_tail[] = {0.5,
                                        0.16666666666666671,
                                        0.0416666666666666698,
                                        0.00833333333332608312,
                                        0.00138888888888837112,
                                        0.000198412698750022788,
                                        0.0000248015873256774619,
                                        2.75572551700008874e-6,
                                        2.75572734787185805e-7,
                                        2.51053127296221018e-8,
                                        2.09147553258932022e-9};
  static constexpr double log_tail[] = {0.666666666666666973, 0.399999999998982728, 0.285714286265336159,
                                        0.222222110437768582, 0.18182895750119194,  0.153315016111453277,
                                        0.146191661348879714};
  static constexpr double erf_series[] = {
      1.12837916709551256,     -0.376126389031837538,    0.112837916709551261,    -0.0268661706451312522,
      0.00522397762544218793,  -0.000854832702345085225, 0.000120553329817896636, -1.49256503584062504e-05,
      1.64621143658892463e-06, -1.63658446912349245e-07, 1.48071928158792176e-08, -1.22905553017179263e-09,
      9.42275906465041125e-11};
  static constexpr double normal_pivot = 5.0;
  static constexpr double normal_tail[] = {
      0.76919304975006296,      -0.665382502890057685,   0.49530561596997679,       -0.313533156671213766,
      0.165020366170342813,     -0.0691186387088143285,  0.0207950668009416153,     -0.00299337673822321996,
      -0.000797869409480806354, 0.000544898830900930007, -0.0000593756732864886558, -0.0000497617711897921823,
      0.0000166810991158634668, 3.97791264059324225e-6,  -2.76933787104385417e-6,   -3.31069807152686198e-7,
      4.34026259482977534e-7,   3.58184005154322338e-8,  -6.78255531329115541e-8,   -5.0156499398578569e-9,
      9.44682751967736646e-9,   5.03730212637985613e-10, -8.16619262442898631e-10};
};

// Coefficients [first, first + count). Halves are computed apart (Estrin 1960): in a chain of products each
// would wait for the one before.
template <std::size_t first, std::size_t count, class D, class V, std::size_t N>
HWY_INLINE V polynomial_part(D d, V x, V x2, V x4, V x8, const hn::TFromD<D> (&coefficients)[N]) {
  if constexpr (count == 1) {
    return hn::Set(d, coefficients[first]);
  } else {
    constexpr std::size_t low = std::bit_floor(count - 1);
    static_assert(low <= 8);
    const V power = low == 1 ? x : low == 2 ? x2 : low == 4 ? x4 : x8;
    return hn::MulAdd(polynomial_part<first + low, count - low>(d, x, x2, x4, x8, coefficients), power,
                      polynomial_part<first, low>(d, x, x2, x4, x8, coefficients));
  }
}
template <class D, class V, std::size_t N>
HWY_INLINE V polynomial(D d, V x, const hn::TFromD<D> (&coefficients)[N]) {
  V sum = hn::Set(d, coefficients[N - 1]);
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    const V x2 = hn::Mul(x, x), x4 = hn::Mul(x2, x2), x8 = hn::Mul(x4, x4);  // unused ones cost nothing
    // The constant term, often the largest, comes last: that keeps a digit.
    sum =
        hn::MulAdd(polynomial_part<1, N - 1>(d, x, x2, x4, x8, coefficients), x, hn::Set(d, coefficients[0]));
  } else {  // for accuracy before speed, Horner's chain
#pragma GCC unroll 32
    for (std::size_t i = N - 1; i-- > 0;) sum = hn::MulAdd(sum, x, hn::Set(d, coefficients[i]));
  }
  return sum;
}

// 2^n as a number, from n + round_magic, whose low bits are n; n within the exponents of normal numbers.
template <class D, class V> HWY_INLINE V power_of_two(D d, V shifted) {
  using C = MathConstants<hn::TFromD<D>>;
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const auto biased = hn::Add(hn::BitCast(du, shifted), hn::Set(du, U{C::exponent_bias}));
  return hn::BitCast(d, hn::ShiftLeft<C::mantissa_bits>(biased));
}

// e^x = 2^n (1 + p) with |p| < 0.42 and p accurate even when it is tiny. `shifted` is n + round_magic.
template <class V> struct ExpParts {
  V n, p, shifted;
};
template <class D, class V> HWY_INLINE ExpParts<V> exp_parts(D d, V x) {
  using C = MathConstants<hn::TFromD<D>>;
  const V magic = hn::Set(d, C::round_magic);
  const V log2e = hn::Set(d, static_cast<hn::TFromD<D>>(1.44269504088896340736));
  const V shifted = hn::MulAdd(x, log2e, magic);
  const V n = hn::Sub(shifted, magic);
  const V r = hn::NegMulAdd(n, hn::Set(d, C::ln2_low), hn::NegMulAdd(n, hn::Set(d, C::ln2_high), x));
  return {n, hn::MulAdd(hn::Mul(r, r), polynomial(d, r, C::exp_tail), r), shifted};
}

// x limited to [lowest, highest] by comparisons, not Min and Max: NaN must pass.
template <class D, class V> HWY_INLINE V limited(D d, V x, hn::TFromD<D> lowest, hn::TFromD<D> highest) {
  const V low = hn::Set(d, lowest);
  const V high = hn::Set(d, highest);
  x = hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::IfThenElse(hn::Gt(x, high), high, x);
}

// 2^n (1 + p) with two factors, because 2^n alone may be subnormal or too large.
template <class D, class V> HWY_INLINE V from_exp_parts(D d, V n, V p) {
  using T = hn::TFromD<D>;
  const V magic = hn::Set(d, MathConstants<T>::round_magic);
  const V half = hn::MulAdd(n, hn::Set(d, T{0.5}), magic);
  const V rest = hn::Add(hn::Sub(n, hn::Sub(half, magic)), magic);
  return hn::Mul(hn::Mul(hn::Add(p, hn::Set(d, T{1})), power_of_two(d, half)), power_of_two(d, rest));
}

template <class D, class V> HWY_INLINE V exp(D d, V x) {
  using C = MathConstants<hn::TFromD<D>>;
  // Where 2^n is a normal number in all lanes, it is one factor; NaN goes the long way.
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, C::exp_plain))))) {
    const auto [n, p, shifted] = exp_parts(d, x);
    const V scale = power_of_two(d, shifted);
    return hn::MulAdd(scale, p, scale);
  }
  const auto [n, p, shifted] = exp_parts(d, limited(d, x, C::exp_lowest, C::exp_highest));
  return from_exp_parts(d, n, p);
}

template <class D, class V> HWY_INLINE V exp2(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathConstants<T>;
  x = limited(d, x, C::exp2_lowest, C::exp2_highest);
  const V magic = hn::Set(d, C::round_magic);
  const V n = hn::Sub(hn::Add(x, magic), magic);
  const V r = hn::Mul(hn::Sub(x, n), hn::Set(d, static_cast<T>(0.69314718055994530942)));
  return from_exp_parts(d, n, hn::MulAdd(hn::Mul(r, r), polynomial(d, r, C::exp_tail), r));
}

// e^x - 1
template <class D, class V> HWY_INLINE V expm1(D d, V x) {
  using T = hn::TFromD<D>;
  const T saturation = 40;  // beyond: e^x, or -1
  const auto [n, p, shifted] = exp_parts(d, limited(d, x, -saturation, saturation));
  const V scale = power_of_two(d, shifted);
  const V m = hn::MulAdd(scale, p, hn::Sub(scale, hn::Set(d, T{1})));
  return hn::CopySign(hn::IfThenElse(hn::Gt(x, hn::Set(d, saturation)), exp(d, x), m), x);
}

// log(x) = e ln(2) + f - (half_square - product), with |f - (half_square - product)| <= ln(2) / 2, for x > 0.
template <class V> struct LogParts {
  V e, f, half_square, product;
};
template <class D, class V> HWY_INLINE LogParts<V> log_parts(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathConstants<T>;
  const hn::RebindToSigned<D> di;
  using I = hn::TFromD<decltype(di)>;
  const V one = hn::Set(d, T{1});

  const auto subnormal = hn::Lt(x, hn::Set(d, C::smallest_normal));
  const V y = hn::IfThenElse(subnormal, hn::Mul(x, hn::Set(d, C::subnormal_scale)), x);

  // y = 2^e m with m in [sqrt(1/2), sqrt(2)). Subtracting the bits of sqrt(1/2) makes the exponent field e.
  const auto offset = hn::BitCast(di, hn::Set(d, static_cast<T>(0.70710678118654752440)));
  const auto shifted = hn::Sub(hn::BitCast(di, y), offset);
  const auto exponent_mask = hn::Set(di, static_cast<I>(~((I{1} << C::mantissa_bits) - 1)));
  const V m = hn::BitCast(d, hn::Sub(hn::BitCast(di, y), hn::And(shifted, exponent_mask)));
  // The exponent as a float: its bits, unsigned after adding the bias, ORed under 2^mantissa_bits.
  const hn::RebindToUnsigned<D> du;
  using U = hn::TFromD<decltype(du)>;
  const auto biased =
      hn::Add(hn::BitCast(du, shifted), hn::Set(du, static_cast<U>(U{C::exponent_bias} << C::mantissa_bits)));
  const V two_to_m = hn::Set(d, static_cast<T>(U{1} << C::mantissa_bits));
  const V e_biased =
      hn::BitCast(d, hn::Or(hn::ShiftRight<C::mantissa_bits>(biased), hn::BitCast(du, two_to_m)));
  const V bias = hn::Set(d, static_cast<T>((U{1} << C::mantissa_bits) + U{C::exponent_bias}));
  V e = hn::Sub(e_biased, bias);
  e = hn::Sub(e, hn::IfThenElseZero(subnormal, hn::Set(d, C::subnormal_exponent)));

  // log(m) = log(1 + f) = 2 atanh(s), s = f / (2 + f), arranged so that f enters exactly.
  const V f = hn::Sub(m, one);
  const V s = hn::Div(f, hn::Add(f, hn::Set(d, T{2})));
  const V z = hn::Mul(s, s);
  const V tail = hn::Mul(z, polynomial(d, z, C::log_tail));
  const V half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, T{0.5}));
  return {e, f, half_square, hn::Mul(s, hn::Add(half_square, tail))};
}

// The logarithm of x, given what log_parts makes of it: right where x is not a positive number, too.
template <class D, class V> HWY_INLINE V log_everywhere(D d, V x, V result) {
  const V zero = hn::Zero(d);
  const V infinity = hn::Inf(d);
  result = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), result);
  result = hn::IfThenElse(hn::Lt(x, zero), hn::NaN(d), result);
  return hn::IfThenElse(hn::Lt(x, infinity), result, hn::IfThenElse(hn::Eq(x, infinity), x, hn::NaN(d)));
}

template <class D, class V> HWY_INLINE V log(D d, V x) {
  using C = MathConstants<hn::TFromD<D>>;
  const auto [e, f, half_square, product] = log_parts(d, x);
  const V low = hn::MulAdd(e, hn::Set(d, C::ln2_low), product);
  return log_everywhere(d, x, hn::MulAdd(e, hn::Set(d, C::ln2_high), hn::Sub(f, hn::Sub(half_square, low))));
}

// Exact for powers of two.
template <class D, class V> HWY_INLINE V log2(D d, V x) {
  const auto [e, f, half_square, product] = log_parts(d, x);
  const V log2e = hn::Set(d, static_cast<hn::TFromD<D>>(1.44269504088896340736));
  return log_everywhere(d, x, hn::MulAdd(hn::Sub(f, hn::Sub(half_square, product)), log2e, e));
}

// log(1 + x): what is lost in rounding u = 1 + x is added again, divided by the slope 1 / u.
template <class D, class V> HWY_INLINE V log1p(D d, V x) {
  const V one = hn::Set(d, hn::TFromD<D>{1});
  const V u = hn::Add(x, one);
  const V lost = hn::Div(hn::Sub(x, hn::Sub(u, one)), u);
  const auto usable = hn::And(hn::Gt(u, hn::Zero(d)), hn::Lt(u, hn::Inf(d)));
  return hn::CopySign(hn::Add(log(d, u), hn::IfThenElseZero(usable, lost)), x);
}

// 1 / (1 + e^-x). Only large powers have to be exact at the end of their range: the small ones vanish
// beside 1.
template <class D, class V> HWY_INLINE V sigmoid(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathConstants<T>;
  const V one = hn::Set(d, T{1});
  const V highest = hn::Set(d, C::exp_highest);
  const V y = hn::Max(hn::Min(hn::Neg(x), highest), hn::Neg(hn::Set(d, T{80})));
  const auto [n, p, shifted] = exp_parts(d, y);
  // Twice half the power, as 2^n alone may be too large.
  const V half = power_of_two(d, hn::Sub(shifted, hn::Set(d, T{1})));
  const V power = hn::Mul(hn::Add(p, one), half);
  const V result = hn::Div(one, hn::Add(hn::Add(power, power), one));
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

// m / (m + 2) with m = e^(2|x|) - 1, which keeps its relative accuracy near zero.
template <class D, class V> HWY_INLINE V tanh(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathConstants<T>;
  const V saturation = hn::Set(d, C::tanh_saturation);
  V y = hn::Abs(x);
  y = hn::IfThenElse(hn::Gt(y, saturation), saturation, y);
  const auto [n, p, shifted] = exp_parts(d, hn::Add(y, y));
  const V scale = power_of_two(d, shifted);
  const V m = hn::MulAdd(scale, p, hn::Sub(scale, hn::Set(d, T{1})));
  return hn::CopySign(hn::Div(m, hn::Add(m, hn::Set(d, T{2}))), x);
}

// The standard normal distribution: its density and Phi, the probability of a value below x. Phi keeps its
// relative accuracy in the lower tail up to the rounding of x^2 (a relative error of x^2 / 2 units of
// roundoff).
template <class V> struct Normal {
  V density, cumulative;
};
template <class D, class V> HWY_INLINE Normal<V> normal(D d, V x) {
  using T = hn::TFromD<D>;
  using C = MathConstants<T>;
  const V one = hn::Set(d, T{1});
  const V bell = exp(d, hn::Mul(hn::Mul(x, x), hn::Set(d, T{-0.5})));
  // Phi(-|x|) = bell * r * P(t) with r = 1 / (|x| + k) and t = (|x| - k) r, which maps [0, inf] to [-1, 1].
  const V pivot = hn::Set(d, C::normal_pivot);
  const V r = hn::Div(one, hn::Add(hn::Abs(x), pivot));
  const V t = hn::NegMulAdd(hn::Add(pivot, pivot), r, one);
  const V tail = hn::Mul(hn::Mul(bell, r), polynomial(d, t, C::normal_tail));
  const V cumulative = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Sub(one, tail), tail);
  return {hn::Mul(bell, hn::Set(d, static_cast<T>(0.39894228040143267794))), cumulative};
}

// Its series near zero, 1 - erfc(|x|) elsewhere.
template <class D, class V> HWY_INLINE V erf(D d, V x) {
  using T = hn::TFromD<D>;
  const V series = hn::Mul(x, polynomial(d, hn::Mul(x, x), MathConstants<T>::erf_series));
  const V size = hn::Abs(x);
  const V tail = normal(d, hn::Mul(size, hn::Set(d, static_cast<T>(-1.41421356237309504880)))).cumulative;
  const V far = hn::CopySign(hn::NegMulAdd(tail, hn::Set(d, T{2}), hn::Set(d, T{1})), x);
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, T{0.5})), series, far);
}

// log(1 + e^x) without overflow.
template <class D, class V> HWY_INLINE V softplus(D d, V x) {
  return hn::Add(hn::Max(x, hn::Zero(d)), log1p(d, exp(d, hn::Neg(hn::Abs(x)))));
}

// Highway's sine and cosine are good to 3 ulp up to 39000. Lanes beyond that go through <cmath>.
template <class D, class V, class Exact> HWY_INLINE V periodic(D d, V x, V near, Exact exact) {
  using T = hn::TFromD<D>;
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, T{39000}))))) return near;
  HWY_ALIGN T from[hn::MaxLanes(d)];
  HWY_ALIGN T to[hn::MaxLanes(d)];
  hn::Store(x, d, from);
  hn::Store(near, d, to);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
    if (!(std::fabs(from[i]) <= T{39000})) to[i] = exact(from[i]);
  }
  return hn::Load(d, to);
}
template <class D, class V> HWY_INLINE V sin(D d, V x) {
  const V near = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, hn::Sin(d, x));  // -0 stays -0
  return periodic(d, x, near, [](auto lane) { return std::sin(lane); });
}
template <class D, class V> HWY_INLINE V cos(D d, V x) {
  return periodic(d, x, hn::Cos(d, x), [](auto lane) { return std::cos(lane); });
}

// 2 sqrt(2 / pi) (x + 0.044715 x^3): the tanh form of GELU is x sigmoid() of it.
inline constexpr double gelu_tanh_scale = 1.59576912160573071176;
inline constexpr double gelu_tanh_cubic = 0.044715;
template <class D, class V> HWY_INLINE V gelu_tanh_argument(D d, V x) {
  using T = hn::TFromD<D>;
  const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, static_cast<T>(gelu_tanh_cubic)), hn::Set(d, T{1}));
  return hn::Mul(hn::Mul(x, hn::Set(d, static_cast<T>(gelu_tanh_scale))), cubic);
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
