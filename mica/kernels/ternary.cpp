#include <cstdint>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/loops.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/ternary.cpp"
#include <hwy/foreach_target.h>  // includes this file once per target
// After it:
#include <mica/kernels/rows-inl.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

struct VectorAddcmul {
  double value;
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::MulAdd(hn::Mul(hn::Set(d, static_cast<hn::TFromD<D>>(value)), b), c, a);
  }
};
struct VectorAddcdiv {
  double value;
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::Add(a, hn::Div(hn::Mul(hn::Set(d, static_cast<hn::TFromD<D>>(value)), b), c));
  }
};
struct VectorLerp {  // from the nearer end, so that both ends are exact
  template <class D, class V> HWY_INLINE V operator()(D d, V a, V b, V weight) const {
    using T = hn::TFromD<D>;
    const V difference = hn::Sub(b, a);
    const V near_a = hn::MulAdd(weight, difference, a);
    const V near_b = hn::NegMulAdd(difference, hn::Sub(hn::Set(d, T{1}), weight), b);
    return hn::IfThenElse(hn::Lt(hn::Abs(weight), hn::Set(d, T{0.5})), near_a, near_b);
  }
};

// out[i] = op(a[i], b[i], c[i]); c may be a scalar.
template <class T, class Op> void vector_ternary(const Row& row) {
  using D = hn::ScalableTag<T>;
  const D d;
  const DenseInput<D> a{static_cast<const T*>(row.in[0])};
  const DenseInput<D> b{static_cast<const T*>(row.in[1])};
  const T* c = static_cast<const T*>(row.in[2]);
  if (row.scalars != 0)
    vector_loop<Op>(d, row, a, b, ScalarInput<D>{*c});
  else
    vector_loop<Op>(d, row, a, b, DenseInput<D>{c});
}

template <class T> RowKernel floating_kernel(Ternary op) {
  switch (op) {
    case Ternary::addcmul: return vector_ternary<T, VectorAddcmul>;
    case Ternary::addcdiv: return vector_ternary<T, VectorAddcdiv>;
    case Ternary::lerp: return vector_ternary<T, VectorLerp>;
  }
  return nullptr;
}

}  // namespace

static RowKernel ternary_kernel(Ternary op, DType dtype) {
  if (dtype == DType::f32) return floating_kernel<float>(op);
  return dtype == DType::f64 ? floating_kernel<double>(op) : nullptr;
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(ternary_kernel);

void ternary(Ternary op, DType dtype, const Shape& sizes, const In& a, const In& b, const In& c, double value,
             const Out& out) {
  const RowKernel kernel = HWY_DYNAMIC_DISPATCH(ternary_kernel)(op, dtype);
  if (kernel == nullptr) {
    throw Error("ternary", fmt::format("not defined for {} tensors", name(dtype)), "convert to f32 first");
  }
  const auto item = static_cast<std::int64_t>(item_size(dtype));
  for_each_row(sizes, {{a.data, a.strides, item}, {b.data, b.strides, item}, {c.data, c.strides, item}},
               {out.data, out.strides, item}, {.kernel = kernel, .scalars_allowed = 4, .parameter = value});
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
