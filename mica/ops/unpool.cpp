#include <algorithm>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/autocast.h>
#include <mica/ops/creation.h>
#include <mica/ops/sizes.h>
#include <mica/ops/unpool.h>

namespace mica {

namespace {

constexpr const char* names[] = {"max_unpool1d", "max_unpool2d", "max_unpool3d"};

Shape output_sizes(const char* operation, int dims, const Tensor& x, const Shape& kernel_size,
                   const MaxUnpoolOptions& o) {
  const Shape kernel = ops::for_each_dim(operation, "kernel_size", kernel_size, dims);
  const Shape stride = ops::for_each_dim(operation, "stride", o.stride.empty() ? kernel : o.stride, dims);
  const Shape padding = ops::for_each_dim(operation, "padding", o.padding, dims);
  for (const Shape& all : {kernel, stride, padding}) {
    for (const std::int64_t n : all) {
      if (n < 0 || n > INT32_MAX) {
        throw Error(operation,
                    fmt::format("kernel {}, stride {}, padding {}", to_string(kernel), to_string(stride),
                                to_string(padding)),
                    "numbers from 0 to 2^31");
      }
    }
  }
  Shape usual;
  for (int d = 0; d < dims; ++d)
    usual.push_back((x.size(x.dim() - dims + d) - 1) * stride[d] + kernel[d] - 2 * padding[d]);
  Shape sizes = usual;
  if (!o.output_size.empty()) {
    const int given = o.output_size.size();
    if (given != dims && given != x.dim()) {
      throw Error(operation, fmt::format("output_size {} for {} dimensions", to_string(o.output_size), dims),
                  "one number for each dimension, those of batch and channels may come before");
    }
    for (int d = 0; d < dims; ++d) {
      sizes[d] = o.output_size[given - dims + d];
      if (sizes[d] <= usual[d] - stride[d] || sizes[d] >= usual[d] + stride[d]) {
        throw Error(operation, fmt::format("output_size {}, where dimension {} can be between {} and {}",
                                           to_string(o.output_size), d, usual[d] - stride[d] + 1,
                                           usual[d] + stride[d] - 1));
      }
    }
  }
  for (int d = 0; d < dims; ++d) {
    if (sizes[d] < 1)
      throw Error(operation,
                  fmt::format("an output of size {} (input {})", to_string(sizes), to_string(x.sizes())));
  }
  return sizes;
}

Tensor max_unpool(int dims, const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                  const MaxUnpoolOptions& o) {
  const char* name = names[dims - 1];
  if (x.dim() != dims + 1 && x.dim() != dims + 2) {
    throw Error(name,
                fmt::format("expected an input of {} or {} dimensions, got {} (input {})", dims + 1, dims + 2,
                            x.dim(), to_string(x.sizes())),
                "(N, C, ...) or (C, ...)");
  }
  if (indices.sizes() != x.sizes() || indices.dtype() != i64) {
    throw Error(name,
                fmt::format("indices are {} {} for an input {}", mica::name(indices.dtype()),
                            to_string(indices.sizes()), to_string(x.sizes())),
                "i64 of the input's shape, from max_pool with indices");
  }
  const Shape sizes = output_sizes(name, dims, x, kernel_size, o);
  Shape planes;
  for (int d = 0; d < x.dim() - dims; ++d) planes.push_back(x.size(d));
  const std::int64_t first = planes.size();
  if (x.numel() != 0) {
    const std::int64_t least = indices.min().item<std::int64_t>(), most = indices.max().item<std::int64_t>();
    if (least < 0 || most >= sizes.numel()) {
      throw Error(name, fmt::format("index {} outside an output of size {}", least < 0 ? least : most,
                                    to_string(sizes)));
    }
  }
  Shape flat = planes;
  flat.push_back(sizes.numel());
  return zeros(flat, x.dtype())
      .scatter(first, indices.flatten(first), x.flatten(first))
      .unflatten(first, sizes);
}

}  // namespace

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                    const MaxUnpoolOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(max_unpool1d, x, indices, kernel_size, options);
  return max_unpool(1, x, indices, kernel_size, options);
}
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                    const MaxUnpoolOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(max_unpool2d, x, indices, kernel_size, options);
  return max_unpool(2, x, indices, kernel_size, options);
}
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const Shape& kernel_size,
                    const MaxUnpoolOptions& options) {
  if (autocast_enabled()) return ops::autocast_to<f32>(max_unpool3d, x, indices, kernel_size, options);
  return max_unpool(3, x, indices, kernel_size, options);
}

}  // namespace mica
