#include <cmath>
#include <cstddef>

#include <hwy/cache_control.h>

#include <mica/kernels/map_tile.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/map_tile.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/functors-inl.h>
#include <mica/kernels/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

static_assert(HWY_MAX_BYTES <= vector_bytes);

struct Copy {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return x; }
};
struct NormalCdf {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return normal(d, x).cumulative; }
};

// Conditions have all bits set or none.
struct Eq {
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::VecFromMask(d, hn::Eq(a, b));
  }
};
struct Ne {
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::VecFromMask(d, hn::Ne(a, b));
  }
};
struct Lt {
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::VecFromMask(d, hn::Lt(a, b));
  }
};
struct Le {
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::VecFromMask(d, hn::Le(a, b));
  }
};
struct LogicalNot {
  template <class D, class V> HWY_INLINE V operator()(D, V a) const { return hn::Not(a); }
};
struct LogicalAnd {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::And(a, b); }
};
struct LogicalOr {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Or(a, b); }
};
struct Where {
  template <class D, class V> HWY_INLINE V operator()(D, V condition, V a, V b) const {
    return hn::IfThenElse(hn::MaskFromVec(condition), a, b);
  }
};

template <class D> HWY_INLINE hn::Vec<D> at(D d, const Operand& x, std::size_t i) {
  return hn::LoadU(d, static_cast<const hn::TFromD<D>*>(x.data) + (i & x.mask));
}

template <class T, class Op, int operands>
void vector_tile(const Target& to, const Operand* in, std::size_t count) {
  const hn::ScalableTag<T> d;
  const Op op;
  T* out = static_cast<T*>(to.data);
  const T* ahead = static_cast<const T*>(to.ahead);
  const bool stream = to.stream;
  const std::size_t lanes = hn::Lanes(d);
  const Operand a = in[0];
  const Operand b = operands > 1 ? in[1] : Operand{};
  const Operand c = operands > 2 ? in[2] : Operand{};
  for (std::size_t i = 0; i < count; i += lanes) {
    hwy::Prefetch(ahead + i);
    hn::Vec<decltype(d)> y;
    if constexpr (operands == 1)
      y = op(d, at(d, a, i));
    else if constexpr (operands == 2)
      y = op(d, at(d, a, i), at(d, b, i));
    else
      y = op(d, at(d, a, i), at(d, b, i), at(d, c, i));
    if (stream)
      hn::Stream(y, d, out + i);
    else
      hn::StoreU(y, d, out + i);
  }
}

template <class T> void pow_tile(const Target& to, const Operand* in, std::size_t count) {
  T* out = static_cast<T*>(to.data);
  const T* a = static_cast<const T*>(in[0].data);
  const T* b = static_cast<const T*>(in[1].data);
  for (std::size_t i = 0; i < count; ++i) out[i] = std::pow(a[i & in[0].mask], b[i & in[1].mask]);
}

template <class T> TileKernel kernel_of(MapOp op) {
  switch (op) {
    case MapOp::input:
    case MapOp::constant: return vector_tile<T, Copy, 1>;
    case MapOp::neg: return vector_tile<T, VectorNeg, 1>;
    case MapOp::abs: return vector_tile<T, VectorAbs, 1>;
    case MapOp::sign: return vector_tile<T, VectorSign, 1>;
    case MapOp::floor: return vector_tile<T, VectorFloor, 1>;
    case MapOp::ceil: return vector_tile<T, VectorCeil, 1>;
    case MapOp::round: return vector_tile<T, VectorRound, 1>;
    case MapOp::trunc: return vector_tile<T, VectorTrunc, 1>;
    case MapOp::sqrt: return vector_tile<T, VectorSqrt, 1>;
    case MapOp::exp: return vector_tile<T, VectorExp, 1>;
    case MapOp::expm1: return vector_tile<T, VectorExpm1, 1>;
    case MapOp::log: return vector_tile<T, VectorLog, 1>;
    case MapOp::log1p: return vector_tile<T, VectorLog1p, 1>;
    case MapOp::sin: return vector_tile<T, VectorSin, 1>;
    case MapOp::cos: return vector_tile<T, VectorCos, 1>;
    case MapOp::sigmoid: return vector_tile<T, VectorSigmoid, 1>;
    case MapOp::tanh: return vector_tile<T, VectorTanh, 1>;
    case MapOp::erf: return vector_tile<T, VectorErf, 1>;
    case MapOp::normal_cdf: return vector_tile<T, NormalCdf, 1>;
    case MapOp::logical_not: return vector_tile<T, LogicalNot, 1>;
    case MapOp::add: return vector_tile<T, VectorAdd, 2>;
    case MapOp::sub: return vector_tile<T, VectorSub, 2>;
    case MapOp::mul: return vector_tile<T, VectorMul, 2>;
    case MapOp::div: return vector_tile<T, VectorDiv, 2>;
    case MapOp::maximum: return vector_tile<T, VectorMaximum, 2>;
    case MapOp::minimum: return vector_tile<T, VectorMinimum, 2>;
    case MapOp::pow: return pow_tile<T>;
    case MapOp::eq: return vector_tile<T, Eq, 2>;
    case MapOp::ne: return vector_tile<T, Ne, 2>;
    case MapOp::lt:
    case MapOp::gt: return vector_tile<T, Lt, 2>;  // whose operands change places
    case MapOp::le:
    case MapOp::ge: return vector_tile<T, Le, 2>;
    case MapOp::logical_and: return vector_tile<T, LogicalAnd, 2>;
    case MapOp::logical_or: return vector_tile<T, LogicalOr, 2>;
    case MapOp::where: return vector_tile<T, Where, 3>;
  }
  return nullptr;
}

}  // namespace

static TileKernel tile_kernel(MapOp op, DType type) {
  return type == DType::f64 ? kernel_of<double>(op) : kernel_of<float>(op);
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(tile_kernel);

TileKernel map_tile(MapOp op, DType type) { return HWY_DYNAMIC_DISPATCH(tile_kernel)(op, type); }

}  // namespace mica::kernels
#endif  // HWY_ONCE
