#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <mica/kernels/floating.h>
#include <mica/kernels/pool.h>

namespace mica::kernels::reference {
namespace {

// body(n, c, oh, ow, offset of the output element) for all outputs.
template <class Body> void for_outputs(const Pool2d& p, const Body& body) {
  for (std::int64_t n = 0; n < p.batch; ++n) {
    for (std::int64_t c = 0; c < p.channels; ++c) {
      for (std::int64_t oh = 0; oh < p.out_h; ++oh) {
        for (std::int64_t ow = 0; ow < p.out_w; ++ow) {
          body(n, c, oh, ow,
               p.layout == Layout::channels_last ? ((n * p.out_h + oh) * p.out_w + ow) * p.channels + c
                                                 : ((n * p.channels + c) * p.out_h + oh) * p.out_w + ow);
        }
      }
    }
  }
}

std::int64_t input_offset(const Pool2d& p, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return p.layout == Layout::channels_last ? ((n * p.in_h + h) * p.in_w + w) * p.channels + c
                                           : ((n * p.channels + c) * p.in_h + h) * p.in_w + w;
}

bool inside(std::int64_t i, std::int64_t size) { return i >= 0 && i < size; }

}  // namespace

void max_pool2d(const Pool2d& p, const void* x_data, void* y_data, std::int32_t* indices) {
  dispatch_floating("max_pool2d", p.dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(x_data);
    for_outputs(p, [&](std::int64_t n, std::int64_t c, std::int64_t oh, std::int64_t ow, std::int64_t out) {
      T best = -std::numeric_limits<T>::infinity();
      std::int64_t index = -1;
      for (std::int64_t kh = 0; kh < p.kernel_h; ++kh) {
        for (std::int64_t kw = 0; kw < p.kernel_w; ++kw) {
          const std::int64_t ih = oh * p.stride_h - p.pad_h + kh * p.dilation_h;
          const std::int64_t iw = ow * p.stride_w - p.pad_w + kw * p.dilation_w;
          if (!inside(ih, p.in_h) || !inside(iw, p.in_w)) continue;
          const T v = x[input_offset(p, n, c, ih, iw)];
          if (v > best || std::isnan(v) || index < 0) {
            best = v;
            index = ih * p.in_w + iw;
          }
        }
      }
      static_cast<T*>(y_data)[out] = best;
      if (indices) indices[out] = static_cast<std::int32_t>(index);
    });
  });
}

void avg_pool2d(const Pool2d& p, const void* x_data, void* y_data) {
  dispatch_floating("avg_pool2d", p.dtype, [&]<class T>() {
    const T* x = static_cast<const T*>(x_data);
    for_outputs(p, [&](std::int64_t n, std::int64_t c, std::int64_t oh, std::int64_t ow, std::int64_t out) {
      double sum = 0;
      std::int64_t in_input = 0, in_padded = 0;
      for (std::int64_t kh = 0; kh < p.kernel_h; ++kh) {
        for (std::int64_t kw = 0; kw < p.kernel_w; ++kw) {
          const std::int64_t ih = oh * p.stride_h - p.pad_h + kh;
          const std::int64_t iw = ow * p.stride_w - p.pad_w + kw;
          if (ih < p.in_h + p.pad_h && iw < p.in_w + p.pad_w) ++in_padded;
          if (!inside(ih, p.in_h) || !inside(iw, p.in_w)) continue;
          ++in_input;
          sum += static_cast<double>(x[input_offset(p, n, c, ih, iw)]);
        }
      }
      const std::int64_t counted = p.count_include_pad ? in_padded : in_input;
      const std::int64_t divisor = p.divisor_override != 0 ? p.divisor_override : counted;
      static_cast<T*>(y_data)[out] =
          in_input == 0 ? T(0) : static_cast<T>(sum / static_cast<double>(divisor));
    });
  });
}

}  // namespace mica::kernels::reference
