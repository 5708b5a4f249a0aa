#include <algorithm>
#include <cstring>

#include <hwy/targets.h>

#include <mica/core/parallel.h>
#include <mica/kernels/conv_columns.h>
#include <mica/kernels/elementwise.h>
#include <mica/kernels/gemm.h>
#include <mica/kernels/scratch.h>

namespace mica::kernels::columns {

namespace {

std::int64_t taps(const Convolution& c) { return c.kernel_h * c.kernel_w; }
std::int64_t column_size(const Convolution& c) { return taps(c) * c.in_channels; }
// A weight as (out, taps, channels), and how it lies: as given, and with its rows in the order of columns.
Shape weight_sizes(const Convolution& c) { return {c.out_channels, taps(c), c.in_channels}; }
Shape taps_last(const Convolution& c) { return {column_size(c), 1, taps(c)}; }
Shape taps_first(const Convolution& c) { return {column_size(c), c.in_channels, 1}; }
std::int64_t pixels(const Convolution& c) { return c.batch * c.out_h * c.out_w; }

// Pixels whose columns are made at a time: they should stay in the L2 cache, but few pixels make poor
// products.
std::int64_t chunk_of(const Convolution& c) {
  return std::clamp<std::int64_t>((std::int64_t{384} << 10) / 4 / column_size(c), 128, 1024);
}

float* copy(const float* from, std::int64_t count, float* to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
  return to + count;
}
float* clear(std::int64_t count, float* to) {
  std::memset(to, 0, static_cast<std::size_t>(count) * sizeof(float));
  return to + count;
}

// The columns (kernel_h, kernel_w, in_channels) of `count` output pixels from `first` on.
void fill(const Convolution& c, const float* x, std::int64_t first, std::int64_t count, float* to) {
  const std::int64_t channels = c.in_channels;
  for (std::int64_t pixel = first; pixel < first + count; ++pixel) {
    const std::int64_t n = pixel / (c.out_h * c.out_w), at = pixel % (c.out_h * c.out_w);
    const std::int64_t top = at / c.out_w * c.stride_h - c.pad_h, left = at % c.out_w * c.stride_w - c.pad_w;
    for (std::int64_t kh = 0; kh < c.kernel_h; ++kh) {
      const std::int64_t h = top + kh * c.dilation_h;
      if (h < 0 || h >= c.in_h) {
        to = clear(c.kernel_w * channels, to);
        continue;
      }
      const float* row = x + (n * c.in_h + h) * c.in_w * channels;
      if (c.dilation_w == 1 && left >= 0 && left + c.kernel_w <= c.in_w) {
        to = copy(row + left * channels, c.kernel_w * channels, to);
        continue;
      }
      for (std::int64_t kw = 0; kw < c.kernel_w; ++kw) {
        const std::int64_t w = left + kw * c.dilation_w;
        to = w < 0 || w >= c.in_w ? clear(channels, to) : copy(row + w * channels, channels, to);
      }
    }
  }
}

// body(part, first pixel, last pixel) on each thread.
template <class Body> void for_parts(const Convolution& c, std::int64_t parts, const Body& body) {
  const std::int64_t all = pixels(c);
  parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      body(part, all * part / parts, all * (part + 1) / parts);
  });
}
std::int64_t parts_of(const Convolution& c) {
  return std::clamp<std::int64_t>(pixels(c) / 64, 1, num_threads());
}

// Where oneDNN's kernels for AVX2 are what there is, and not those for single pixels, which are good.
bool onednn_is_slow(const Convolution& c) {
  static const bool has_avx512 = (hwy::SupportedTargets() & HWY_AVX3) != 0;
  return !has_avx512 && taps(c) > 1 && applies(c);
}

}  // namespace

bool applies(const Convolution& c) {
  return c.dtype == DType::f32 && !c.has_depth() && c.groups == 1 && c.x_layout == Layout::channels_last &&
         c.y_layout == Layout::channels_last;
}

bool is_faster(const Convolution& c) { return c.in_channels >= 128 && onednn_is_slow(c); }

bool is_faster_backward_weight(const Convolution& c) {
  // Each thread has its own sum.
  const bool fits = parts_of(c) * c.out_channels * column_size(c) <= std::int64_t{64} << 20;
  return c.in_channels >= 16 && fits && onednn_is_slow(c);
}

void conv(const Convolution& c, const float* x, const float* weight, const float* bias, float* y) {
  const std::int64_t size = column_size(c), outs = c.out_channels;
  const Scratch<float> arranged(outs * size);
  convert(weight_sizes(c), DType::f32, {weight, taps_last(c)}, DType::f32, {arranged.data(), taps_first(c)});
  const std::int64_t chunk = chunk_of(c);
  for_parts(c, parts_of(c), [&](std::int64_t, std::int64_t first, std::int64_t last) {
    const Scratch<float> columns(chunk * size);
    for (std::int64_t pixel = first; pixel < last; pixel += chunk) {
      const std::int64_t count = std::min(chunk, last - pixel);
      fill(c, x, pixel, count, columns.data());
      linear(DType::f32, count, size, outs, columns.data(), arranged.data(), bias, y + pixel * outs);
    }
  });
}

void conv_backward_weight(const Convolution& c, const float* x, const float* grad_y, float* grad_weight,
                          float* grad_bias) {
  const std::int64_t size = column_size(c), outs = c.out_channels, parts = parts_of(c), chunk = chunk_of(c);
  const Scratch<float> sums(parts * outs * size);
  const Scratch<double> bias_sums(parts * outs);
  for_parts(c, parts, [&](std::int64_t part, std::int64_t first, std::int64_t last) {
    const Scratch<float> columns(chunk * size);
    double* bias_sum = bias_sums.data() + part * outs;
    std::fill_n(bias_sum, outs, 0.0);
    for (std::int64_t pixel = first; pixel < last; pixel += chunk) {
      const std::int64_t count = std::min(chunk, last - pixel);
      const float* grad = grad_y + pixel * outs;
      fill(c, x, pixel, count, columns.data());
      gemm({.trans_a = true,
            .m = outs,
            .n = size,
            .k = count,
            .a = grad,
            .b = columns.data(),
            .c = sums.data() + part * outs * size,
            .lda = outs,
            .ldb = size,
            .ldc = size,
            .beta = pixel == first ? 0.0 : 1.0});
      if (grad_bias == nullptr) continue;
      for (std::int64_t p = 0; p < count; ++p)
        for (std::int64_t o = 0; o < outs; ++o) bias_sum[o] += static_cast<double>(grad[p * outs + o]);
    }
  });
  parallel_for(0, outs, std::max<std::int64_t>(1, 16384 / size), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      double bias_sum = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        bias_sum += bias_sums.data()[part * outs + o];
        if (part == 0) continue;
        const float* from = sums.data() + (part * outs + o) * size;
        float* to = sums.data() + o * size;
        for (std::int64_t i = 0; i < size; ++i) to[i] += from[i];
      }
      if (grad_bias != nullptr) grad_bias[o] = static_cast<float>(bias_sum);
    }
  });
  convert(weight_sizes(c), DType::f32, {sums.data(), taps_first(c)}, DType::f32, {grad_weight, taps_last(c)});
}

}  // namespace mica::kernels::columns
