#include <mica/core/parallel.h>
#include <mica/kernels/conv.h>

namespace mica::kernels::reference {

namespace {

// Images as (n, c, h, w) whatever their layout.
struct Image {
  Image(Layout layout, std::int64_t channels, std::int64_t height, std::int64_t width)
      : n(channels * height * width),
        c(layout == Layout::channels_last ? 1 : height * width),
        h(layout == Layout::channels_last ? width * channels : width),
        w(layout == Layout::channels_last ? channels : 1) {}
  std::int64_t at(std::int64_t in, std::int64_t ic, std::int64_t ih, std::int64_t iw) const {
    return in * n + ic * c + ih * h + iw * w;
  }
  std::int64_t n, c, h, w;  // strides
};

// The geometry that the three passes share.
struct Geometry {
  explicit Geometry(const Conv2d& conv)
      : c(conv),
        x(conv.x_layout, conv.in_channels, conv.in_h, conv.in_w),
        y(conv.y_layout, conv.out_channels, conv.out_h, conv.out_w),
        in_per_group(conv.in_channels / conv.groups),
        out_per_group(conv.out_channels / conv.groups) {}

  std::int64_t weight_at(std::int64_t o, std::int64_t i, std::int64_t kh, std::int64_t kw) const {
    return ((o * in_per_group + i) * c.kernel_h + kh) * c.kernel_w + kw;
  }
  // The input row that kernel row kh of output row oh reads; it may be in the padding.
  std::int64_t in_row(std::int64_t oh, std::int64_t kh) const {
    return oh * c.stride_h - c.pad_h + kh * c.dilation_h;
  }
  std::int64_t in_column(std::int64_t ow, std::int64_t kw) const {
    return ow * c.stride_w - c.pad_w + kw * c.dilation_w;
  }
  bool has_row(std::int64_t ih) const { return ih >= 0 && ih < c.in_h; }
  bool has_column(std::int64_t iw) const { return iw >= 0 && iw < c.in_w; }

  Conv2d c;
  Image x, y;
  std::int64_t in_per_group, out_per_group;
};

// Items of `work` multiplications each, shared out among the threads.
void for_each(std::int64_t items, std::int64_t work, FunctionRef<void(std::int64_t)> body) {
  constexpr std::int64_t grain = 1 << 14;
  parallel_for(0, items, 1 + grain / (work + 1), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t item = first; item < last; ++item) body(item);
  });
}

template <class T> void forward(const Geometry& g, const T* x, const T* weight, const T* bias, T* y) {
  const Conv2d& c = g.c;
  const std::int64_t work = c.out_channels * c.out_w * g.in_per_group * c.kernel_h * c.kernel_w;
  for_each(c.batch * c.out_h, work, [&](std::int64_t item) {
    const std::int64_t n = item / c.out_h, oh = item % c.out_h;
    for (std::int64_t ow = 0; ow < c.out_w; ++ow) {
      for (std::int64_t o = 0; o < c.out_channels; ++o) {
        const std::int64_t first_in = o / g.out_per_group * g.in_per_group;
        double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[o]);
        for (std::int64_t kh = 0; kh < c.kernel_h; ++kh) {
          const std::int64_t ih = g.in_row(oh, kh);
          if (!g.has_row(ih)) continue;
          for (std::int64_t kw = 0; kw < c.kernel_w; ++kw) {
            const std::int64_t iw = g.in_column(ow, kw);
            if (!g.has_column(iw)) continue;
            for (std::int64_t i = 0; i < g.in_per_group; ++i) {
              sum += static_cast<double>(x[g.x.at(n, first_in + i, ih, iw)]) *
                     static_cast<double>(weight[g.weight_at(o, i, kh, kw)]);
            }
          }
        }
        y[g.y.at(n, o, oh, ow)] = static_cast<T>(sum);
      }
    }
  });
}

// Gathers: each element of grad_x asks which outputs it went into.
template <class T> void backward_input(const Geometry& g, const T* grad_y, const T* weight, T* grad_x) {
  const Conv2d& c = g.c;
  const std::int64_t work = c.in_channels * c.in_w * g.out_per_group * c.kernel_h * c.kernel_w;
  for_each(c.batch * c.in_h, work, [&](std::int64_t item) {
    const std::int64_t n = item / c.in_h, ih = item % c.in_h;
    for (std::int64_t iw = 0; iw < c.in_w; ++iw) {
      for (std::int64_t in = 0; in < c.in_channels; ++in) {
        const std::int64_t i = in % g.in_per_group, first_out = in / g.in_per_group * g.out_per_group;
        double sum = 0;
        for (std::int64_t kh = 0; kh < c.kernel_h; ++kh) {
          const std::int64_t down = ih + c.pad_h - kh * c.dilation_h, oh = down / c.stride_h;
          if (down < 0 || down % c.stride_h != 0 || oh >= c.out_h) continue;
          for (std::int64_t kw = 0; kw < c.kernel_w; ++kw) {
            const std::int64_t right = iw + c.pad_w - kw * c.dilation_w, ow = right / c.stride_w;
            if (right < 0 || right % c.stride_w != 0 || ow >= c.out_w) continue;
            for (std::int64_t o = first_out; o < first_out + g.out_per_group; ++o) {
              sum += static_cast<double>(grad_y[g.y.at(n, o, oh, ow)]) *
                     static_cast<double>(weight[g.weight_at(o, i, kh, kw)]);
            }
          }
        }
        grad_x[g.x.at(n, in, ih, iw)] = static_cast<T>(sum);
      }
    }
  });
}

template <class T>
void backward_weight(const Geometry& g, const T* x, const T* grad_y, T* grad_weight, T* grad_bias) {
  const Conv2d& c = g.c;
  const std::int64_t pixels = c.batch * c.out_h * c.out_w;
  for_each(c.out_channels * g.in_per_group, pixels * c.kernel_h * c.kernel_w, [&](std::int64_t item) {
    const std::int64_t o = item / g.in_per_group, i = item % g.in_per_group;
    const std::int64_t in = o / g.out_per_group * g.in_per_group + i;
    for (std::int64_t kh = 0; kh < c.kernel_h; ++kh) {
      for (std::int64_t kw = 0; kw < c.kernel_w; ++kw) {
        double sum = 0;
        for (std::int64_t n = 0; n < c.batch; ++n) {
          for (std::int64_t oh = 0; oh < c.out_h; ++oh) {
            const std::int64_t ih = g.in_row(oh, kh);
            if (!g.has_row(ih)) continue;
            for (std::int64_t ow = 0; ow < c.out_w; ++ow) {
              const std::int64_t iw = g.in_column(ow, kw);
              if (!g.has_column(iw)) continue;
              sum += static_cast<double>(x[g.x.at(n, in, ih, iw)]) *
                     static_cast<double>(grad_y[g.y.at(n, o, oh, ow)]);
            }
          }
        }
        grad_weight[g.weight_at(o, i, kh, kw)] = static_cast<T>(sum);
      }
    }
  });
  if (grad_bias == nullptr) return;
  for_each(c.out_channels, pixels, [&](std::int64_t o) {
    double sum = 0;
    for (std::int64_t n = 0; n < c.batch; ++n) {
      for (std::int64_t oh = 0; oh < c.out_h; ++oh) {
        for (std::int64_t ow = 0; ow < c.out_w; ++ow) {
          sum += static_cast<double>(grad_y[g.y.at(n, o, oh, ow)]);
        }
      }
    }
    grad_bias[o] = static_cast<T>(sum);
  });
}

}  // namespace

void conv2d(const Conv2d& c, const void* x, const void* weight, const void* bias, void* y) {
  const auto run = [&]<class T>() {
    forward(Geometry(c), static_cast<const T*>(x), static_cast<const T*>(weight), static_cast<const T*>(bias),
            static_cast<T*>(y));
  };
  c.dtype == DType::f32 ? run.template operator()<float>() : run.template operator()<double>();
}

void conv2d_backward_input(const Conv2d& c, const void* grad_y, const void* weight, void* grad_x) {
  const auto run = [&]<class T>() {
    backward_input(Geometry(c), static_cast<const T*>(grad_y), static_cast<const T*>(weight),
                   static_cast<T*>(grad_x));
  };
  c.dtype == DType::f32 ? run.template operator()<float>() : run.template operator()<double>();
}

void conv2d_backward_weight(const Conv2d& c, const void* x, const void* grad_y, void* grad_weight,
                            void* grad_bias) {
  const auto run = [&]<class T>() {
    backward_weight(Geometry(c), static_cast<const T*>(x), static_cast<const T*>(grad_y),
                    static_cast<T*>(grad_weight), static_cast<T*>(grad_bias));
  };
  c.dtype == DType::f32 ? run.template operator()<float>() : run.template operator()<double>();
}

}  // namespace mica::kernels::reference
