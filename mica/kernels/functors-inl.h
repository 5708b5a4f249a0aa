// The operations on one vector that kernels of several files are made of: function objects that take the tag
// first. Included once per Highway target, from a .cpp that uses foreach_target.h.
#if defined(MICA_KERNELS_FUNCTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_FUNCTORS_INL_H_
#undef MICA_KERNELS_FUNCTORS_INL_H_
#else
#define MICA_KERNELS_FUNCTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <mica/kernels/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct VectorNeg {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Neg(x); }
};
struct VectorAbs {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Abs(x); }
};
struct VectorSign {  // NaN gives 0, as torch.sign
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    const V zero = hn::Zero(d);
    const V one = hn::Set(d, hn::TFromD<D>{1});
    return hn::Sub(hn::IfThenElseZero(hn::Gt(x, zero), one), hn::IfThenElseZero(hn::Lt(x, zero), one));
  }
};
struct VectorSquare {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Mul(x, x); }
};
struct VectorReciprocal {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
    return hn::Div(hn::Set(d, hn::TFromD<D>{1}), x);
  }
};
struct VectorSqrt {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Sqrt(x); }
};
// The sign of zero is copied since Highway's emulated target loses it.
struct VectorFloor {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::CopySign(hn::Floor(x), x); }
};
struct VectorCeil {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::Ceil(x); }
};
struct VectorRound {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::CopySign(hn::Round(x), x); }
};
struct VectorTrunc {
  template <class D, class V> HWY_INLINE V operator()(D, V x) const { return hn::CopySign(hn::Trunc(x), x); }
};
struct VectorExp {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return exp(d, x); }
};
struct VectorExpm1 {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return expm1(d, x); }
};
struct VectorLog {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return log(d, x); }
};
struct VectorLog1p {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return log1p(d, x); }
};
struct VectorSin {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return sin(d, x); }
};
struct VectorCos {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return cos(d, x); }
};
struct VectorSigmoid {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return sigmoid(d, x); }
};
struct VectorTanh {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return tanh(d, x); }
};
struct VectorErf {
  template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return erf(d, x); }
};

struct VectorAdd {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Add(a, b); }
};
struct VectorSub {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Sub(a, b); }
};
struct VectorMul {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Mul(a, b); }
};
struct VectorDiv {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Div(a, b); }
};
struct VectorMaximum {  // a NaN in `a` loses no comparison, one in `b` is asked for
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
  }
};
struct VectorMinimum {
  template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
  }
};

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // MICA_KERNELS_FUNCTORS_INL_H_
