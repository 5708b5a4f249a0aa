#include <cmath>
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
#define HWY_TARGET_INCLUDE "mica/kernels/binary.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/functors-inl.h>
#include <mica/kernels/math-inl.h>
#include <mica/kernels/rows-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

struct VectorAddScaled {
  double alpha;
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::MulAdd(b, hn::Set(d, static_cast<hn::TFromD<D>>(alpha)), a);
  }
};

struct VectorReluBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V grad, V result) const {
    return hn::IfThenElse(hn::Le(result, hn::Zero(d)), hn::Zero(d), grad);
  }
};
struct VectorSigmoidBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V grad, V y) const {
    return hn::Mul(grad, hn::Mul(y, hn::Sub(hn::Set(d, hn::TFromD<D>{1}), y)));
  }
};
struct VectorTanhBackward {
  template <class D, class V> HWY_INLINE V operator()(D d, V grad, V y) const {
    return hn::Mul(grad, hn::NegMulAdd(y, y, hn::Set(d, hn::TFromD<D>{1})));
  }
};
struct VectorGeluBackward {  // d/dx x Phi(x) = Phi(x) + x phi(x)
  template <class D, class V> HWY_INLINE V operator()(D d, V grad, V x) const {
    const auto [density, cumulative] = normal(d, x);
    return hn::Mul(grad, hn::MulAdd(x, density, cumulative));
  }
};
struct VectorGeluTanhBackward {  // d/dx x s(v(x)) = s + x s (1 - s) v'(x)
  template <class D, class V> HWY_INLINE V operator()(D d, V grad, V x) const {
    using T = hn::TFromD<D>;
    const V one = hn::Set(d, T{1});
    // With e = exp(-|v|), s is 1 / (1 + e) or e / (1 + e), and s (1 - s) is e / (1 + e)^2 without
    // cancellation.
    const V v = gelu_tanh_argument(d, x);
    const V e = exp(d, hn::Neg(hn::Abs(v)));
    const V r = hn::Div(one, hn::Add(one, e));
    const V s = hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(e, r), r);
    // Far out, where e is zero and the powers of x would overflow, the second term is zero.
    const V limit = hn::Set(d, T{30});
    const V y = hn::Min(hn::Max(x, hn::Neg(limit)), limit);
    const V slope =
        hn::MulAdd(hn::Mul(y, y), hn::Set(d, static_cast<T>(3 * gelu_tanh_cubic * gelu_tanh_scale)),
                   hn::Set(d, static_cast<T>(gelu_tanh_scale)));
    const V bend = hn::Mul(hn::Mul(y, slope), hn::Mul(hn::Mul(e, r), r));
    return hn::Mul(grad, hn::Add(s, bend));
  }
};

struct VectorCube {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Mul(x, hn::Mul(x, x)); }
};
struct VectorPowHalf {  // pow(x, 0.5) differs from sqrt at -0 and -inf
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V root = hn::Sqrt(hn::Add(x, hn::Zero(d)));
    return hn::IfThenElse(hn::Eq(x, hn::Neg(hn::Inf(d))), hn::Inf(d), root);
  }
};
struct LoopPow {
  template <class T> HWY_INLINE T operator()(T a, T b) const { return std::pow(a, b); }
};

// Common scalar exponents need no std::pow.
template <class T> void pow_row(const Row& row) {
  if (row.scalars == 2) {
    const T exponent = *static_cast<const T*>(row.in[1]);
    if (exponent == T{2}) return vector_unary<T, VectorSquare>(row);
    if (exponent == T{3}) return vector_unary<T, VectorCube>(row);
    if (exponent == T{0.5}) return vector_unary<T, VectorPowHalf>(row);
    if (exponent == T{-1}) return vector_unary<T, VectorReciprocal>(row);
  }
  loop_binary<T, T, LoopPow>(row);
}

// Integers wrap around, so their arithmetic is done without a sign.
struct LoopAdd {
  template <class T> HWY_INLINE T operator()(T a, T b) const {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  }
};
struct LoopSub {
  template <class T> HWY_INLINE T operator()(T a, T b) const {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  }
};
struct LoopMul {
  template <class T> HWY_INLINE T operator()(T a, T b) const {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  }
};
struct LoopMaximum {
  template <class T> HWY_INLINE T operator()(T a, T b) const { return a < b ? b : a; }
};
struct LoopMinimum {
  template <class T> HWY_INLINE T operator()(T a, T b) const { return b < a ? b : a; }
};
struct LoopAddScaled {
  double alpha;
  template <class T> HWY_INLINE T operator()(T a, T b) const {
    return LoopAdd{}(a, LoopMul{}(b, static_cast<T>(static_cast<std::int64_t>(alpha))));
  }
};

template <class T> RowKernel floating_kernel(Binary op) {
  switch (op) {
    case Binary::add: return vector_binary<T, VectorAdd>;
    case Binary::sub: return vector_binary<T, VectorSub>;
    case Binary::mul: return vector_binary<T, VectorMul>;
    case Binary::div: return vector_binary<T, VectorDiv>;
    case Binary::maximum: return vector_binary<T, VectorMaximum>;
    case Binary::minimum: return vector_binary<T, VectorMinimum>;
    case Binary::pow: return pow_row<T>;
    case Binary::relu_backward: return vector_binary<T, VectorReluBackward>;
    case Binary::sigmoid_backward: return vector_binary<T, VectorSigmoidBackward>;
    case Binary::tanh_backward: return vector_binary<T, VectorTanhBackward>;
    case Binary::gelu_backward: return vector_binary<T, VectorGeluBackward>;
    case Binary::gelu_tanh_backward: return vector_binary<T, VectorGeluTanhBackward>;
    default: return nullptr;
  }
}

template <class T> RowKernel integer_kernel(Binary op) {
  switch (op) {
    case Binary::add: return loop_binary<T, T, LoopAdd>;
    case Binary::sub: return loop_binary<T, T, LoopSub>;
    case Binary::mul: return loop_binary<T, T, LoopMul>;
    case Binary::maximum: return loop_binary<T, T, LoopMaximum>;
    case Binary::minimum: return loop_binary<T, T, LoopMinimum>;
    default: return nullptr;
  }
}

RowKernel bool_kernel(Binary op) {
  switch (op) {
    case Binary::add:
    case Binary::maximum: return integer_kernel<std::uint8_t>(Binary::maximum);
    case Binary::mul:
    case Binary::minimum: return integer_kernel<std::uint8_t>(Binary::minimum);
    default: return nullptr;
  }
}

}  // namespace

// Null when the operation is not defined for the dtype.
static RowKernel binary_kernel(Binary op, DType dtype) {
  switch (dtype) {
    case DType::f32: return floating_kernel<float>(op);
    case DType::f64: return floating_kernel<double>(op);
    case DType::i64: return integer_kernel<std::int64_t>(op);
    case DType::i32: return integer_kernel<std::int32_t>(op);
    case DType::u8: return integer_kernel<std::uint8_t>(op);
    case DType::boolean: return bool_kernel(op);
    case DType::bf16:
    case DType::f16: return nullptr;
  }
  return nullptr;
}

static RowKernel add_scaled_kernel(DType dtype) {
  switch (dtype) {
    case DType::f32: return vector_binary<float, VectorAddScaled>;
    case DType::f64: return vector_binary<double, VectorAddScaled>;
    case DType::i64: return loop_binary<std::int64_t, std::int64_t, LoopAddScaled>;
    case DType::i32: return loop_binary<std::int32_t, std::int32_t, LoopAddScaled>;
    case DType::u8: return loop_binary<std::uint8_t, std::uint8_t, LoopAddScaled>;
    default: return nullptr;
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {
namespace {

HWY_EXPORT(binary_kernel);
HWY_EXPORT(add_scaled_kernel);

void run_binary(RowKernel kernel, std::int64_t grain, double parameter, DType dtype, const Shape& sizes,
                const In& a, const In& b, const Out& out) {
  if (kernel == nullptr) {
    throw Error("binary", fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
  }
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  for_each_row(sizes, {{a.data, a.strides, item}, {b.data, b.strides, item}}, {out.data, out.strides, item},
               {.kernel = kernel, .grain = grain, .scalars_allowed = 3, .parameter = parameter});
}

}  // namespace

void binary(Binary op, DType dtype, const Shape& sizes, const In& a, const In& b, const Out& out) {
  RowKernel kernel = HWY_DYNAMIC_DISPATCH(binary_kernel)(op, dtype);
  if (kernel == nullptr) kernel = division_kernel(op, dtype);
  if (kernel == nullptr) kernel = special_kernel(op, dtype);
  const bool costly = op == Binary::pow || op == Binary::gelu_backward || op == Binary::gelu_tanh_backward ||
                      (op >= Binary::remainder && op <= Binary::logaddexp);
  run_binary(kernel, costly ? Pass::costly_grain : Pass::cheap_grain, 0, dtype, sizes, a, b, out);
}

void add_scaled(DType dtype, const Shape& sizes, const In& a, const In& b, double alpha, const Out& out) {
  run_binary(HWY_DYNAMIC_DISPATCH(add_scaled_kernel)(dtype), Pass::cheap_grain, alpha, dtype, sizes, a, b,
             out);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
