#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/detail.h>
#include <mica/ops/fold.h>
#include <mica/ops/rearrange.h>
#include <mica/ops/restride.h>
#include <mica/ops/sizes.h>

namespace mica {

namespace {

// The windows over an image; [0] is the height.
struct Windows {
  Shape kernel, dilation, padding, stride, image, count;

  std::int64_t padded(int d) const { return image[d] + 2 * padding[d]; }
  std::int64_t span(int d) const { return dilation[d] * (kernel[d] - 1) + 1; }
};

Windows windows(const char* operation, const Shape& image, const Shape& kernel, const FoldOptions& o) {
  const auto each = [&](const char* what, const Shape& sizes) {
    return ops::for_each_dim(operation, what, sizes, 2);
  };
  Windows w{each("kernel_size", kernel), each("dilation", o.dilation), each("padding", o.padding),
            each("stride", o.stride),    each("output_size", image),   {}};
  for (int d = 0; d < 2; ++d) {
    const bool fits = w.kernel[d] >= 1 && w.dilation[d] >= 1 && w.stride[d] >= 1 && w.padding[d] >= 0 &&
                      w.image[d] >= 0 && w.kernel[d] <= INT32_MAX && w.dilation[d] <= INT32_MAX &&
                      w.stride[d] <= INT32_MAX && w.padding[d] <= INT32_MAX && w.image[d] <= INT64_MAX / 2 &&
                      w.span(d) <= w.padded(d);
    if (!fits) {
      throw Error(
          operation,
          fmt::format("no windows: image {}, kernel {}, dilation {}, padding {}, stride {}",
                      to_string(w.image), to_string(w.kernel), to_string(w.dilation), to_string(w.padding),
                      to_string(w.stride)),
          "kernel, dilation and stride are at least 1, padding at least 0, and a window is not larger "
          "than the padded image");
    }
    w.count.push_back((w.padded(d) - w.span(d)) / w.stride[d] + 1);
  }
  return w;
}

}  // namespace

Tensor unfold(const Tensor& x, const Shape& kernel_size, const FoldOptions& options) {
  if (x.dim() == 3) return unfold(x.unsqueeze(0), kernel_size, options).squeeze(0);
  if (x.dim() != 4) {
    throw Error("unfold", fmt::format("expected an input of 3 or 4 dimensions, got {}", x.dim()),
                "(N, C, H, W) or (C, H, W)");
  }
  const Windows w = windows("unfold", {x.size(2), x.size(3)}, kernel_size, options);
  const bool padded = w.padding != Shape{0, 0};
  const Tensor image = padded ? pad(x, {w.padding[1], w.padding[1], w.padding[0], w.padding[0]}) : x;
  return image.unfold(2, w.span(0), w.stride[0])
      .unfold(3, w.span(1), w.stride[1])  // (N, C, OH, OW, span, span)
      .slice(4, {{}, {}, w.dilation[0]})
      .slice(5, {{}, {}, w.dilation[1]})
      .permute({0, 1, 4, 5, 2, 3})
      .reshape({x.size(0), x.size(1) * w.kernel.numel(), w.count.numel()});
}

Tensor fold(const Tensor& columns, const Shape& output_size, const Shape& kernel_size,
            const FoldOptions& options) {
  if (columns.dim() == 2) return fold(columns.unsqueeze(0), output_size, kernel_size, options).squeeze(0);
  if (columns.dim() != 3) {
    throw Error("fold", fmt::format("expected an input of 2 or 3 dimensions, got {}", columns.dim()),
                "(N, C KH KW, L) or (C KH KW, L)");
  }
  const Windows w = windows("fold", output_size, kernel_size, options);
  const std::int64_t n = columns.size(0), channels = columns.size(1) / w.kernel.numel();
  if (columns.size(1) % w.kernel.numel() != 0 || columns.size(2) != w.count.numel()) {
    throw Error("fold", fmt::format("input of shape {}, expected (N, C * {}, {}) for an output of {}",
                                    to_string(columns.sizes()), w.kernel.numel(), w.count.numel(),
                                    to_string(w.image)));
  }
  // The places of the windows' elements in the padded images, and the images inside them.
  const std::int64_t row = w.padded(1), plane = w.padded(0) * row;
  const ops::Geometry from{
      {n, channels, w.kernel[0], w.kernel[1], w.count[0], w.count[1]},
      {channels * plane, plane, w.dilation[0] * row, w.dilation[1], w.stride[0] * row, w.stride[1]},
      0};
  const ops::Geometry to{{n, channels, w.image[0], w.image[1]},
                         {channels * plane, plane, row, 1},
                         w.padding[0] * row + w.padding[1]};
  return ops::restride(columns.reshape(from.sizes), from, to).contiguous();
}

}  // namespace mica
