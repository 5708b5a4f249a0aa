#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/batch_norm.cpp"

#include <algorithm>
#include <cstdint>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/core/parallel.h>
#include <mica/kernels/batch_norm-inl.h>
#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/moments-inl.h>
#include <mica/kernels/norm.h>
#include <mica/kernels/scratch.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// A plane of one value is a row of channels, whatever the layout says.
bool channels_are_last(const BatchNormShape& s) {
  return s.layout == Layout::channels_last || s.spatial == 1;
}

template <class Body> void for_planes(const BatchNormShape& s, const Body& body) {
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(s.spatial, 1));
  parallel_for(0, s.batch * s.channels, grain, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t plane = first; plane < last; ++plane) body(plane % s.channels, plane * s.spatial);
  });
}

// body(channel) in parallel; a channel is batch * spatial values.
template <class Body> void for_channels(const BatchNormShape& s, const Body& body) {
  const std::int64_t values = std::max<std::int64_t>(s.batch * s.spatial, 1);
  parallel_for(0, s.channels, std::max<std::int64_t>(1, 16384 / values),
               [&](std::int64_t first, std::int64_t last) HWY_ATTR {
                 for (std::int64_t channel = first; channel < last; ++channel) body(channel);
               });
}

void stats_target(const BatchNormShape& s, const void* x_data, void* mean_data, void* var_data) {
  dispatch_floating("batch_norm_stats", s.dtype, [&]<class T>() HWY_ATTR {
    const T* x = static_cast<const T*>(x_data);
    T* mean = static_cast<T*>(mean_data);
    T* var = static_cast<T*>(var_data);
    if (channels_are_last(s)) {
      wide_stats(WideRows(s), x, mean, var);
    } else {
      for_channels(s, [&](std::int64_t channel) HWY_ATTR {
        Moments m;
        for (std::int64_t image = 0; image < s.batch; ++image) {
          m.merge(moments(s.spatial, x + (image * s.channels + channel) * s.spatial));
        }
        mean[channel] = static_cast<T>(m.mean);
        var[channel] = static_cast<T>(m.variance());
      });
    }
  });
}

void apply_target(const BatchNormShape& s, const void* x_data, const void* mean_data, const void* rstd_data,
                  const void* gamma_data, const void* beta_data, void* y_data) {
  dispatch_floating("batch_norm_apply", s.dtype, [&]<class T>() HWY_ATTR {
    const Tag<T> d;
    const T* x = static_cast<const T*>(x_data);
    const T* mean = static_cast<const T*>(mean_data);
    const T* rstd = static_cast<const T*>(rstd_data);
    const T* gamma = static_cast<const T*>(gamma_data);
    const T* beta = static_cast<const T*>(beta_data);
    T* y = static_cast<T*>(y_data);
    const auto scale_of = [&](std::int64_t c) HWY_ATTR { return gamma ? rstd[c] * gamma[c] : rstd[c]; };
    const auto shift_of = [&](std::int64_t c) HWY_ATTR { return beta ? beta[c] : T(0); };
    if (channels_are_last(s)) {
      const WideRows rows(s);
      const Repeated<T> means(rows, [&](std::int64_t c) HWY_ATTR { return mean[c]; });
      const Repeated<T> scales(rows, scale_of);
      const Repeated<T> shifts(rows, shift_of);
      rows.for_each<T>([&](std::int64_t j, std::int64_t at, auto access) HWY_ATTR {
        const Vec<T> v = hn::Sub(access.load(d, x + at), means.load(j, access));
        access.store(hn::MulAdd(v, scales.load(j, access), shifts.load(j, access)), d, y + at);
      });
    } else {
      for_planes(s, [&](std::int64_t channel, std::int64_t plane) HWY_ATTR {
        const Vec<T> center = hn::Set(d, mean[channel]);
        const Vec<T> scale = hn::Set(d, scale_of(channel));
        const Vec<T> shift = hn::Set(d, shift_of(channel));
        for_lanes<T>(s.spatial, [&](std::int64_t i, auto access) HWY_ATTR {
          const Vec<T> v = hn::Sub(access.load(d, x + plane + i), center);
          access.store(hn::MulAdd(v, scale, shift), d, y + plane + i);
        });
      });
    }
  });
}

// grad_x = scale * (grad - average - (x - mean) * slope) for one channel.
template <class T> struct GradCoefficients {
  T mean, scale, average, slope;
};

template <class T> struct Backward {
  const BatchNormShape& s;
  bool training;
  const T *grad, *x, *mean, *rstd, *gamma;
  T *grad_x, *grad_gamma, *grad_beta;

  bool needs_sums() const { return grad_gamma || grad_beta || (grad_x && training); }

  // From the sums of grad and of grad * (x - mean); stores the gradients of gamma and beta.
  GradCoefficients<T> finish(std::int64_t channel, double sum, double dot) const {
    const double r = static_cast<double>(rstd[channel]);
    if (grad_gamma) grad_gamma[channel] = static_cast<T>(dot * r);
    if (grad_beta) grad_beta[channel] = static_cast<T>(sum);
    GradCoefficients<T> k{.mean = mean[channel], .scale = rstd[channel], .average = T(0), .slope = T(0)};
    if (gamma) k.scale *= gamma[channel];
    if (const std::int64_t values = s.batch * s.spatial; training && values > 0) {
      k.average = static_cast<T>(sum / static_cast<double>(values));
      k.slope = static_cast<T>(dot * r * r / static_cast<double>(values));
    }
    return k;
  }
};

template <class V> HWY_INLINE V grad_input(V grad, V x, V mean, V scale, V average, V slope) {
  return hn::Mul(scale, hn::NegMulAdd(hn::Sub(x, mean), slope, hn::Sub(grad, average)));
}

template <class T> void backward_planes(const Backward<T>& b) {
  const Tag<T> d;
  const BatchNormShape& s = b.s;
  for_channels(s, [&](std::int64_t channel) HWY_ATTR {
    const auto plane = [&](std::int64_t image)
                           HWY_ATTR { return (image * s.channels + channel) * s.spatial; };
    double sum = 0, dot = 0;
    if (b.needs_sums()) {
      const Vec<T> mean = hn::Set(d, b.mean[channel]);
      for (std::int64_t image = 0; image < s.batch; ++image) {
        const T* grad = b.grad + plane(image);
        const T* x = b.x + plane(image);
        sum += sum_lanes<T>(s.spatial,
                            [&](std::int64_t i, auto access) HWY_ATTR { return access.load(d, grad + i); });
        dot += sum_lanes<T>(s.spatial, [&](std::int64_t i, auto access) HWY_ATTR {
          return hn::Mul(access.load(d, grad + i), hn::Sub(access.load(d, x + i), mean));
        });
      }
    }
    const GradCoefficients<T> k = b.finish(channel, sum, dot);
    if (!b.grad_x) return;
    const Vec<T> mean = hn::Set(d, k.mean), scale = hn::Set(d, k.scale);
    const Vec<T> average = hn::Set(d, k.average), slope = hn::Set(d, k.slope);
    for (std::int64_t image = 0; image < s.batch; ++image) {
      const std::int64_t at = plane(image);
      for_lanes<T>(s.spatial, [&](std::int64_t i, auto access) HWY_ATTR {
        const Vec<T> g = access.load(d, b.grad + at + i);
        const Vec<T> v = b.training ? grad_input(g, access.load(d, b.x + at + i), mean, scale, average, slope)
                                    : hn::Mul(g, scale);
        access.store(v, d, b.grad_x + at + i);
      });
    }
  });
}

template <class T> void backward_wide(const Backward<T>& b) {
  const Tag<T> d;
  const WideRows rows(b.s);
  const std::int64_t channels = b.s.channels;
  const Scratch<double> sums(2 * channels);
  double* sum = sums.data();
  double* dot = sum + channels;
  std::fill_n(sum, 2 * channels, 0.0);
  const Repeated<T> means(rows, [&](std::int64_t c) HWY_ATTR { return b.mean[c]; });
  if (b.needs_sums()) wide_grad_sums(rows, b.grad, b.x, means, sum, dot);

  const Scratch<GradCoefficients<T>> coefficients(channels);
  const GradCoefficients<T>* k = coefficients.data();
  for (std::int64_t c = 0; c < channels; ++c) coefficients.data()[c] = b.finish(c, sum[c], dot[c]);
  if (!b.grad_x) return;
  const Repeated<T> scales(rows, [&](std::int64_t c) HWY_ATTR { return k[c].scale; });
  if (!b.training) {
    rows.for_each<T>([&](std::int64_t j, std::int64_t at, auto access) HWY_ATTR {
      access.store(hn::Mul(access.load(d, b.grad + at), scales.load(j, access)), d, b.grad_x + at);
    });
    return;
  }
  const Repeated<T> averages(rows, [&](std::int64_t c) HWY_ATTR { return k[c].average; });
  const Repeated<T> slopes(rows, [&](std::int64_t c) HWY_ATTR { return k[c].slope; });
  rows.for_each<T>([&](std::int64_t j, std::int64_t at, auto access) HWY_ATTR {
    const Vec<T> v = grad_input(access.load(d, b.grad + at), access.load(d, b.x + at), means.load(j, access),
                                scales.load(j, access), averages.load(j, access), slopes.load(j, access));
    access.store(v, d, b.grad_x + at);
  });
}

void backward_target(const BatchNormShape& s, bool training, const void* grad, const void* x,
                     const void* mean, const void* rstd, const void* gamma, void* grad_x, void* grad_gamma,
                     void* grad_beta) {
  dispatch_floating("batch_norm_backward", s.dtype, [&]<class T>() HWY_ATTR {
    const Backward<T> b{.s = s,
                        .training = training,
                        .grad = static_cast<const T*>(grad),
                        .x = static_cast<const T*>(x),
                        .mean = static_cast<const T*>(mean),
                        .rstd = static_cast<const T*>(rstd),
                        .gamma = static_cast<const T*>(gamma),
                        .grad_x = static_cast<T*>(grad_x),
                        .grad_gamma = static_cast<T*>(grad_gamma),
                        .grad_beta = static_cast<T*>(grad_beta)};
    if (channels_are_last(s)) {
      backward_wide(b);
    } else {
      backward_planes(b);
    }
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(stats_target);
HWY_EXPORT(apply_target);
HWY_EXPORT(backward_target);

void batch_norm_stats(const BatchNormShape& s, const void* x, void* mean, void* var) {
  HWY_DYNAMIC_DISPATCH(stats_target)(s, x, mean, var);
}

void batch_norm_apply(const BatchNormShape& s, const void* x, const void* mean, const void* rstd,
                      const void* gamma, const void* beta, void* y) {
  HWY_DYNAMIC_DISPATCH(apply_target)(s, x, mean, rstd, gamma, beta, y);
}

void batch_norm_backward(const BatchNormShape& s, bool training, const void* grad, const void* x,
                         const void* mean, const void* rstd, const void* gamma, void* grad_x,
                         void* grad_gamma, void* grad_beta) {
  HWY_DYNAMIC_DISPATCH(backward_target)
  (s, training, grad, x, mean, rstd, gamma, grad_x, grad_gamma, grad_beta);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
