#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/max_pool.cpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/pool-inl.h>
#include <mica/kernels/pool.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// i32 indices travel in vectors of the values' type, so that one mask selects both: as their bits in f32, as
// exact numbers in f64.
template <class T> using IndexTag = hn::Rebind<std::int32_t, Tag<T>>;

HWY_INLINE Vec<float> to_lanes(Tag<float> d, hn::Vec<IndexTag<float>> v) { return hn::BitCast(d, v); }
HWY_INLINE Vec<double> to_lanes(Tag<double> d, hn::Vec<IndexTag<double>> v) { return hn::PromoteTo(d, v); }
HWY_INLINE hn::Vec<IndexTag<float>> to_index(Vec<float> v) { return hn::BitCast(IndexTag<float>(), v); }
HWY_INLINE hn::Vec<IndexTag<double>> to_index(Vec<double> v) { return hn::DemoteTo(IndexTag<double>(), v); }
HWY_INLINE hn::Mask<Tag<float>> same_index(Vec<float> a, Vec<float> b) {
  return hn::RebindMask(Tag<float>(), hn::Eq(to_index(a), to_index(b)));
}
HWY_INLINE hn::Mask<Tag<double>> same_index(Vec<double> a, Vec<double> b) { return hn::Eq(a, b); }

template <class T> HWY_INLINE Vec<T> index_lanes(std::int64_t index) {
  return to_lanes(Tag<T>(), hn::Set(IndexTag<T>(), static_cast<std::int32_t>(index)));
}
// first, first + step, first + 2 * step, ...
template <class T> HWY_INLINE Vec<T> index_ramp(std::int64_t first, std::int64_t step) {
  const IndexTag<T> d;
  return to_lanes(Tag<T>(), hn::Add(hn::Set(d, static_cast<std::int32_t>(first)),
                                    hn::Mul(hn::Iota(d, 0), hn::Set(d, static_cast<std::int32_t>(step)))));
}

// Keeps the larger value and its index, lane by lane; a NaN is larger than all.
template <class T> HWY_INLINE void offer(Vec<T> v, Vec<T> at, Vec<T>& best, Vec<T>& index) {
  const auto better = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
  best = hn::IfThenElse(better, v, best);
  index = hn::IfThenElse(better, at, index);
}

template <class T> HWY_INLINE Vec<T> lowest() {
  return hn::Set(Tag<T>(), -std::numeric_limits<T>::infinity());
}

// The index before anything was seen: of the window's first pixel, or -1 for a window without pixels.
std::int64_t first_index(const Axis& h, const Axis& w, std::int64_t oh, std::int64_t ow) {
  const bool empty = h.first(oh) >= h.end(oh) || w.first(ow) >= w.end(ow);
  return empty ? -1 : h.first(oh) * w.in + w.first(ow);
}

template <class T>
void forward_last(const Pool2d& p, const T* x_data, T* y_data, std::int32_t* indices_data) {
  const Tag<T> d;
  const Axis h = rows_of(p), w = columns_of(p);
  for_output_rows(p, [&](std::int64_t image, std::int64_t oh) HWY_ATTR {
    const T* x = x_data + image * h.in * w.in * p.channels;
    for (std::int64_t ow = 0; ow < w.out; ++ow) {
      const std::int64_t out = ((image * h.out + oh) * w.out + ow) * p.channels;
      const Vec<T> first = index_lanes<T>(first_index(h, w, oh, ow));
      for_lanes<T>(p.channels, [&](std::int64_t c, auto access) HWY_ATTR {
        Vec<T> best = lowest<T>(), index = first;
        for (std::int64_t ih = h.first(oh); ih < h.end(oh); ih += h.dilation) {
          for (std::int64_t iw = w.first(ow); iw < w.end(ow); iw += w.dilation) {
            const std::int64_t pixel = ih * w.in + iw;
            offer<T>(access.load(d, x + pixel * p.channels + c), index_lanes<T>(pixel), best, index);
          }
        }
        access.store(best, d, y_data + out + c);
        if (indices_data) access.store(to_index(index), IndexTag<T>(), indices_data + out + c);
      });
    }
  });
}

template <class T>
void scalar_window(const Axis& h, const Axis& w, std::int64_t oh, std::int64_t ow, const T* x, T* y,
                   std::int32_t* indices) {
  T best = -std::numeric_limits<T>::infinity();
  std::int64_t index = first_index(h, w, oh, ow);
  for (std::int64_t ih = h.first(oh); ih < h.end(oh); ih += h.dilation) {
    for (std::int64_t iw = w.first(ow); iw < w.end(ow); iw += w.dilation) {
      const T v = x[ih * w.in + iw];
      if (v > best || std::isnan(v)) {
        best = v;
        index = ih * w.in + iw;
      }
    }
  }
  y[oh * w.out + ow] = best;
  if (indices) indices[oh * w.out + ow] = static_cast<std::int32_t>(index);
}

// Neighbouring outputs share a vector where their windows are inside the input and the stride is 1 or 2.
template <class T>
void forward_first(const Pool2d& p, const T* x_data, T* y_data, std::int32_t* indices_data) {
  const Tag<T> d;
  const Axis h = rows_of(p), w = columns_of(p);
  const std::int64_t begin = w.inner_begin();
  const std::int64_t end = w.stride <= 2 ? w.inner_end() : begin;
  for_pool_planes(p, [&](std::int64_t plane) HWY_ATTR {
    const T* x = x_data + plane * h.in * w.in;
    T* y = y_data + plane * h.out * w.out;
    std::int32_t* indices = indices_data ? indices_data + plane * h.out * w.out : nullptr;
    for (std::int64_t oh = 0; oh < h.out; ++oh) {
      for (std::int64_t ow = 0; ow < begin; ++ow) scalar_window(h, w, oh, ow, x, y, indices);
      for_lanes<T>(end - begin, [&](std::int64_t i, auto access) HWY_ATTR {
        const std::int64_t start = w.start(begin + i);
        Vec<T> best = lowest<T>();
        Vec<T> index = h.first(oh) < h.end(oh) ? index_ramp<T>(h.first(oh) * w.in + start, w.stride)
                                               : index_lanes<T>(-1);
        for (std::int64_t ih = h.first(oh); ih < h.end(oh); ih += h.dilation) {
          for (std::int64_t kw = 0; kw < w.kernel; ++kw) {
            const std::int64_t pixel = ih * w.in + start + kw * w.dilation;
            const Vec<T> v = w.stride == 1 ? access.load(d, x + pixel) : load_even(x + pixel, access);
            offer<T>(v, index_ramp<T>(pixel, w.stride), best, index);
          }
        }
        const std::int64_t out = oh * w.out + begin + i;
        access.store(best, d, y + out);
        if (indices) access.store(to_index(index), IndexTag<T>(), indices + out);
      });
      for (std::int64_t ow = end; ow < w.out; ++ow) scalar_window(h, w, oh, ow, x, y, indices);
    }
  });
}

void forward_target(const Pool2d& p, const void* x, void* y, std::int32_t* indices) {
  dispatch_floating("max_pool2d", p.dtype, [&]<class T>() HWY_ATTR {
    if (p.layout == Layout::channels_last) {
      forward_last(p, static_cast<const T*>(x), static_cast<T*>(y), indices);
    } else {
      forward_first(p, static_cast<const T*>(x), static_cast<T*>(y), indices);
    }
  });
}

template <class T>
void backward_first(const Pool2d& p, const T* grad_data, const std::int32_t* indices_data, T* grad_x_data) {
  const std::int64_t in = p.in_h * p.in_w, out = p.out_h * p.out_w;
  for_pool_planes(p, [&](std::int64_t plane) HWY_ATTR {
    const T* grad = grad_data + plane * out;
    const std::int32_t* indices = indices_data + plane * out;
    T* grad_x = grad_x_data + plane * in;
    std::fill_n(grad_x, in, T(0));
    for (std::int64_t i = 0; i < out; ++i) {
      if (indices[i] >= 0) grad_x[indices[i]] += grad[i];
    }
  });
}

// Small windows are walked pixel by pixel in whole vectors, each lane adding where its index says so; large
// ones scatter lane by lane.
constexpr std::int64_t walked_window = 16;

template <class T>
void backward_last(const Pool2d& p, const T* grad_data, const std::int32_t* indices_data, T* grad_x_data) {
  const Tag<T> d;
  const Axis h = rows_of(p), w = columns_of(p);
  const bool walk = h.kernel * w.kernel <= walked_window;
  for_image_channels(p, [&](std::int64_t image, std::int64_t channel, std::int64_t count) HWY_ATTR {
    T* grad_x = grad_x_data + image * h.in * w.in * p.channels + channel;
    clear_channels(p, count, grad_x);
    for (std::int64_t o = 0; o < h.out * w.out; ++o) {
      const std::int64_t oh = o / w.out, ow = o % w.out;
      const T* grad = grad_data + (image * h.out * w.out + o) * p.channels + channel;
      const std::int32_t* indices = indices_data + (image * h.out * w.out + o) * p.channels + channel;
      if (!walk) {
        for (std::int64_t c = 0; c < count; ++c) {
          if (indices[c] >= 0) grad_x[indices[c] * p.channels + c] += grad[c];
        }
        continue;
      }
      for_lanes<T>(count, [&](std::int64_t c, auto access) HWY_ATTR {
        const Vec<T> g = access.load(d, grad + c);
        const Vec<T> index = to_lanes(d, access.load(IndexTag<T>(), indices + c));
        for (std::int64_t ih = h.first(oh); ih < h.end(oh); ih += h.dilation) {
          for (std::int64_t iw = w.first(ow); iw < w.end(ow); iw += w.dilation) {
            const std::int64_t pixel = ih * w.in + iw;
            T* to = grad_x + pixel * p.channels + c;
            const Vec<T> picked = hn::IfThenElseZero(same_index(index, index_lanes<T>(pixel)), g);
            access.store(hn::Add(access.load(d, to), picked), d, to);
          }
        }
      });
    }
  });
}

void backward_target(const Pool2d& p, const void* grad, const std::int32_t* indices, void* grad_x) {
  dispatch_floating("max_pool2d_backward", p.dtype, [&]<class T>() HWY_ATTR {
    if (p.layout == Layout::channels_last) {
      backward_last(p, static_cast<const T*>(grad), indices, static_cast<T*>(grad_x));
    } else {
      backward_first(p, static_cast<const T*>(grad), indices, static_cast<T*>(grad_x));
    }
  });
}

}  // namespace
}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels {

HWY_EXPORT(forward_target);
HWY_EXPORT(backward_target);

void max_pool2d(const Pool2d& p, const void* x, void* y, std::int32_t* indices) {
  HWY_DYNAMIC_DISPATCH(forward_target)(p, x, y, indices);
}

void max_pool2d_backward(const Pool2d& p, const void* grad, const std::int32_t* indices, void* grad_x) {
  HWY_DYNAMIC_DISPATCH(backward_target)(p, grad, indices, grad_x);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
