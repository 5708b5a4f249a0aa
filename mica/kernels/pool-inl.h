// What max and average pooling share: windows, how planes and channels are shared out, strided loads.
// Compiled once for each Highway target.
#if defined(MICA_KERNELS_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MICA_KERNELS_POOL_INL_H_
#undef MICA_KERNELS_POOL_INL_H_
#else
#define MICA_KERNELS_POOL_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <mica/core/parallel.h>
#include <mica/kernels/lanes-inl.h>
#include <mica/kernels/pool.h>

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {

// One dimension of the sliding window.
struct Axis {
  std::int64_t in, out, kernel, stride, pad, dilation;

  std::int64_t start(std::int64_t o) const { return o * stride - pad; }
  // The positions first, first + dilation, ... < end of output o that lie inside the input.
  std::int64_t first(std::int64_t o) const {
    const std::int64_t s = start(o);
    return s >= 0 ? s : s + (dilation - 1 - s) / dilation * dilation;
  }
  std::int64_t end(std::int64_t o) const { return std::min(start(o) + (kernel - 1) * dilation + 1, in); }
  // How much of the window lies in the padded input.
  std::int64_t padded_size(std::int64_t o) const { return std::min(start(o) + kernel, in + pad) - start(o); }

  // Outputs [inner_begin, inner_end) have their whole window inside the input.
  std::int64_t inner_begin() const { return std::min(out, (pad + stride - 1) / stride); }
  std::int64_t inner_end() const {
    const std::int64_t last_start = in - 1 - (kernel - 1) * dilation + pad;
    return last_start < 0 ? inner_begin() : std::clamp(last_start / stride + 1, inner_begin(), out);
  }
};

inline Axis rows_of(const Pool2d& p) {
  return {p.in_h, p.out_h, p.kernel_h, p.stride_h, p.pad_h, p.dilation_h};
}
inline Axis columns_of(const Pool2d& p) {
  return {p.in_w, p.out_w, p.kernel_w, p.stride_w, p.pad_w, p.dilation_w};
}

inline std::int64_t grain_for(std::int64_t item_work) {
  return std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(item_work, 1));
}

// channels_first: body(plane) in parallel.
template <class Body> void for_pool_planes(const Pool2d& p, const Body& body) {
  const std::int64_t work = p.in_h * p.in_w + p.out_h * p.out_w * p.kernel_h * p.kernel_w;
  parallel_for(0, p.batch * p.channels, grain_for(work), [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t plane = first; plane < last; ++plane) body(plane);
  });
}

// channels_last, forward: body(image, output row) in parallel.
template <class Body> void for_output_rows(const Pool2d& p, const Body& body) {
  const std::int64_t work = p.out_w * p.kernel_h * p.kernel_w * p.channels;
  parallel_for(0, p.batch * p.out_h, grain_for(work), [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t row = first; row < last; ++row) body(row / p.out_h, row % p.out_h);
  });
}

// channels_last, backward: body(image, first channel, number of channels) in parallel. Windows overlap, so an
// image is cut by channels, and only when there are too few images.
template <class Body> void for_image_channels(const Pool2d& p, const Body& body) {
  if (p.batch == 0 || p.channels == 0) return;
  constexpr std::int64_t line = 16;
  const std::int64_t wanted = (num_threads() + p.batch - 1) / p.batch;
  const std::int64_t lines = (p.channels + line - 1) / line;
  const std::int64_t width = (lines + wanted - 1) / wanted * line;
  const std::int64_t parts = (p.channels + width - 1) / width;
  const std::int64_t work = p.in_h * p.in_w * std::min(width, p.channels);
  parallel_for(0, p.batch * parts, grain_for(work), [&](std::int64_t first, std::int64_t last) HWY_ATTR {
    for (std::int64_t item = first; item < last; ++item) {
      const std::int64_t channel = item % parts * width;
      body(item / parts, channel, std::min(width, p.channels - channel));
    }
  });
}

// Zeroes `count` channels of all pixels of an image; `image` points at the first of them.
template <class T> void clear_channels(const Pool2d& p, std::int64_t count, T* image) {
  const std::int64_t pixels = p.in_h * p.in_w;
  if (count == p.channels) {
    std::fill_n(image, pixels * count, T(0));
  } else {
    for (std::int64_t i = 0; i < pixels; ++i) std::fill_n(image + i * p.channels, count, T(0));
  }
}

// from[0], from[2], from[4], ...: as many as `access` has lanes, reading nothing beyond the last of them.
template <class T> HWY_INLINE Vec<T> load_even(const T* from, Part access) {
  const Tag<T> d;
#if HWY_TARGET == HWY_SCALAR
  return access.load(d, from);
#else
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t span = 2 * access.count - 1;
  if (span <= lanes) return hn::ConcatEven(d, hn::Zero(d), Part{span}.load(d, from));
  return hn::ConcatEven(d, Part{span - lanes}.load(d, from + lanes), hn::LoadU(d, from));
#endif
}
template <class T> HWY_INLINE Vec<T> load_even(const T* from, Whole) {
  return load_even(from, Part{hn::Lanes(Tag<T>())});
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // MICA_KERNELS_POOL_INL_H_
