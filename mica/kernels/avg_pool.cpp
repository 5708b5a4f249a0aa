#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/avg_pool.cpp"

#include <algorithm>
#include <cstdint>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <mica/kernels/floating.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/pool-inl.h>
#include <mica/kernels/pool.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

// Averages have no dilation.
Axis undilated(Axis axis) {
  axis.dilation = 1;
  return axis;
}

// The pixels of one window inside the input, and what their sum is divided by.
struct Window {
  Window(const Pool2d& p, const Axis& h, const Axis& w, std::int64_t oh, std::int64_t ow)
      : top(h.first(oh)), bottom(h.end(oh)), left(w.first(ow)), right(w.end(ow)) {
    if (p.divisor_override != 0) {
      divisor = p.divisor_override;
    } else if (p.count_include_pad) {
      divisor = h.padded_size(oh) * w.padded_size(ow);
    } else {
      divisor = (bottom - top) * (right - left);
    }
  }
  bool empty() const { return top >= bottom || left >= right; }

  std::int64_t top, bottom, left, right, divisor;
};

template <class T> void forward_last(const Pool2d& p, const T* x_data, T* y) {
  const Tag<T> d;
  const Axis h = undilated(rows_of(p)), w = undilated(columns_of(p));
  for_output_rows(p, [&](std::int64_t image, std::int64_t oh) HWY_ATTR {
    const T* x = x_data + image * h.in * w.in * p.channels;
    for (std::int64_t ow = 0; ow < w.out; ++ow) {
      T* out = y + ((image * h.out + oh) * w.out + ow) * p.channels;
      const Window window(p, h, w, oh, ow);
      if (window.empty()) {
        std::fill_n(out, p.channels, T(0));
        continue;
      }
      const Vec<T> divisor = hn::Set(d, static_cast<T>(window.divisor));
      for_lanes<T>(p.channels, [&](std::int64_t c, auto access) HWY_ATTR {
        Vec<T> sum = hn::Zero(d);
        for (std::int64_t ih = window.top; ih < window.bottom; ++ih) {
          for (std::int64_t iw = window.left; iw < window.right; ++iw) {
            sum = hn::Add(sum, access.load(d, x + (ih * w.in + iw) * p.channels + c));
          }
        }
        access.store(hn::Div(sum, divisor), d, out + c);
      });
    }
  });
}

template <class T> T scalar_window(const Window& window, std::int64_t in_w, const T* x) {
  if (window.empty()) return T(0);
  T sum = 0;
  for (std::int64_t ih = window.top; ih < window.bottom; ++ih) {
    for (std::int64_t iw = window.left; iw < window.right; ++iw) sum += x[ih * in_w + iw];
  }
  return sum / static_cast<T>(window.divisor);
}

// Neighbouring outputs share a vector where their windows are inside the input and the stride is 1 or 2.
template <class T> void forward_first(const Pool2d& p, const T* x_data, T* y_data) {
  const Tag<T> d;
  const Axis h = undilated(rows_of(p)), w = undilated(columns_of(p));
  const std::int64_t begin = w.inner_begin();
  const std::int64_t end = w.stride <= 2 ? w.inner_end() : begin;
  for_pool_planes(p, [&](std::int64_t plane) HWY_ATTR {
    const T* x = x_data + plane * h.in * w.in;
    for (std::int64_t oh = 0; oh < h.out; ++oh) {
      T* y = y_data + (plane * h.out + oh) * w.out;
      for (std::int64_t ow = 0; ow < begin; ++ow) y[ow] = scalar_window(Window(p, h, w, oh, ow), w.in, x);
      if (begin < end) {
        const Window window(p, h, w, oh, begin);  // the same height and divisor for all of them
        const Vec<T> divisor = hn::Set(d, static_cast<T>(window.empty() ? 1 : window.divisor));
        for_lanes<T>(end - begin, [&](std::int64_t i, auto access) HWY_ATTR {
          const std::int64_t start = w.start(begin + i);
          Vec<T> sum = hn::Zero(d);
          for (std::int64_t ih = window.top; ih < window.bottom; ++ih) {
            for (std::int64_t kw = 0; kw < w.kernel; ++kw) {
              const T* from = x + ih * w.in + start + kw;
              sum = hn::Add(sum, w.stride == 1 ? access.load(d, from) : load_even(from, access));
            }
          }
          access.store(hn::Div(sum, divisor), d, y + begin + i);
        });
      }
      for (std::int64_t ow = end; ow < w.out; ++ow) y[ow] = scalar_window(Window(p, h, w, oh, ow), w.in, x);
    }
  });
}

void forward_target(const Pool2d& p, const void* x, void* y) {
  dispatch_floating("avg_pool2d", p.dtype, [&]<class T>() HWY_ATTR {
    if (p.layout == Layout::channels_last) {
      forward_last(p, static_cast<const T*>(x), static_cast<T*>(y));
    } else {
      forward_first(p, static_cast<const T*>(x), static_cast<T*>(y));
    }
  });
}

template <class T> void backward_first(const Pool2d& p, const T* grad_data, T* grad_x_data) {
  const Axis h = undilated(rows_of(p)), w = undilated(columns_of(p));
  for_pool_planes(p, [&](std::int64_t plane) HWY_ATTR {
    const T* grad = grad_data + plane * h.out * w.out;
    T* grad_x = grad_x_data + plane * h.in * w.in;
    std::fill_n(grad_x, h.in * w.in, T(0));
    for (std::int64_t oh = 0; oh < h.out; ++oh) {
      for (std::int64_t ow = 0; ow < w.out; ++ow) {
        const Window window(p, h, w, oh, ow);
        if (window.empty()) continue;
        const T share = grad[oh * w.out + ow] / static_cast<T>(window.divisor);
        for (std::int64_t ih = window.top; ih < window.bottom; ++ih) {
          for (std::int64_t iw = window.left; iw < window.right; ++iw) grad_x[ih * w.in + iw] += share;
        }
      }
    }
  });
}

template <class T> void backward_last(const Pool2d& p, const T* grad_data, T* grad_x_data) {
  const Tag<T> d;
  const Axis h = undilated(rows_of(p)), w = undilated(columns_of(p));
  for_image_channels(p, [&](std::int64_t image, std::int64_t channel, std::int64_t count) HWY_ATTR {
    T* grad_x = grad_x_data + image * h.in * w.in * p.channels + channel;
    clear_channels(p, count, grad_x);
    for (std::int64_t o = 0; o < h.out * w.out; ++o) {
      const Window window(p, h, w, o / w.out, o % w.out);
      if (window.empty()) continue;
      const T* grad = grad_data + (image * h.out * w.out + o) * p.channels + channel;
      const Vec<T> divisor = hn::Set(d, static_cast<T>(window.divisor));
      for_lanes<T>(count, [&](std::int64_t c, auto access) HWY_ATTR {
        const Vec<T> share = hn::Div(access.load(d, grad + c), divisor);
        for (std::int64_t ih = window.top; ih < window.bottom; ++ih) {
          for (std::int64_t iw = window.left; iw < window.right; ++iw) {
            T* to = grad_x + (ih * w.in + iw) * p.channels + c;
            access.store(hn::Add(access.load(d, to), share), d, to);
          }
        }
      });
    }
  });
}

void backward_target(const Pool2d& p, const void* grad, void* grad_x) {
  dispatch_floating("avg_pool2d_backward", p.dtype, [&]<class T>() HWY_ATTR {
    if (p.layout == Layout::channels_last) {
      backward_last(p, static_cast<const T*>(grad), static_cast<T*>(grad_x));
    } else {
      backward_first(p, static_cast<const T*>(grad), static_cast<T*>(grad_x));
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

void avg_pool2d(const Pool2d& p, const void* x, void* y) { HWY_DYNAMIC_DISPATCH(forward_target)(p, x, y); }

void avg_pool2d_backward(const Pool2d& p, const void* grad, void* grad_x) {
  HWY_DYNAMIC_DISPATCH(backward_target)(p, grad, grad_x);
}

}  // namespace mica::kernels
#endif  // HWY_ONCE
