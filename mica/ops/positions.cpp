#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/positions.h>

namespace mica::ops {

namespace {

// The tensor without the repetitions that expand() made.
Tensor without_repeats(const Tensor& x) {
  Shape sizes = x.sizes();
  for (int d = 0; d < sizes.size(); ++d) {
    if (x.strides()[d] == 0 && sizes[d] > 1) sizes[d] = 1;
  }
  return sizes == x.sizes() ? x : alias(x, sizes, x.strides(), x.storage_offset());
}

Shape position_of(std::int64_t flat, const Shape& sizes) {
  Shape position = sizes;
  for (int d = sizes.size() - 1; d >= 0; --d) {
    position[d] = flat % sizes[d];
    flat /= sizes[d];
  }
  return position;
}

}  // namespace

Tensor checked_index(const char* operation, const Tensor& given, Negative negative, std::int64_t size,
                     int dim) {
  if (given.dtype() != i64 && given.dtype() != i32) {
    throw Error(operation, fmt::format("the index is {}", name(given.dtype())),
                "use i64 or i32: index.to(i64)");
  }
  const NoGrad guard;
  const Tensor narrow = without_repeats(given);
  Tensor index = narrow.to(i64).contiguous();
  const std::int64_t* numbers = index.data<std::int64_t>().data();
  const std::int64_t low = negative == Negative::refused ? 0 : -size;
  const std::int64_t at = kernels::find_outside(index.numel(), numbers, low, size);
  if (at >= 0) {
    throw Error(operation,
                fmt::format("index {} at position {} is out of range for dimension {} of size {}",
                            numbers[at], to_string(position_of(at, index.sizes())), dim, size),
                size == 0 ? "there is nothing to index" : fmt::format("use {} to {}", low, size - 1));
  }
  if (negative == Negative::from_the_end && kernels::find_outside(index.numel(), numbers, 0, size) >= 0) {
    const Tensor wrapped = empty(index.sizes(), i64);
    kernels::wrap_negative(index.numel(), size, numbers, wrapped.data<std::int64_t>().data());
    index = wrapped;
  }
  return index;
}

kernels::Lookup lookup_along(const Tensor& x, int dim, const Tensor& index, const Shape& sizes) {
  const Shape one{1};
  kernels::Lookup lookup{.sizes = sizes.empty() ? one : sizes,
                         .dim = dim,
                         .index = index.data<std::int64_t>().data(),
                         .index_strides = {},
                         .strides = x.sizes().empty() ? one : x.strides()};
  lookup.index_strides = in(index, lookup.sizes).strides;
  return lookup;
}

Along along(const char* operation, const Tensor& x, std::int64_t dim, const Tensor& index) {
  const int d = wrap_dim(dim, x.sizes().size(), operation);
  bool fits = rank_of(index) == rank_of(x);
  for (int i = 0; fits && i < rank_of(x); ++i) fits = i == d || size_of(index, i) <= size_of(x, i);
  if (!fits && index.numel() != 0) {
    throw Error(operation,
                fmt::format("an index of shape {} does not fit a tensor of shape {} along dimension {}",
                            to_string(index.sizes()), to_string(x.sizes()), d),
                "it needs the same number of dimensions, none of them larger except the indexed one");
  }
  Tensor checked = checked_index(operation, index, Negative::refused, size_of(x, d), d);
  return {d, checked.shares_storage(x) ? checked.clone() : checked, index.sizes()};
}

Tensor fitted(const char* operation, const Tensor& x, const Tensor& source, const Tensor& index) {
  check_same_dtype(operation, x, "the tensor", source, "the source");
  if (index.numel() == 0) return source.flatten().narrow(0, 0, 0).reshape(index.sizes());
  Tensor part = source;
  bool fits = rank_of(source) == rank_of(index);
  for (int i = 0; fits && i < rank_of(index); ++i) {
    fits = size_of(index, i) <= size_of(source, i);
    if (fits && size_of(index, i) < size_of(source, i)) part = part.narrow(i, 0, size_of(index, i));
  }
  if (!fits) {
    throw Error(operation,
                fmt::format("an index of shape {} does not fit a source of shape {}",
                            to_string(index.sizes()), to_string(source.sizes())),
                "the source needs the same number of dimensions, none of them smaller");
  }
  return part;
}

}  // namespace mica::ops
