#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/ops/creation.h>
#include <mica/ops/index.h>
#include <mica/ops/positions.h>

namespace mica {

using autograd::record;
using autograd::recording;
using kernels::Scatter;
using ops::Negative;
using Pair = std::array<Tensor, 2>;

namespace {

int rank_of(const Tensor& x) { return std::max(x.sizes().size(), 1); }

// Sizes of tensors without dimensions count as (1).
std::int64_t size_of(const Tensor& x, int dim) { return x.sizes().empty() ? 1 : x.sizes()[dim]; }

// How an index lies along a dimension of x.
struct Along {
  int dim;
  Tensor index;  // checked
  Shape sizes;

  kernels::Lookup operator()(const Tensor& x) const { return ops::lookup_along(x, dim, index, sizes); }
};

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
  return {d, ops::checked_index(operation, index, Negative::refused, size_of(x, d), d), index.sizes()};
}

// The part of the source that the index reaches.
Tensor fitted(const char* operation, const Tensor& x, const Tensor& source, const Tensor& index) {
  ops::check_same_dtype(operation, x, "the tensor", source, "the source");
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

}  // namespace

Tensor Tensor::gather(std::int64_t dim, const Tensor& index) const {
  const Along at = along("gather", *this, dim, index);
  Tensor y = empty(index.sizes(), dtype());
  const Tensor rows = y.sizes().empty() ? alias(y, {1}, {1}, 0) : y;
  kernels::gather(static_cast<std::int64_t>(item_size(dtype())), at(*this), raw_data(), ops::out(rows));
  if (!recording(*this)) return y;
  return record("gather", y, {this},
                [d = at.dim, index = Saved(index), sizes = sizes()](const Node& node, const Tensor& grad) {
                  return zeros(sizes, grad.dtype()).scatter_add(d, index.get(node), grad);
                });
}

Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Tensor& given) const {
  const Along at = along("scatter", *this, dim, index);
  const Tensor source = fitted("scatter", *this, given, index);
  Tensor y = ops::convert(*this, dtype());
  ops::scatter_into(Scatter::copy, y, source, at);
  if (!recording(*this, source)) return y;
  return record("scatter", y, {this, &source},
                [d = at.dim, index = Saved(index)](const Node& node, const Tensor& grad) -> Pair {
                  return {node.needs(0) ? grad.scatter(d, index.get(node), 0) : Tensor(),
                          node.needs(1) ? grad.gather(d, index.get(node)) : Tensor()};
                });
}

Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, Scalar value) const {
  return scatter(dim, index, full({}, value, dtype()).expand(index.sizes()));
}

Tensor Tensor::scatter_add(std::int64_t dim, const Tensor& index, const Tensor& given) const {
  const Along at = along("scatter_add", *this, dim, index);
  const Tensor source = fitted("scatter_add", *this, given, index);
  Tensor y = ops::convert(*this, dtype());
  ops::scatter_into(Scatter::add, y, source, at);
  if (!recording(*this, source)) return y;
  return record("scatter_add", y, {this, &source},
                [d = at.dim, index = Saved(index)](const Node& node, const Tensor& grad) -> Pair {
                  return {grad, node.needs(1) ? grad.gather(d, index.get(node)) : Tensor()};
                });
}

}  // namespace mica
