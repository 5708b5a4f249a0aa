#include <algorithm>

#include <hwy/targets.h>

#include <mica/core/parallel.h>
#include <mica/kernels/conv_pixels.h>
#include <mica/kernels/conv_products.h>

namespace mica::kernels::products {

bool applies(const Convolution& c) {
  return c.dtype == DType::f32 && !c.has_depth() && c.groups == 1 && c.x_layout == Layout::channels_last &&
         c.y_layout == Layout::channels_last;
}

bool is_faster(const Convolution& c) {
  static const bool has_avx512 = (hwy::SupportedTargets() & HWY_AVX3) != 0;
  return !has_avx512 && taps(c) > 1 && c.in_channels >= 32 && c.out_channels >= 32 && applies(c);
}

bool is_faster_backward_input(const Convolution& c) {
  return c.stride_h == 1 && c.stride_w == 1 && is_faster(c);
}

bool is_faster_backward_weight(const Convolution& c) {
  // Each thread has its own sum.
  constexpr std::int64_t most = std::int64_t{64} << 20;
  return is_faster(c) && num_threads() * c.out_channels * taps(c) * c.in_channels <= most;
}

Image::Image(const Convolution& c, const float* image, bool is_turned)
    : x(image), turned(is_turned), zeros(c.in_channels) {
  std::fill_n(zeros.data(), c.in_channels, 0.0F);
}

void find_pixels(const Convolution& c, const Image& image, std::int64_t first, std::int64_t count,
                 const float** table) {
  const std::int64_t size = c.in_h * c.in_w * c.in_channels;
  const std::int64_t first_tap = image.turned ? taps(c) - 1 : 0, next_tap = image.turned ? -1 : 1;
  const float* x = image.x + first / c.out_w / c.out_h * size;
  std::int64_t row = first / c.out_w % c.out_h, column = first % c.out_w;
  for (std::int64_t i = 0; i < count; ++i) {
    const float** to = table + first_tap * strip_pixels + i;
    const std::int64_t left = column * c.stride_w - c.pad_w;
    std::int64_t h = row * c.stride_h - c.pad_h;
    for (std::int64_t kh = 0; kh < c.kernel_h; ++kh, h += c.dilation_h) {
      const float* line = h < 0 || h >= c.in_h ? nullptr : x + h * c.in_w * c.in_channels;
      std::int64_t w = left;
      for (std::int64_t kw = 0; kw < c.kernel_w; ++kw, w += c.dilation_w, to += next_tap * strip_pixels)
        *to = line == nullptr || w < 0 || w >= c.in_w ? image.zeros.data() : line + w * c.in_channels;
    }
    if (++column < c.out_w) continue;
    column = 0;
    if (++row < c.out_h) continue;
    row = 0;
    x += size;
  }
}

}  // namespace mica::kernels::products
