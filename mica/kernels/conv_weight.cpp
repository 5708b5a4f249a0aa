#include <algorithm>
#include <cstdint>

#include <mica/core/parallel.h>
#include <mica/kernels/conv_pixels.h>
#include <mica/kernels/conv_products.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/scratch.h>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/conv_weight.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

#include <mica/kernels/vector_gemm-inl.h>

// What all targets share.
#ifndef MICA_KERNELS_CONV_WEIGHT_PRODUCT
#define MICA_KERNELS_CONV_WEIGHT_PRODUCT
namespace mica::kernels::products {

// sums (outs, channels) of grads (pixels, outs) times x (pixels, channels), for one tap of the kernel.
struct TapProduct {
  std::int64_t pixels, outs, channels;
  const float* grads;
  std::int64_t grad_stride;
  const float* const* x;
  float* sums;
  std::int64_t sum_stride;
  bool adds;  // to what the sums are
};

}  // namespace mica::kernels::products
#endif

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

using products::strip_pixels, products::TapProduct;

// A panel of x, packed: zeros beyond its columns.
void pack_pixels(const TapProduct& t, std::int64_t channel, std::int64_t columns, float* to) {
  const Tag<float> d;
  const std::int64_t stride = panel_stride<float>(columns);
  for (std::int64_t pixel = 0; pixel < t.pixels; ++pixel, to += stride) {
    const float* from = t.x[pixel] + channel;
    for_lanes<float>(columns, [&](std::int64_t i, auto access)
                                  HWY_ATTR { hn::Store(access.load(d, from + i), d, to + i); });
  }
}

}  // namespace

void multiply_tap(const TapProduct& t) {
  HWY_ALIGN float packed[strip_pixels * panel_width<float>];
  for (std::int64_t channel = 0; channel < t.channels; channel += panel_width<float>) {
    const std::int64_t columns = std::min(panel_width<float>, t.channels - channel);
    pack_pixels(t, channel, columns, packed);
    const Product<float> product{.m = t.outs,
                                 .n = columns,
                                 .k = t.pixels,
                                 .a = t.grads,
                                 .a_row = 1,
                                 .a_column = t.grad_stride,
                                 .b = packed,
                                 .ldb = panel_stride<float>(columns),
                                 .c = t.sums + channel,
                                 .ldc = t.sum_stride,
                                 .beta = t.adds ? 1.0F : 0.0F};
    any_panel(product, columns, true);
  }
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels::products {

HWY_EXPORT(multiply_tap);

namespace {

// Sums over the pixels first..last: the weight's gradient as (outs, taps, channels), and the bias's.
void sum_pixels(const Convolution& c, const Image& image, const float* grad_y, std::int64_t first,
                std::int64_t last, float* sums, double* bias_sums) {
  const std::int64_t outs = c.out_channels, channels = c.in_channels;
  // Rows a multiple of a page apart would share a few sets of the L1 cache.
  const std::int64_t stride = outs + 16;
  const Scratch<float> grads(strip_pixels * stride);
  const Scratch<const float*> table(taps(c) * strip_pixels);
  std::fill_n(bias_sums, outs, 0.0);
  for (std::int64_t pixel = first; pixel < last; pixel += strip_pixels) {
    const std::int64_t count = std::min(strip_pixels, last - pixel);
    find_pixels(c, image, pixel, count, table.data());
    for (std::int64_t p = 0; p < count; ++p) {
      const float* grad = grad_y + (pixel + p) * outs;
      std::copy_n(grad, outs, grads.data() + p * stride);
      for (std::int64_t o = 0; o < outs; ++o) bias_sums[o] += static_cast<double>(grad[o]);
    }
    for (std::int64_t tap = 0; tap < taps(c); ++tap) {
      HWY_DYNAMIC_DISPATCH(multiply_tap)
      ({.pixels = count,
        .outs = outs,
        .channels = channels,
        .grads = grads.data(),
        .grad_stride = stride,
        .x = table.data() + tap * strip_pixels,
        .sums = sums + tap * channels,
        .sum_stride = taps(c) * channels,
        .adds = pixel > first});
    }
  }
}

}  // namespace

void conv_backward_weight(const Convolution& c, const float* x, const float* grad_y, float* grad_weight,
                          float* grad_bias) {
  const std::int64_t outs = c.out_channels, size = taps(c) * c.in_channels, all = pixels(c);
  const std::int64_t parts = std::clamp<std::int64_t>(all / 64, 1, num_threads());
  const Scratch<float> sums(parts * outs * size);
  const Image image(c, x);
  const Scratch<double> bias_sums(parts * outs);
  parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      sum_pixels(c, image, grad_y, all * part / parts, all * (part + 1) / parts,
                 sums.data() + part * outs * size, bias_sums.data() + part * outs);
    }
  });
  parallel_for(0, outs, std::max<std::int64_t>(1, 16384 / size), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      double bias_sum = bias_sums.data()[o];
      float* to = sums.data() + o * size;
      for (std::int64_t part = 1; part < parts; ++part) {
        bias_sum += bias_sums.data()[part * outs + o];
        const float* from = sums.data() + (part * outs + o) * size;
        for (std::int64_t i = 0; i < size; ++i) to[i] += from[i];
      }
      if (grad_bias != nullptr) grad_bias[o] = static_cast<float>(bias_sum);
    }
  });
  const Shape sizes{outs, taps(c), c.in_channels};
  convert(sizes, DType::f32, {sums.data(), {size, c.in_channels, 1}}, DType::f32,
          {grad_weight, {size, 1, taps(c)}});
}

}  // namespace mica::kernels::products
#endif  // HWY_ONCE
