#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/adaptive_pool.h>
#include <mica/ops/autocast.h>
#include <mica/ops/band.h>
#include <mica/ops/creation.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/pool.h>
#include <mica/ops/pooled.h>
#include <mica/ops/sizes.h>

namespace mica {

namespace {

constexpr const char* avg_names[] = {"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"};
constexpr const char* max_names[] = {"adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"};

Shape output_sizes(const char* operation, int dims, const Tensor& x, const Shape& given) {
  Shape sizes = ops::for_each_dim(operation, "output_size", given, dims);
  for (int d = 0; d < dims; ++d) {
    const std::int64_t n = x.size(d + 2);
    if (sizes[d] == -1) sizes[d] = n;
    if (sizes[d] < 0 || (n == 0 && sizes[d] != 0)) {
      throw Error(
          operation,
          fmt::format("output_size {} for an input of shape {}", to_string(given), to_string(x.sizes())),
          "sizes of 0 or more, -1 for that of the input, which must not be empty");
    }
  }
  return sizes;
}

struct Window {
  std::int64_t first, size;
};
Window window(std::int64_t i, std::int64_t in, std::int64_t out) {
  const std::int64_t first = i * in / out, end = ((i + 1) * in + out - 1) / out;
  return {first, end - first};
}

Tensor adaptive_avg(int dims, const Tensor& given, const Shape& output_size) {
  const char* name = avg_names[dims - 1];
  const auto run = [&](const Tensor& x) -> ValuesIndices {
    const Shape sizes = output_sizes(name, dims, x, output_size);
    Tensor y = x;
    for (int d = dims + 1; d >= 2; --d) {  // the mean over a box is that of means along its edges
      const std::int64_t in = x.size(d), out = sizes[d - 2];
      if (in == out) continue;
      auto band = std::make_shared<kernels::Band>();
      band->columns = in;
      for (std::int64_t i = 0; i < out; ++i) {
        const auto [first, size] = window(i, in, out);
        ops::add_row(*band, first,
                     std::vector<double>(static_cast<std::size_t>(size), 1.0 / static_cast<double>(size)));
      }
      y = ops::band_product(y, d, std::move(band));
    }
    return {y.is_same(x) ? x.clone() : y, {}};
  };
  return ops::pooled(name, dims, given, run).values;
}

// The size of the windows if they are all the same and do not overlap, else nothing.
Shape equal_windows(const Tensor& x, const Shape& sizes) {
  Shape kernel;
  for (int d = 0; d < sizes.size(); ++d) {
    if (x.size(d + 2) % sizes[d] != 0) return {};
    kernel.push_back(x.size(d + 2) / sizes[d]);
  }
  return kernel;
}

// The maximum over the windows of one dimension, and where in that dimension it was.
ValuesIndices largest_along(const Tensor& x, int dim, std::int64_t out) {
  const std::int64_t in = x.size(dim);
  std::int64_t most = 1;
  for (std::int64_t i = 0; i < out; ++i) most = std::max(most, window(i, in, out).size);
  // Smaller windows repeat their last element, which is not the first of equals.
  Tensor index = empty({out, most}, i64);
  auto to = index.data<std::int64_t>().begin();
  for (std::int64_t i = 0; i < out; ++i) {
    const auto [first, size] = window(i, in, out);
    for (std::int64_t k = 0; k < most; ++k) *to++ = first + std::min(k, size - 1);
  }
  const auto [values, at] = x.index_select(dim, index.view(-1)).unflatten(dim, {out, most}).max(dim + 1);
  Shape along = Shape::filled(x.sizes().size() + 1, 1);
  along[dim] = out;
  along[dim + 1] = most;
  Shape sizes = values.sizes();
  sizes.insert(dim + 1, most);
  return {values, index.view(along).expand(sizes).gather(dim + 1, at.unsqueeze(dim + 1)).squeeze(dim + 1)};
}

ValuesIndices adaptive_max(int dims, const Tensor& given, const Shape& output_size) {
  const char* name = max_names[dims - 1];
  return ops::pooled(name, dims, given, [&](const Tensor& x) -> ValuesIndices {
    const Shape sizes = output_sizes(name, dims, x, output_size);
    if (sizes.numel() == 0 || x.numel() == 0) {
      Shape all = sizes;
      all.insert(0, x.size(1));
      all.insert(0, x.size(0));
      return {(x.sum() * 0).expand(all), zeros(all, i64)};
    }
    if (const Shape equal = equal_windows(x, sizes); !equal.empty()) {
      return dims == 1   ? max_pool1d_with_indices(x, equal)
             : dims == 2 ? max_pool2d_with_indices(x, equal)
                         : max_pool3d_with_indices(x, equal);
    }
    // One dimension after the other, the last one first: of equals the first in row-major order stays.
    Tensor y = x, at;
    std::int64_t stride = 1;
    for (int d = dims + 1; d >= 2; --d) {
      const auto [values, along] = largest_along(y, d, sizes[d - 2]);
      at = at.defined() ? at.gather(d, along) + along * stride : along;
      stride *= x.size(d);
      y = values;
    }
    return {y, at};
  });
}

}  // namespace

Tensor adaptive_avg_pool1d(const Tensor& x, const Shape& output_size) {
  return adaptive_avg(1, x, output_size);
}
Tensor adaptive_avg_pool2d(const Tensor& x, const Shape& output_size) {
  return adaptive_avg(2, x, output_size);
}
Tensor adaptive_avg_pool3d(const Tensor& x, const Shape& output_size) {
  if (autocast_enabled()) return ops::autocast_to<f32>(adaptive_avg_pool3d, x, output_size);
  return adaptive_avg(3, x, output_size);
}
Tensor adaptive_max_pool1d(const Tensor& x, const Shape& output_size) {
  return adaptive_max(1, x, output_size).values;
}
Tensor adaptive_max_pool2d(const Tensor& x, const Shape& output_size) {
  return adaptive_max(2, x, output_size).values;
}
Tensor adaptive_max_pool3d(const Tensor& x, const Shape& output_size) {
  if (autocast_enabled()) return ops::autocast_to<f32>(adaptive_max_pool3d, x, output_size);
  return adaptive_max(3, x, output_size).values;
}
ValuesIndices adaptive_max_pool1d_with_indices(const Tensor& x, const Shape& output_size) {
  return adaptive_max(1, x, output_size);
}
ValuesIndices adaptive_max_pool2d_with_indices(const Tensor& x, const Shape& output_size) {
  return adaptive_max(2, x, output_size);
}
ValuesIndices adaptive_max_pool3d_with_indices(const Tensor& x, const Shape& output_size) {
  if (autocast_enabled()) return ops::autocast_to<f32>(adaptive_max_pool3d_with_indices, x, output_size);
  return adaptive_max(3, x, output_size);
}

}  // namespace mica
