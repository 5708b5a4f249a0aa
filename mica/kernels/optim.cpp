#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/optim.cpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

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

// All tensors end to end as one parallel loop: body(tensor, first element, number of elements). Each thread
// works with its own copy of `body`, which may keep state.
template <class Tensor, class Body> void for_ranges(std::span<const Tensor> tensors, const Body& shared) {
  std::int64_t units = 0;
  for (const Tensor& t : tensors) units += unit_count(t.count);
  parallel_for(0, units, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    Body body = shared;
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

template <class T> void sgd(const SgdTensor& t, const SgdOptions& o, std::int64_t begin, std::int64_t count) {
  const Tag<T> d;
  T* param = static_cast<T*>(t.param) + begin;
  const T* grad = static_cast<const T*>(t.grad) + begin;
  T* buffer = t.momentum ? static_cast<T*>(t.momentum) + begin : nullptr;
  const Vec<T> minus_lr = hn::Set(d, static_cast<T>(-o.lr));
  const Vec<T> momentum = hn::Set(d, static_cast<T>(o.momentum));
  const Vec<T> kept = hn::Set(d, static_cast<T>(1 - o.dampening));
  const Vec<T> weight_decay = hn::Set(d, static_cast<T>(o.weight_decay));
  for_lanes<T>(count, [&](std::int64_t i, auto access) HWY_ATTR {
    const Vec<T> p = access.load(d, param + i);
    Vec<T> step = access.load(d, grad + i);
    if (o.maximize) step = hn::Neg(step);
    if (o.weight_decay != 0) step = hn::MulAdd(p, weight_decay, step);
    if (buffer) {
      Vec<T> b = step;
      if (!t.first_momentum) {
        b = hn::MulAdd(step, kept, hn::Mul(access.load(d, buffer + i), momentum));
      }
      access.store(b, d, buffer + i);
      step = o.nesterov ? hn::MulAdd(b, momentum, step) : b;
    }
    access.store(hn::MulAdd(step, minus_lr, p), d, param + i);
  });
}

// The scalars of Adam that depend on the step. Tensors mostly share it, so the last ones are kept.
struct AdamStep {
  std::int64_t step = 0;
  double step_size = 0, sqrt_correction2 = 1;

  void update(const AdamOptions& o, std::int64_t new_step) {
    if (step == new_step) return;
    step = new_step;
    const double t = static_cast<double>(step);
    step_size = o.lr / (1 - std::pow(o.beta1, t));
    sqrt_correction2 = std::sqrt(1 - std::pow(o.beta2, t));
  }
};

template <class T>
void adam(const AdamTensor& t, const AdamOptions& o, const AdamStep& s, std::int64_t begin,
          std::int64_t count) {
  const Tag<T> d;
  T* param = static_cast<T*>(t.param) + begin;
  const T* grad = static_cast<const T*>(t.grad) + begin;
  T* exp_avg = static_cast<T*>(t.exp_avg) + begin;
  T* exp_avg_sq = static_cast<T*>(t.exp_avg_sq) + begin;
  T* max_exp_avg_sq = t.max_exp_avg_sq ? static_cast<T*>(t.max_exp_avg_sq) + begin : nullptr;
  const Vec<T> beta1 = hn::Set(d, static_cast<T>(o.beta1));
  const Vec<T> beta2 = hn::Set(d, static_cast<T>(o.beta2));
  const Vec<T> rest1 = hn::Set(d, static_cast<T>(1 - o.beta1));
  const Vec<T> rest2 = hn::Set(d, static_cast<T>(1 - o.beta2));
  const Vec<T> eps = hn::Set(d, static_cast<T>(o.eps));
  const Vec<T> minus_step_size = hn::Set(d, static_cast<T>(-s.step_size));
  const Vec<T> sqrt_correction2 = hn::Set(d, static_cast<T>(s.sqrt_correction2));
  const bool decays = o.weight_decay != 0;
  const Vec<T> weight_decay = hn::Set(d, static_cast<T>(o.weight_decay));
  const Vec<T> shrink = hn::Set(d, static_cast<T>(1 - o.lr * o.weight_decay));
  for_lanes<T>(count, [&](std::int64_t i, auto access) HWY_ATTR {
    Vec<T> p = access.load(d, param + i);
    Vec<T> g = access.load(d, grad + i);
    if (o.maximize) g = hn::Neg(g);
    if (decays && o.decoupled_weight_decay) p = hn::Mul(p, shrink);
    if (decays && !o.decoupled_weight_decay) g = hn::MulAdd(p, weight_decay, g);
    const Vec<T> m = hn::MulAdd(g, rest1, hn::Mul(access.load(d, exp_avg + i), beta1));
    Vec<T> v = hn::MulAdd(hn::Mul(g, g), rest2, hn::Mul(access.load(d, exp_avg_sq + i), beta2));
    access.store(m, d, exp_avg + i);
    access.store(v, d, exp_avg_sq + i);
    if (max_exp_avg_sq) {
      const Vec<T> max = access.load(d, max_exp_avg_sq + i);
      v = hn::IfThenElse(hn::Or(hn::Gt(max, v), hn::IsNaN(max)), max, v);  // Max drops NaN on some targets
      access.store(v, d, max_exp_avg_sq + i);
    }
    const Vec<T> denom = hn::Add(hn::Div(hn::Sqrt(v), sqrt_correction2), eps);
    access.store(hn::MulAdd(minus_step_size, hn::Div(m, denom), p), d, param + i);
  });
}

struct AdamBody {
  const AdamOptions& options;
  AdamStep step;

  void operator()(const AdamTensor& t, std::int64_t begin, std::int64_t count) {
    step.update(options, t.step);
    dispatch_floating("adam_step", t.dtype,
                      [&]<class T>() HWY_ATTR { adam<T>(t, options, step, begin, count); });
  }
};

void sgd_target(std::span<const SgdTensor> tensors, const SgdOptions& options) {
  for_ranges(tensors, [&](const SgdTensor& t, std::int64_t begin, std::int64_t count) HWY_ATTR {
    dispatch_floating("sgd_step", t.dtype, [&]<class T>() HWY_ATTR { sgd<T>(t, options, begin, count); });
  });
}

void adam_target(std::span<const AdamTensor> tensors, const AdamOptions& options) {
  for_ranges(tensors, AdamBody{options, {}});
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(sgd_target);
HWY_EXPORT(adam_target);

void sgd_step(std::span<const SgdTensor> tensors, const SgdOptions& options) {
  HWY_DYNAMIC_DISPATCH(sgd_target)(tensors, options);
}

void adam_step(std::span<const AdamTensor> tensors, const AdamOptions& options) {
  HWY_DYNAMIC_DISPATCH(adam_target)(tensors, options);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
