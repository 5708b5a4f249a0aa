// With w the class weights, W their sum, t the target, e the label smoothing and lse = log(sum_c exp(x_c)):
//   loss = (1 - e) * w_t * (lse - x_t) + e / C * sum_c w_c * (lse - x_c)
//   dloss/dx_c = exp(x_c - lse) * ((1 - e) * w_t + e / C * W) - e / C * w_c - (1 - e) * w_t * [c == t]
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/cross_entropy.cpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/columns-inl.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/math-inl.h>
#include <mica/kernels/softmax.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// The arguments with their types back, and what all items share.
template <class T> struct Problem {
  explicit Problem(const CrossEntropy& c)
      : classes(c.classes),
        logits(static_cast<const T*>(c.logits)),
        target(c.target),
        weight(static_cast<const T*>(c.weight)),
        ignore_index(c.ignore_index),
        smoothing(c.label_smoothing) {
    total_weight = weight ? std::accumulate(weight, weight + classes, 0.0) : static_cast<double>(classes);
  }

  double weight_of(std::int64_t label) const { return weight ? static_cast<double>(weight[label]) : 1.0; }
  double smoothing_per_class() const { return smoothing / static_cast<double>(classes); }

  // `spread`: sum_c w_c * (x_c - shift).
  double loss(std::int64_t label, double x_label, double lse, double spread, double shift) const {
    const double hard = weight_of(label) * (lse - x_label);
    if (smoothing == 0) return hard;
    return (1 - smoothing) * hard + smoothing_per_class() * (total_weight * (lse - shift) - spread);
  }

  std::int64_t classes;
  const T* logits;
  const std::int64_t* target;
  const T* weight;
  std::int64_t ignore_index;
  double smoothing;
  double total_weight = 0;
};

// Taken off the logits before they are summed, so that a large common offset costs no digits.
template <class T> HWY_INLINE T shift_of(T x) { return std::isfinite(x) ? x : T(0); }

// Blocks that fit the L1 cache are read from memory once; a running maximum rescales what came before. `next`
// is the row to come, fetched from memory meanwhile.
template <class T> double log_sum_exp(std::int64_t n, const T* x, const T* next) {
  const Tag<T> d;
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;
  for (std::int64_t begin = 0; begin < n; begin += sum_block) {
    const std::int64_t count = std::min(n - begin, sum_block);
    const T* block = x + begin;
    const double block_max = static_cast<double>(max_lanes(count, block));
    const bool all_lowest = block_max == -std::numeric_limits<double>::infinity();
    const Vec<T> pivot = hn::Set(d, all_lowest ? T(0) : static_cast<T>(block_max));
    const double block_sum = sum_lanes<T>(count, [&](std::int64_t i, auto access) HWY_ATTR {
      hwy::Prefetch(next + begin + i);
      return exp(d, hn::Sub(access.load(d, block + i), pivot));
    });
    if (all_lowest) {
      sum += block_sum;  // 0, or NaN when there is one in the block
    } else if (block_max > max) {
      sum = sum * std::exp(max - block_max) + block_sum;
      max = block_max;
    } else {
      sum += block_sum * std::exp(block_max - max);
    }
  }
  return max + std::log(sum);
}

// w_c * (x - shift), for the classes c of the lanes at i.
template <class T, class Access>
HWY_INLINE Vec<T> weighted(const T* weight, std::int64_t i, Access access, Vec<T> x) {
  return weight ? hn::Mul(access.load(Tag<T>(), weight + i), x) : x;
}

template <class T> void forward_rows(const CrossEntropy& c, T* losses, T* log_sum_exps) {
  const Problem<T> p(c);
  const Tag<T> d;
  const std::int64_t n = p.classes;
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / n);
  parallel_for(0, c.outer, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t label = p.target[row];
      if (label == p.ignore_index) {
        losses[row] = log_sum_exps[row] = T(0);
        continue;
      }
      const T* x = p.logits + row * n;
      const double lse = log_sum_exp(n, x, row + 1 < last ? x + n : x);
      const T shift = shift_of(x[0]);
      double spread = 0;
      if (p.smoothing != 0) {
        spread = sum_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
          return weighted(p.weight, i, access, hn::Sub(access.load(d, x + i), hn::Set(d, shift)));
        });
      }
      losses[row] = static_cast<T>(p.loss(label, static_cast<double>(x[label]), lse, spread, shift));
      log_sum_exps[row] = static_cast<T>(lse);
    }
  });
}

template <class T> void forward_columns(const CrossEntropy& c, T* losses, T* log_sum_exps) {
  const Problem<T> p(c);
  const Tag<T> d;
  const std::int64_t n = p.classes;
  const std::int64_t pitch = c.inner;
  for_column_tiles(c.outer, n, pitch, [&](std::int64_t at, std::int64_t width, std::int64_t next) HWY_ATTR {
    const T* x = p.logits + at;
    HWY_ALIGN T max[max_tile];
    HWY_ALIGN T shift[max_tile];
    HWY_ALIGN double sum[max_tile];
    HWY_ALIGN double spread[max_tile] = {};
    column_max(n, width, pitch, x, max);
    column_sums<T>(n, width, sum, [&](std::int64_t i, std::int64_t j, auto access) HWY_ATTR {
      hwy::Prefetch(x + i * pitch + j + next);
      return exp(d, hn::Sub(access.load(d, x + i * pitch + j), access.load(d, max + j)));
    });
    if (p.smoothing != 0) {
      std::transform(x, x + width, shift, [](T value) HWY_ATTR { return shift_of(value); });
      column_sums<T>(n, width, spread, [&](std::int64_t i, std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> v = hn::Sub(access.load(d, x + i * pitch + j), access.load(d, shift + j));
        return p.weight ? hn::Mul(hn::Set(d, p.weight[i]), v) : v;
      });
    }
    const std::int64_t item = at / (n * pitch) * pitch + at % pitch;
    for (std::int64_t j = 0; j < width; ++j) {
      const std::int64_t label = p.target[item + j];
      const bool ignored = label == p.ignore_index;
      const double lse = ignored ? 0 : static_cast<double>(max[j]) + std::log(sum[j]);
      log_sum_exps[item + j] = static_cast<T>(lse);
      losses[item + j] =
          ignored ? T(0)
                  : static_cast<T>(p.loss(label, static_cast<double>(x[label * pitch + j]), lse, spread[j],
                                          p.smoothing != 0 ? static_cast<double>(shift[j]) : 0));
    }
  });
}

// The coefficients of one item's gradient: probability * p_c - per_class * w_c - at_target * [c == t].
struct Coefficients {
  double probability = 0, per_class = 0, at_target = 0;
};
template <class T> Coefficients coefficients(const Problem<T>& p, std::int64_t label, double scale) {
  const double hard = scale * (1 - p.smoothing) * p.weight_of(label);
  const double soft = scale * p.smoothing_per_class();
  return {.probability = hard + soft * p.total_weight, .per_class = soft, .at_target = hard};
}

template <class T>
void backward_rows(const CrossEntropy& c, const T* log_sum_exps, const T* scale, std::int64_t scale_step,
                   T* grad_logits) {
  const Problem<T> p(c);
  const Tag<T> d;
  const std::int64_t n = p.classes;
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / n);
  parallel_for(0, c.outer, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t label = p.target[row];
      T* out = grad_logits + row * n;
      if (label == p.ignore_index) {
        std::fill_n(out, n, T(0));
        continue;
      }
      const T* x = p.logits + row * n;
      const Coefficients k = coefficients(p, label, static_cast<double>(scale[row * scale_step]));
      const Vec<T> lse = hn::Set(d, log_sum_exps[row]);
      const Vec<T> probability = hn::Set(d, static_cast<T>(k.probability));
      const Vec<T> per_class = hn::Set(d, static_cast<T>(k.per_class));
      for_lanes<T>(n, [&](std::int64_t i, auto access) HWY_ATTR {
        const Vec<T> e = exp(d, hn::Sub(access.load(d, x + i), lse));
        access.store(hn::MulSub(e, probability, weighted(p.weight, i, access, per_class)), d, out + i);
      });
      out[label] -= static_cast<T>(k.at_target);
    }
  });
}

template <class T>
void backward_columns(const CrossEntropy& c, const T* log_sum_exps, const T* scale, std::int64_t scale_step,
                      T* grad_logits) {
  const Problem<T> p(c);
  const Tag<T> d;
  const std::int64_t n = p.classes;
  const std::int64_t pitch = c.inner;
  for_column_tiles(c.outer, n, pitch, [&](std::int64_t at, std::int64_t width, std::int64_t) HWY_ATTR {
    const std::int64_t item = at / (n * pitch) * pitch + at % pitch;
    HWY_ALIGN T probability[max_tile];
    HWY_ALIGN T per_class[max_tile];
    HWY_ALIGN T at_target[max_tile];
    for (std::int64_t j = 0; j < width; ++j) {
      const std::int64_t label = p.target[item + j];
      const Coefficients k =
          label == p.ignore_index
              ? Coefficients{}
              : coefficients(p, label, static_cast<double>(scale[(item + j) * scale_step]));
      probability[j] = static_cast<T>(k.probability);
      per_class[j] = static_cast<T>(k.per_class);
      at_target[j] = static_cast<T>(k.at_target);
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const Vec<T> weight = hn::Set(d, p.weight ? p.weight[i] : T(1));
      for_lanes<T>(width, [&](std::int64_t j, auto access) HWY_ATTR {
        const Vec<T> x = access.load(d, p.logits + at + i * pitch + j);
        const Vec<T> e = exp(d, hn::Sub(x, access.load(d, log_sum_exps + item + j)));
        const Vec<T> smooth = hn::Mul(weight, access.load(d, per_class + j));
        access.store(hn::MulSub(e, access.load(d, probability + j), smooth), d,
                     grad_logits + at + i * pitch + j);
      });
    }
    for (std::int64_t j = 0; j < width; ++j) {
      const std::int64_t label = p.target[item + j];
      if (label != p.ignore_index) {
        grad_logits[at + label * pitch + j] -= at_target[j];
      } else {  // exp(x - 0) may have overflowed, and inf * 0 is not 0
        for (std::int64_t i = 0; i < n; ++i) grad_logits[at + i * pitch + j] = T(0);
      }
    }
  });
}

void cross_entropy_target(const CrossEntropy& c, void* losses, void* log_sum_exps) {
  dispatch_floating("cross_entropy", c.dtype, [&]<class T>() HWY_ATTR {
    if (c.inner == 1) {
      forward_rows(c, static_cast<T*>(losses), static_cast<T*>(log_sum_exps));
    } else {
      forward_columns(c, static_cast<T*>(losses), static_cast<T*>(log_sum_exps));
    }
  });
}

void cross_entropy_backward_target(const CrossEntropy& c, const void* log_sum_exps, const void* scale,
                                   bool scale_per_item, void* grad_logits) {
  dispatch_floating("cross_entropy_backward", c.dtype, [&]<class T>() HWY_ATTR {
    const auto backward = c.inner == 1 ? &backward_rows<T> : &backward_columns<T>;
    backward(c, static_cast<const T*>(log_sum_exps), static_cast<const T*>(scale), scale_per_item ? 1 : 0,
             static_cast<T*>(grad_logits));
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(cross_entropy_target);
HWY_EXPORT(cross_entropy_backward_target);

namespace {

double counted_weight(const CrossEntropy& c) {
  const std::int64_t items = c.outer * c.inner;
  double total = 0;
  dispatch_floating("cross_entropy", c.dtype, [&]<class T>() {
    const T* weight = static_cast<const T*>(c.weight);
    for (std::int64_t i = 0; i < items; ++i) {
      const std::int64_t label = c.target[i];
      if (label != c.ignore_index) total += weight ? static_cast<double>(weight[label]) : 1.0;
    }
  });
  return total;
}

}  // namespace

double cross_entropy(const CrossEntropy& c, void* losses, void* log_sum_exp) {
  if (c.outer == 0 || c.classes == 0 || c.inner == 0) return 0;
  HWY_DYNAMIC_DISPATCH(cross_entropy_target)(c, losses, log_sum_exp);
  return counted_weight(c);
}

void cross_entropy_backward(const CrossEntropy& c, const void* log_sum_exp, const void* scale,
                            bool scale_per_item, void* grad_logits) {
  if (c.outer == 0 || c.classes == 0 || c.inner == 0) return;
  HWY_DYNAMIC_DISPATCH(cross_entropy_backward_target)(c, log_sum_exp, scale, scale_per_item, grad_logits);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
