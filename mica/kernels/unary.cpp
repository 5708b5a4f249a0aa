#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/loops.h>
#include <mica/kernels/plain.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/unary.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/functors-inl.h>
#include <mica/kernels/math-inl.h>
#include <mica/kernels/rows-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

struct VectorRsqrt {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(hn::Set(d, hn::TFromD<D>{1}), hn::Sqrt(x));
  }
};
struct VectorRelu {  // keeps NaN
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d);
    return hn::IfThenElse(hn::Lt(x, zero), zero, x);
  }
};
struct VectorGelu {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, normal(d, x).cumulative);
  }
};
struct VectorGeluTanh {  // (1 + tanh(u)) / 2 = sigmoid(2u), without its cancellation
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::Mul(x, sigmoid(d, gelu_tanh_argument(d, x)));
  }
};
struct VectorFrac {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Sub(x, hn::Trunc(x)); }
};
struct VectorExp2 {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return exp2(d, x); }
};
struct VectorLog2 {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return log2(d, x); }
};
struct VectorSoftplus {
  double threshold;
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const auto linear = hn::Gt(x, hn::Set(d, static_cast<hn::TFromD<D>>(threshold)));
    return hn::IfThenElse(linear, x, softplus(d, x));
  }
};

// Integers wrap around, so their arithmetic is done without a sign.
struct LoopNeg {
  template <class T> HWY_INLINE T operator()(T x) const {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(U{0} - static_cast<U>(x));
  }
};
struct LoopAbs {
  template <class T> HWY_INLINE T operator()(T x) const { return x < T{0} ? LoopNeg{}(x) : x; }
};
struct LoopSign {
  template <class T> HWY_INLINE T operator()(T x) const { return static_cast<T>((x > T{0}) - (x < T{0})); }
};
struct LoopSquare {
  template <class T> HWY_INLINE T operator()(T x) const {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(x) * static_cast<U>(x));
  }
};
struct LoopRelu {
  template <class T> HWY_INLINE T operator()(T x) const { return std::max(x, T{0}); }
};

template <class T> RowKernel floating_kernel(Unary op) {
  switch (op) {
    case Unary::neg: return vector_unary<T, VectorNeg>;
    case Unary::abs: return vector_unary<T, VectorAbs>;
    case Unary::sign: return vector_unary<T, VectorSign>;
    case Unary::square: return vector_unary<T, VectorSquare>;
    case Unary::reciprocal: return vector_unary<T, VectorReciprocal>;
    case Unary::exp: return vector_unary<T, VectorExp>;
    case Unary::log: return vector_unary<T, VectorLog>;
    case Unary::sqrt: return vector_unary<T, VectorSqrt>;
    case Unary::rsqrt: return vector_unary<T, VectorRsqrt>;
    case Unary::relu: return vector_unary<T, VectorRelu>;
    case Unary::sigmoid: return vector_unary<T, VectorSigmoid>;
    case Unary::tanh: return vector_unary<T, VectorTanh>;
    case Unary::gelu: return vector_unary<T, VectorGelu>;
    case Unary::gelu_tanh: return vector_unary<T, VectorGeluTanh>;
    case Unary::floor: return vector_unary<T, VectorFloor>;
    case Unary::ceil: return vector_unary<T, VectorCeil>;
    case Unary::round: return vector_unary<T, VectorRound>;
    case Unary::trunc: return vector_unary<T, VectorTrunc>;
    case Unary::frac: return vector_unary<T, VectorFrac>;
    case Unary::exp2: return vector_unary<T, VectorExp2>;
    case Unary::expm1: return vector_unary<T, VectorExpm1>;
    case Unary::log1p: return vector_unary<T, VectorLog1p>;
    case Unary::log2: return vector_unary<T, VectorLog2>;
    case Unary::sin: return vector_unary<T, VectorSin>;
    case Unary::cos: return vector_unary<T, VectorCos>;
    case Unary::erf: return vector_unary<T, VectorErf>;
    case Unary::softplus: return vector_unary<T, VectorSoftplus>;
    default: return nullptr;
  }
}

template <class T> RowKernel integer_kernel(Unary op) {
  switch (op) {
    case Unary::neg: return loop_unary<T, T, LoopNeg>;
    case Unary::abs: return loop_unary<T, T, LoopAbs>;
    case Unary::sign: return loop_unary<T, T, LoopSign>;
    case Unary::square: return loop_unary<T, T, LoopSquare>;
    case Unary::relu: return loop_unary<T, T, LoopRelu>;
    default: return nullptr;
  }
}

}  // namespace

// Null when the operation is not defined for the dtype.
static RowKernel unary_kernel(Unary op, DType dtype) {
  switch (dtype) {
    case DType::f32: return floating_kernel<float>(op);
    case DType::f64: return floating_kernel<double>(op);
    case DType::i64: return integer_kernel<std::int64_t>(op);
    case DType::i32: return integer_kernel<std::int32_t>(op);
    case DType::u8: return integer_kernel<std::uint8_t>(op);
    case DType::boolean: return op == Unary::neg ? nullptr : integer_kernel<std::uint8_t>(op);
    case DType::bf16:
    case DType::f16: return nullptr;
  }
  return nullptr;
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(unary_kernel);

void unary(Unary op, DType dtype, const Shape& sizes, const In& x, const Out& out, double parameter) {
  const RowKernel kernel =
      op < Unary::log10 ? HWY_DYNAMIC_DISPATCH(unary_kernel)(op, dtype) : special_kernel(op, dtype);
  if (kernel == nullptr) {
    throw Error("unary", fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
  }
  constexpr auto costly = [](Unary u) {
    return u == Unary::exp || u == Unary::log || u == Unary::sigmoid || u == Unary::tanh ||
           u == Unary::gelu || u == Unary::gelu_tanh || u >= Unary::exp2;
  };
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  for_each_row(sizes, {{x.data, x.strides, item}}, {out.data, out.strides, item},
               {.kernel = kernel,
                .grain = costly(op) ? Pass::costly_grain : Pass::cheap_grain,
                .parameter = parameter});
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
