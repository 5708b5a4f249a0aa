#include <algorithm>
#include <cstdint>
#include <utility>

#include <mica/core/parallel.h>
#include <mica/kernels/conv_pixels.h>
#include <mica/kernels/conv_products.h>
#include <mica/kernels/scratch.h>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "mica/kernels/conv_indirect.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before highway.h.
#include <hwy/highway.h>

#include <mica/kernels/vector_gemm-inl.h>

// What all targets share.
#ifndef MICA_KERNELS_CONV_INDIRECT_TASK
#define MICA_KERNELS_CONV_INDIRECT_TASK
namespace mica::kernels::products {

// Weights as (in channels, taps, out channels), the taps next to each other.
struct Weights {
  const float* data;
  std::int64_t in_stride, out_stride;
};

// y = conv(x, weight) + bias
struct Task {
  const Convolution& c;
  const Image& image;
  Weights weight;
  const float* bias;  // null: none
  float* y;
};

// What is multiplied at a time: some channels, few enough for a panel of their weights to stay in the L1
// cache, and a panel of columns, the output channels.
struct Block {
  std::int64_t first_channel, channels, first_column, columns;
};

}  // namespace mica::kernels::products
#endif

HWY_BEFORE_NAMESPACE();
namespace mica::kernels::HWY_NAMESPACE {
namespace {

using products::Block, products::Task, products::strip_pixels, products::taps;

// A block for the pixels of a strip.
struct Strip {
  const Task& task;
  Block block;
  const float* const* table;
  const float* packed;  // (channels, taps, columns of the panel)
  float* y;             // of the first pixel and column
};

template <int row_count, int vector_count, bool partial_vectors>
HWY_INLINE void gather_tile(const Strip& s, std::int64_t pixel) {
  const Tag<float> d;
  constexpr std::int64_t lanes = lanes_of<float>;
  constexpr int last_vector = vector_count - 1;
  const auto rest = first_lanes(s.block.columns - last_vector * lanes);
  const auto load = [&](const float* from, int v) HWY_ATTR {
    const float* at = from + v * lanes;
    return partial_vectors && v == last_vector ? rest.load(d, at) : hn::LoadU(d, at);
  };
  const bool is_first = s.block.first_channel == 0;
  Vec<float> sum[row_count][vector_count];
  HWY_UNROLL(vector_count)
  for (int v = 0; v < vector_count; ++v) {
    const bool has_bias = is_first && s.task.bias != nullptr;
    const Vec<float> start = has_bias ? load(s.task.bias + s.block.first_column, v) : hn::Zero(d);
    HWY_UNROLL(row_count)
    for (int r = 0; r < row_count; ++r) sum[r][v] = start;
  }
  const std::int64_t tap_count = taps(s.task.c);
  const float* zeros = s.task.image.zeros.data();
  for (std::int64_t tap = 0; tap < tap_count; ++tap) {
    const float* const* here = s.table + tap * strip_pixels + pixel;
    if (std::all_of(here, here + row_count, [&](const float* at) { return at == zeros; })) continue;
    const float* a[row_count];
    HWY_UNROLL(row_count)
    for (int r = 0; r < row_count; ++r) a[r] = here[r] + s.block.first_channel;
    const float* b = s.packed + tap * vector_count * lanes;
    for (std::int64_t channel = 0; channel < s.block.channels;
         ++channel, b += tap_count * vector_count * lanes) {
      Vec<float> row[vector_count];
      HWY_UNROLL(vector_count)
      for (int v = 0; v < vector_count; ++v) row[v] = hn::LoadU(d, b + v * lanes);
      HWY_UNROLL(row_count)
      for (int r = 0; r < row_count; ++r) {
        const Vec<float> factor = hn::Set(d, a[r][channel]);
        HWY_UNROLL(vector_count)
        for (int v = 0; v < vector_count; ++v) sum[r][v] = hn::MulAdd(factor, row[v], sum[r][v]);
      }
    }
  }
  HWY_UNROLL(row_count)
  for (int r = 0; r < row_count; ++r) {
    float* y = s.y + (pixel + r) * s.task.c.out_channels;
    HWY_UNROLL(vector_count)
    for (int v = 0; v < vector_count; ++v) {
      const Vec<float> result = is_first ? sum[r][v] : hn::Add(load(y, v), sum[r][v]);
      if (partial_vectors && v == last_vector) {
        rest.store(result, d, y + v * lanes);
      } else {
        hn::StoreU(result, d, y + v * lanes);
      }
    }
  }
}

template <int vector_count, bool partial_vectors>
HWY_NOINLINE void gather_panel(const Strip& s, std::int64_t pixels) {
  for_row_tiles(pixels, [&]<int row_count>(std::int64_t pixel)
                            HWY_ATTR { gather_tile<row_count, vector_count, partial_vectors>(s, pixel); });
}

HWY_INLINE void gather(const Strip& s, std::int64_t pixels) {
  for_width<float>(s.block.columns, [&]<int vector_count, bool partial_vectors>()
                                        HWY_ATTR { gather_panel<vector_count, partial_vectors>(s, pixels); });
}

std::int64_t panel_count(const Task& t) {
  return packed_size<float>(1, t.c.out_channels) / panel_width<float>;
}

// body(block, where its weights are in `packed`) for the panels first..last of all channels.
template <class Data, class Body>
HWY_INLINE void for_blocks(const Task& t, std::int64_t first, std::int64_t last, Data* packed,
                           const Body& body) {
  constexpr std::int64_t depth = 384;
  const std::int64_t outs = t.c.out_channels, ins = t.c.in_channels;
  const std::int64_t most = std::max<std::int64_t>(1, depth / taps(t.c));
  for (std::int64_t channel = 0; channel < ins; channel += most) {
    const std::int64_t channels = std::min(most, ins - channel);
    Data* block = packed + packed_size<float>(channel * taps(t.c), outs);
    for (std::int64_t panel = first; panel < last; ++panel) {
      const std::int64_t column = panel * panel_width<float>;
      body(Block{channel, channels, column, std::min(panel_width<float>, outs - column)},
           block + column * channels * taps(t.c));
    }
  }
}

void pack_weights(const Task& t, float* packed) {
  constexpr std::int64_t worth_a_thread = 1 << 14;  // weights
  const std::int64_t tap_count = taps(t.c), weights = t.c.in_channels * tap_count * panel_width<float>;
  parallel_for(
      0, panel_count(t), worth_a_thread / weights + 1, [&](std::int64_t first, std::int64_t last) HWY_ATTR {
        for_blocks(t, first, last, packed, [&](const Block& b, float* to) HWY_ATTR {
          const products::Weights& w = t.weight;
          const bool is_dense = w.in_stride == tap_count;
          const std::int64_t stride = panel_stride<float>(b.columns), runs = is_dense ? 1 : b.channels;
          Product<float> from{.k = b.channels / runs * tap_count,
                              .b = w.data + b.first_channel * w.in_stride + b.first_column * w.out_stride,
                              .ldb = w.out_stride,
                              .trans_b = true};
          for (std::int64_t run = 0; run < runs; ++run, from.b += w.in_stride, to += tap_count * stride)
            pack_panel(from, b.columns, to, stride);
        });
      });
}

void multiply(const Task& t, const float* packed, std::int64_t first_pixel, std::int64_t last_pixel,
              std::int64_t first_panel, std::int64_t last_panel) {
  const Scratch<const float*> table(taps(t.c) * strip_pixels);
  for (std::int64_t pixel = first_pixel; pixel < last_pixel; pixel += strip_pixels) {
    const std::int64_t count = std::min(strip_pixels, last_pixel - pixel);
    products::find_pixels(t.c, t.image, pixel, count, table.data());
    for_blocks(t, first_panel, last_panel, packed, [&](const Block& block, const float* panel) HWY_ATTR {
      float* y = t.y + pixel * t.c.out_channels + block.first_column;
      gather({t, block, table.data(), panel, y}, count);
    });
  }
}

}  // namespace

void conv_indirect(const Task& t) {
  const Scratch<float> packed(packed_size<float>(t.c.in_channels * taps(t.c), t.c.out_channels));
  pack_weights(t, packed.data());
  // Threads share out the pixels, or the panels where these are more than a few pixels for each.
  constexpr std::int64_t few = 256, grain = 32;
  const std::int64_t pixels = products::pixels(t.c), panels = panel_count(t);
  const bool by_panels = pixels < few && panels >= num_threads();
  parallel_for(0, by_panels ? panels : pixels, by_panels ? 1 : grain,
               [&](std::int64_t first, std::int64_t last) HWY_ATTR {
                 if (by_panels) return multiply(t, packed.data(), 0, pixels, first, last);
                 multiply(t, packed.data(), first, last, 0, panels);
               });
}

}  // namespace mica::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mica::kernels::products {

HWY_EXPORT(conv_indirect);

namespace {

void run(const Convolution& c, const Image& image, const Weights& weight, const float* bias, float* y) {
  HWY_DYNAMIC_DISPATCH(conv_indirect)({c, image, weight, bias, y});
}

}  // namespace

void conv(const Convolution& c, const float* x, const float* weight, const float* bias, float* y) {
  run(c, Image(c, x), {weight, taps(c), c.in_channels * taps(c)}, bias, y);
}

// A convolution of grad_y with the kernel turned by half a circle and the channels exchanged. The border is
// what the kernel reaches beyond the image, less what was padding already.
void conv_backward_input(const Convolution& c, const float* grad_y, const float* weight, float* grad_x) {
  Convolution back = c;
  std::swap(back.in_channels, back.out_channels);
  std::swap(back.in_h, back.out_h);
  std::swap(back.in_w, back.out_w);
  back.pad_h = c.dilation_h * (c.kernel_h - 1) - c.pad_h;
  back.pad_w = c.dilation_w * (c.kernel_w - 1) - c.pad_w;
  run(back, Image(back, grad_y, /*is_turned=*/true), {weight, c.in_channels * taps(c), taps(c)}, nullptr,
      grad_x);
}

}  // namespace mica::kernels::products
#endif  // HWY_ONCE
