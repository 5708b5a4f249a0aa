#include <mica/core/parallel.h>
#include <mica/kernels/conv.h>

namespace mica::kernels::reference {

namespace {

// A place in an image, or in a kernel.
struct Place {
  std::int64_t d, h, w;
};

// Images as (n, c, d, h, w) whatever their layout.
struct Image {
  Image(Layout layout, std::int64_t channels, Place size)
      : n(channels * size.d * size.h * size.w),
        c(layout == Layout::channels_last ? 1 : size.d * size.h * size.w),
        w(layout == Layout::channels_last ? channels : 1),
        h(size.w * w),
        d(size.h * h) {}
  std::int64_t at(std::int64_t in, std::int64_t ic, Place p) const {
    return in * n + ic * c + p.d * d + p.h * h + p.w * w;
  }
  std::int64_t n, c, w, h, d;  // strides
};

// The geometry that the three passes share.
struct Geometry {
  explicit Geometry(const Convolution& conv)
      : c(conv),
        x(conv.x_layout, conv.in_channels, {conv.in_d, conv.in_h, conv.in_w}),
        y(conv.y_layout, conv.out_channels, {conv.out_d, conv.out_h, conv.out_w}),
        in_per_group(conv.in_channels / conv.groups),
        out_per_group(conv.out_channels / conv.groups) {}

  std::int64_t weight_at(std::int64_t o, std::int64_t i, Place k) const {
    return (((o * in_per_group + i) * c.kernel_d + k.d) * c.kernel_h + k.h) * c.kernel_w + k.w;
  }
  // body(k) for all places of the kernel.
  template <class Body> void for_kernel(const Body& body) const {
    for (std::int64_t kd = 0; kd < c.kernel_d; ++kd) {
      for (std::int64_t kh = 0; kh < c.kernel_h; ++kh) {
        for (std::int64_t kw = 0; kw < c.kernel_w; ++kw) body(Place{kd, kh, kw});
      }
    }
  }
  // The place in x that the kernel's place k reads for the place o of y; false in the padding.
  bool find_in(Place o, Place k, Place& in) const {
    in = {o.d * c.stride_d - c.pad_d + k.d * c.dilation_d, o.h * c.stride_h - c.pad_h + k.h * c.dilation_h,
          o.w * c.stride_w - c.pad_w + k.w * c.dilation_w};
    return in.d >= 0 && in.d < c.in_d && in.h >= 0 && in.h < c.in_h && in.w >= 0 && in.w < c.in_w;
  }
  // The other way round: the place in y that reads `in` through k; false if there is none.
  bool find_out(Place in, Place k, Place& o) const {
    const Place from = {in.d + c.pad_d - k.d * c.dilation_d, in.h + c.pad_h - k.h * c.dilation_h,
                        in.w + c.pad_w - k.w * c.dilation_w};
    o = {from.d / c.stride_d, from.h / c.stride_h, from.w / c.stride_w};
    return from.d >= 0 && from.d % c.stride_d == 0 && o.d < c.out_d && from.h >= 0 &&
           from.h % c.stride_h == 0 && o.h < c.out_h && from.w >= 0 && from.w % c.stride_w == 0 &&
           o.w < c.out_w;
  }

  Convolution c;
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

// body(n, place) for all pixels of a batch of images with this size; `work`: multiplications of one pixel.
void for_pixels(std::int64_t batch, Place size, std::int64_t work,
                FunctionRef<void(std::int64_t, Place)> body) {
  for_each(batch * size.d * size.h, work * size.w, [&](std::int64_t item) {
    const std::int64_t h = item % size.h, d = item / size.h % size.d, n = item / size.h / size.d;
    for (std::int64_t w = 0; w < size.w; ++w) body(n, {d, h, w});
  });
}

template <class T> void forward(const Geometry& g, const T* x, const T* weight, const T* bias, T* y) {
  const Convolution& c = g.c;
  const std::int64_t work = c.out_channels * g.in_per_group * c.kernel_d * c.kernel_h * c.kernel_w;
  for_pixels(c.batch, {c.out_d, c.out_h, c.out_w}, work, [&](std::int64_t n, Place out) {
    for (std::int64_t o = 0; o < c.out_channels; ++o) {
      const std::int64_t first_in = o / g.out_per_group * g.in_per_group;
      double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[o]);
      g.for_kernel([&](Place k) {
        Place in;
        if (!g.find_in(out, k, in)) return;
        for (std::int64_t i = 0; i < g.in_per_group; ++i) {
          sum += static_cast<double>(x[g.x.at(n, first_in + i, in)]) *
                 static_cast<double>(weight[g.weight_at(o, i, k)]);
        }
      });
      y[g.y.at(n, o, out)] = static_cast<T>(sum);
    }
  });
}

// Gathers: each element of grad_x asks which outputs it went into.
template <class T> void backward_input(const Geometry& g, const T* grad_y, const T* weight, T* grad_x) {
  const Convolution& c = g.c;
  const std::int64_t work = c.in_channels * g.out_per_group * c.kernel_d * c.kernel_h * c.kernel_w;
  for_pixels(c.batch, {c.in_d, c.in_h, c.in_w}, work, [&](std::int64_t n, Place in) {
    for (std::int64_t channel = 0; channel < c.in_channels; ++channel) {
      const std::int64_t i = channel % g.in_per_group, first_out = channel / g.in_per_group * g.out_per_group;
      double sum = 0;
      g.for_kernel([&](Place k) {
        Place out;
        if (!g.find_out(in, k, out)) return;
        for (std::int64_t o = first_out; o < first_out + g.out_per_group; ++o) {
          sum += static_cast<double>(grad_y[g.y.at(n, o, out)]) *
                 static_cast<double>(weight[g.weight_at(o, i, k)]);
        }
      });
      grad_x[g.x.at(n, channel, in)] = static_cast<T>(sum);
    }
  });
}

// body(n, place) for all pixels of y, one after the other.
template <class Body> void for_outputs(const Convolution& c, const Body& body) {
  for (std::int64_t n = 0; n < c.batch; ++n) {
    for (std::int64_t d = 0; d < c.out_d; ++d) {
      for (std::int64_t h = 0; h < c.out_h; ++h) {
        for (std::int64_t w = 0; w < c.out_w; ++w) body(n, Place{d, h, w});
      }
    }
  }
}

template <class T>
void backward_weight(const Geometry& g, const T* x, const T* grad_y, T* grad_weight, T* grad_bias) {
  const Convolution& c = g.c;
  const std::int64_t pixels = c.batch * c.out_d * c.out_h * c.out_w;
  const std::int64_t window = c.kernel_d * c.kernel_h * c.kernel_w;
  for_each(c.out_channels * g.in_per_group, pixels * window, [&](std::int64_t item) {
    const std::int64_t o = item / g.in_per_group, i = item % g.in_per_group;
    const std::int64_t channel = o / g.out_per_group * g.in_per_group + i;
    g.for_kernel([&](Place k) {
      double sum = 0;
      for_outputs(c, [&](std::int64_t n, Place out) {
        Place in;
        if (!g.find_in(out, k, in)) return;
        sum +=
            static_cast<double>(x[g.x.at(n, channel, in)]) * static_cast<double>(grad_y[g.y.at(n, o, out)]);
      });
      grad_weight[g.weight_at(o, i, k)] = static_cast<T>(sum);
    });
  });
  if (grad_bias == nullptr) return;
  for_each(c.out_channels, pixels, [&](std::int64_t o) {
    double sum = 0;
    for_outputs(c, [&](std::int64_t n, Place out) { sum += static_cast<double>(grad_y[g.y.at(n, o, out)]); });
    grad_bias[o] = static_cast<T>(sum);
  });
}

}  // namespace

void conv(const Convolution& c, const void* x, const void* weight, const void* bias, void* y) {
  const auto run = [&]<class T>() {
    forward(Geometry(c), static_cast<const T*>(x), static_cast<const T*>(weight), static_cast<const T*>(bias),
            static_cast<T*>(y));
  };
  c.dtype == DType::f32 ? run.template operator()<float>() : run.template operator()<double>();
}

void conv_backward_input(const Convolution& c, const void* grad_y, const void* weight, void* grad_x) {
  const auto run = [&]<class T>() {
    backward_input(Geometry(c), static_cast<const T*>(grad_y), static_cast<const T*>(weight),
                   static_cast<T*>(grad_x));
  };
  c.dtype == DType::f32 ? run.template operator()<float>() : run.template operator()<double>();
}

void conv_backward_weight(const Convolution& c, const void* x, const void* grad_y, void* grad_weight,
                          void* grad_bias) {
  const auto run = [&]<class T>() {
    backward_weight(Geometry(c), static_cast<const T*>(x), static_cast<const T*>(grad_y),
                    static_cast<T*>(grad_weight), static_cast<T*>(grad_bias));
  };
  c.dtype == DType::f32 ? run.template operator()<float>() : run.template operator()<double>();
}

}  // namespace mica::kernels::reference
