// Where a convolution finds the image under each tap of its kernel: what the files of conv_products.h share.
#pragma once

#include <mica/kernels/conv.h>
#include <mica/kernels/scratch.h>

namespace mica::kernels::products {

// Pixels multiplied at a time.
inline constexpr std::int64_t strip_pixels = 128;

struct Image {
  // is_turned: the kernel's last tap comes first.
  Image(const Convolution& c, const float* image, bool is_turned = false);
  const float* x;
  bool turned;
  Scratch<float> zeros;  // a pixel beyond the image
};

inline std::int64_t taps(const Convolution& c) { return c.kernel_h * c.kernel_w; }
inline std::int64_t pixels(const Convolution& c) { return c.batch * c.out_h * c.out_w; }

// The channels of x under each tap of `count` output pixels from `first` on: table (taps, strip_pixels).
void find_pixels(const Convolution& c, const Image& image, std::int64_t first, std::int64_t count,
                 const float** table);

}  // namespace mica::kernels::products
