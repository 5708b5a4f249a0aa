#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/detail.h>
#include <mica/ops/fractional_pool.h>
#include <mica/ops/pooled.h>
#include <mica/ops/random.h>
#include <mica/ops/sizes.h>

namespace mica {

namespace {

constexpr const char* names[] = {"fractional_max_pool2d", "fractional_max_pool3d"};

Shape output_sizes(const char* operation, int dims, const Tensor& x, const FractionalMaxPoolOptions& o) {
  if (o.output_size.empty() == o.output_ratio.empty())
    throw Error(operation, "output_size and output_ratio", "give one of the two");
  if (!o.output_size.empty()) return ops::for_each_dim(operation, "output_size", o.output_size, dims);
  const std::vector<double> ratios =
      o.output_ratio.size() == 1 ? std::vector<double>(static_cast<std::size_t>(dims), o.output_ratio[0])
                                 : o.output_ratio;
  Shape sizes;
  for (const double ratio : ratios) {
    if (ratios.size() != static_cast<std::size_t>(dims) || !(ratio > 0 && ratio < 1)) {
      throw Error(operation, fmt::format("output_ratio [{}]", fmt::join(o.output_ratio, ", ")),
                  "one number for all dimensions or one for each, between 0 and 1");
    }
    const std::int64_t n = x.size(sizes.size() + 2);
    sizes.push_back(static_cast<std::int64_t>(static_cast<double>(n) * ratio));
  }
  return sizes;
}

// Where the windows of one dimension start, computed in the samples' precision as PyTorch does.
template <class T>
void starts(T sample, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t* to) {
  if (out > 1) {
    const T alpha = static_cast<T>(in - kernel) / static_cast<T>(out - 1);
    for (std::int64_t i = 0; i < out - 1; ++i) {
      to[i] = static_cast<std::int64_t>((static_cast<T>(i) + sample) * alpha) -
              static_cast<std::int64_t>(sample * alpha);
    }
  }
  to[out - 1] = in - kernel;
}

// For each plane, output and place of the window: the position in the flattened plane. (planes, outputs,
// places)
template <class T>
Tensor positions(const Tensor& samples, const Shape& in, const Shape& out, const Shape& kernel) {
  const int dims = in.size();
  const std::int64_t planes = samples.numel() / dims;
  Tensor index = empty({planes, out.numel(), kernel.numel()}, i64);
  std::int64_t* to = index.data<std::int64_t>().data();
  const T* sample = samples.data<T>().data();
  std::vector<std::vector<std::int64_t>> first;
  for (const std::int64_t n : out) first.emplace_back(static_cast<std::size_t>(n));
  for (std::int64_t plane = 0; plane < planes; ++plane, sample += dims) {
    for (int d = 0; d < dims; ++d) {
      // Of two dimensions PyTorch takes the width's sample first, of three the depth's.
      const T s = sample[dims == 2 ? 1 - d : d];
      starts(s, in[d], out[d], kernel[d], first[static_cast<std::size_t>(d)].data());
    }
    for (std::int64_t o = 0; o < out.numel(); ++o) {
      for (std::int64_t k = 0; k < kernel.numel(); ++k) {
        std::int64_t at = 0, stride = 1, rest_o = o, rest_k = k;
        for (int d = dims - 1; d >= 0; --d) {
          at += (first[static_cast<std::size_t>(d)][static_cast<std::size_t>(rest_o % out[d])] +
                 rest_k % kernel[d]) *
                stride;
          stride *= in[d];
          rest_o /= out[d];
          rest_k /= kernel[d];
        }
        *to++ = at;
      }
    }
  }
  return index;
}

ValuesIndices fractional(int dims, const Tensor& given, const Shape& kernel_size,
                         const FractionalMaxPoolOptions& o, Generator& generator) {
  if (autocast_enabled()) {
    const auto run = [&](const Tensor& x) { return fractional(dims, x, kernel_size, o, generator); };
    return ops::autocast_to<f32>(run, given);
  }
  const char* name = names[dims - 2];
  return ops::pooled(name, dims, given, [&](const Tensor& x) -> ValuesIndices {
    const Shape kernel = ops::for_each_dim(name, "kernel_size", kernel_size, dims);
    const Shape out = output_sizes(name, dims, x, o);
    Shape in;
    for (int d = 0; d < dims; ++d) {
      in.push_back(x.size(d + 2));
      if (kernel[d] < 1 || out[d] < 1 || out[d] + kernel[d] - 1 > in[d]) {
        throw Error(name,
                    fmt::format("kernel {} and output {} (input {})", to_string(kernel), to_string(out),
                                to_string(x.sizes())),
                    "there must be room for output + kernel - 1 elements in each dimension");
      }
    }
    const Shape wanted = {x.size(0), x.size(1), dims};
    Tensor samples = o.random_samples;
    if (!samples.defined()) {
      samples = rand(wanted, generator, given.dtype());
    } else if (samples.sizes() != wanted) {
      throw Error(name, fmt::format("random_samples of shape {}, expected {}", to_string(samples.sizes()),
                                    to_string(wanted)));
    }
    samples = samples.detach().to(x.dtype()).contiguous();
    const Tensor index = (x.dtype() == f64 ? positions<double>(samples, in, out, kernel)
                                           : positions<float>(samples, in, out, kernel))
                             .view({x.size(0), x.size(1), out.numel() * kernel.numel()});
    const Tensor windows = x.flatten(2).gather(2, index).unflatten(2, {out.numel(), kernel.numel()});
    const auto [values, at] = windows.max(3);
    const Tensor where =
        index.unflatten(2, {out.numel(), kernel.numel()}).gather(3, at.unsqueeze(3)).squeeze(3);
    return {values.unflatten(2, out), where.unflatten(2, out)};
  });
}

}  // namespace

Tensor fractional_max_pool2d(const Tensor& x, const Shape& kernel_size,
                             const FractionalMaxPoolOptions& options, Generator& generator) {
  return fractional(2, x, kernel_size, options, generator).values;
}
Tensor fractional_max_pool3d(const Tensor& x, const Shape& kernel_size,
                             const FractionalMaxPoolOptions& options, Generator& generator) {
  return fractional(3, x, kernel_size, options, generator).values;
}
ValuesIndices fractional_max_pool2d_with_indices(const Tensor& x, const Shape& kernel_size,
                                                 const FractionalMaxPoolOptions& options,
                                                 Generator& generator) {
  return fractional(2, x, kernel_size, options, generator);
}
ValuesIndices fractional_max_pool3d_with_indices(const Tensor& x, const Shape& kernel_size,
                                                 const FractionalMaxPoolOptions& options,
                                                 Generator& generator) {
  return fractional(3, x, kernel_size, options, generator);
}

}  // namespace mica
