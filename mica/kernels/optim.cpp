#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/optim.cpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <variant>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/optim.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// Work is handed out in units of this many elements; a unit never spans two tensors.
constexpr std::int64_t unit = 256;
// Units (32768 elements) below which one thread is done before others have woken.
constexpr std::int64_t grain = 128;

std::int64_t unit_count(std::int64_t elements) { return (elements + unit - 1) / unit; }

// All tensors end to end as one parallel loop: body(tensor, first element, number of elements).
template <class Tensor, class Body> void for_ranges(std::span<const Tensor> tensors, const Body& body) {
  std::int64_t units = 0;
  for (const Tensor& t : tensors) units += unit_count(t.count);
  parallel_for(0, units, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    std::int64_t start = 0;  // of the tensor, in units
    for (const Tensor& t : tensors) {
      const std::int64_t end = start + unit_count(t.count);
      if (start >= last) break;
      if (end > first) {
        const std::int64_t begin = (std::max(first, start) - start) * unit;
        body(t, begin, std::min(t.count, (std::min(last, end) - start) * unit) - begin);
      }
      start = end;
    }
  });
}

// --- what all rules begin with, and averages ---

template <class D> HWY_INLINE hn::Vec<D> number(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}

template <class D, class V> HWY_INLINE V gradient(D d, V p, V g, double weight_decay, bool maximize) {
  if (maximize) g = hn::Neg(g);
  return weight_decay != 0 ? hn::MulAdd(p, number(d, weight_decay), g) : g;
}

// kept * average + (1 - kept) * x
template <class D, class V> HWY_INLINE V average(D d, V average, V x, double kept) {
  return hn::MulAdd(x, number(d, 1 - kept), hn::Mul(average, number(d, kept)));
}

// --- the rules, in the order of optim.h ---

template <class D, class V>
HWY_INLINE void apply(D d, const SgdRule& r, V& p, V g, V& a, V& /*b*/, V& /*c*/) {
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  if (r.momentum != 0) {
    a = r.first ? g : hn::MulAdd(g, number(d, 1 - r.dampening), hn::Mul(a, number(d, r.momentum)));
    g = r.nesterov ? hn::MulAdd(a, number(d, r.momentum), g) : a;
  }
  p = hn::NegMulAdd(g, number(d, r.lr), p);
}

template <class D, class V> HWY_INLINE void apply(D d, const AdamRule& r, V& p, V g, V& a, V& b, V& c) {
  p = hn::Mul(p, number(d, r.shrink));
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = average(d, a, g, r.beta1);
  b = average(d, b, hn::Mul(g, g), r.beta2);
  V v = b;
  if (r.amsgrad) {
    // Max drops NaN on some targets.
    c = hn::IfThenElse(hn::Or(hn::Gt(c, b), hn::IsNaN(c)), c, b);
    v = c;
  }
  const V denominator = hn::Add(hn::Div(hn::Sqrt(v), number(d, r.sqrt_correction2)), number(d, r.eps));
  p = hn::NegMulAdd(number(d, r.step_size), hn::Div(a, denominator), p);
}

template <class D, class V> HWY_INLINE void apply(D d, const AdamaxRule& r, V& p, V g, V& a, V& b, V& /*c*/) {
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = average(d, a, g, r.beta1);
  b = hn::Mul(b, number(d, r.beta2));
  const V size = hn::Add(hn::Abs(g), number(d, r.eps));
  b = hn::IfThenElse(hn::Or(hn::Gt(b, size), hn::IsNaN(b)), b, size);
  p = hn::NegMulAdd(number(d, r.step_size), hn::Div(a, b), p);
}

template <class D, class V> HWY_INLINE void apply(D d, const NAdamRule& r, V& p, V g, V& a, V& b, V& /*c*/) {
  p = hn::Mul(p, number(d, r.shrink));
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = average(d, a, g, r.beta1);
  b = average(d, b, hn::Mul(g, g), r.beta2);
  const V denominator = hn::Add(hn::Sqrt(hn::Div(b, number(d, r.correction2))), number(d, r.eps));
  const V step = hn::MulAdd(number(d, r.momentum_step), a, hn::Mul(number(d, r.grad_step), g));
  p = hn::Sub(p, hn::Div(step, denominator));
}

template <class D, class V> HWY_INLINE void apply(D d, const RAdamRule& r, V& p, V g, V& a, V& b, V& /*c*/) {
  p = hn::Mul(p, number(d, r.shrink));
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = average(d, a, g, r.beta1);
  b = average(d, b, hn::Mul(g, g), r.beta2);
  const V step = r.rectified ? hn::Div(a, hn::Add(hn::Sqrt(b), number(d, r.eps))) : a;
  p = hn::NegMulAdd(number(d, r.step_size), step, p);
}

template <class D, class V> HWY_INLINE void apply(D d, const RmspropRule& r, V& p, V g, V& a, V& b, V& c) {
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = average(d, a, hn::Mul(g, g), r.alpha);
  V variance = a;
  if (r.centered) {
    c = average(d, c, g, r.alpha);
    variance = hn::NegMulAdd(c, c, a);
  }
  g = hn::Div(g, hn::Add(hn::Sqrt(variance), number(d, r.eps)));
  if (r.momentum != 0) {
    b = hn::MulAdd(b, number(d, r.momentum), g);
    g = b;
  }
  p = hn::NegMulAdd(number(d, r.lr), g, p);
}

template <class D, class V>
HWY_INLINE void apply(D d, const AdagradRule& r, V& p, V g, V& a, V& /*b*/, V& /*c*/) {
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = hn::MulAdd(g, g, a);
  p = hn::NegMulAdd(number(d, r.step_size), hn::Div(g, hn::Add(hn::Sqrt(a), number(d, r.eps))), p);
}

template <class D, class V>
HWY_INLINE void apply(D d, const AdadeltaRule& r, V& p, V g, V& a, V& b, V& /*c*/) {
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  a = average(d, a, hn::Mul(g, g), r.rho);
  const V eps = number(d, r.eps);
  const V step = hn::Mul(hn::Div(hn::Sqrt(hn::Add(b, eps)), hn::Sqrt(hn::Add(a, eps))), g);
  b = average(d, b, hn::Mul(step, step), r.rho);
  p = hn::NegMulAdd(number(d, r.lr), step, p);
}

template <class D, class V>
HWY_INLINE void apply(D d, const AsgdRule& r, V& p, V g, V& a, V& /*b*/, V& /*c*/) {
  g = gradient(d, p, g, r.weight_decay, r.maximize);
  p = hn::NegMulAdd(number(d, r.eta), g, hn::Mul(p, number(d, r.shrink)));
  a = r.mu == 1 ? p : hn::MulAdd(hn::Sub(p, a), number(d, r.mu), a);
}

template <class D, class V> HWY_INLINE void apply(D d, const RpropRule& r, V& p, V g, V& a, V& b, V& /*c*/) {
  const V zero = hn::Zero(d);
  g = gradient(d, p, g, 0, r.maximize);
  const V agreement = hn::Mul(g, a);
  const auto turned = hn::Lt(agreement, zero);
  V factor = hn::IfThenElse(hn::Gt(agreement, zero), number(d, r.eta_plus), number(d, 1));
  factor = hn::IfThenElse(turned, number(d, r.eta_minus), factor);
  b = hn::Min(hn::Max(hn::Mul(b, factor), number(d, r.smallest)), number(d, r.largest));
  g = hn::IfThenZeroElse(turned, g);
  const V down = hn::IfThenElseZero(hn::Gt(g, zero), b);
  p = hn::Sub(p, hn::IfThenElse(hn::Lt(g, zero), hn::Neg(b), down));
  a = g;
}

template <class T, class Rule>
void update(const OptimTensor<Rule>& t, std::int64_t begin, std::int64_t count) {
  const Tag<T> d;
  const auto at = [&](void* array) { return array ? static_cast<T*>(array) + begin : nullptr; };
  T* param = at(t.param);
  const T* grad = static_cast<const T*>(t.grad) + begin;
  T* const a = at(t.state[0]);
  T* const b = at(t.state[1]);
  T* const c = at(t.state[2]);
  const Rule rule = t.rule;  // a copy that no store can alias
  for_lanes<T>(count, [&](std::int64_t i, auto access) HWY_ATTR {
    Vec<T> p = access.load(d, param + i);
    Vec<T> va = a ? access.load(d, a + i) : hn::Zero(d);
    Vec<T> vb = b ? access.load(d, b + i) : hn::Zero(d);
    Vec<T> vc = c ? access.load(d, c + i) : hn::Zero(d);
    apply(d, rule, p, access.load(d, grad + i), va, vb, vc);
    access.store(p, d, param + i);
    if (a) access.store(va, d, a + i);
    if (b) access.store(vb, d, b + i);
    if (c) access.store(vc, d, c + i);
  });
}

void optim_target(const AnyOptimTensors& any) {
  std::visit(
      [](const auto& tensors) HWY_ATTR {
        for_ranges(tensors, [](const auto& t, std::int64_t begin, std::int64_t count) HWY_ATTR {
          dispatch_floating("optim_step", t.dtype, [&]<class T>() HWY_ATTR { update<T>(t, begin, count); });
        });
      },
      any);
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(optim_target);

void optim_step(const AnyOptimTensors& tensors) { HWY_DYNAMIC_DISPATCH(optim_target)(tensors); }

}  // namespace mica::kernels
#endif  // HWY_ONCE
