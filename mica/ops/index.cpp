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
using ops::Along;
using ops::along;
using ops::fitted;
using ops::Negative;
using ops::rank_of;
using Pair = std::array<Tensor, 2>;

Tensor Tensor::gather(std::int64_t dim, const Tensor& index) const {
  const Along at = along("gather", *this, dim, index);
  Tensor y = empty(index.sizes(), dtype());
  const Tensor rows = y.sizes().empty() ? alias(y, {1}, {1}, 0) : y;
  kernels::gather(static_cast<std::int64_t>(item_size(dtype())), at(*this), raw_data(), ops::out(rows));
  if (!recording(*this)) return y;
  return record("gather", y, {this},
                [d = at.dim, index = Saved(index), sizes = sizes()](const Node& node, const Tensor& grad) {
                  return zeros(sizes, grad.dtype()).scatter_add_(d, index.get(node), grad);
                });
}

namespace {

auto scatter_backward(int dim, const Tensor& index) {
  return [dim, index = Saved(index)](const Node& node, const Tensor& grad) -> Pair {
    return {node.needs(0) ? grad.scatter(dim, index.get(node), 0) : Tensor(),
            node.needs(1) ? grad.gather(dim, index.get(node)) : Tensor()};
  };
}

auto scatter_add_backward(int dim, const Tensor& index) {
  return [dim, index = Saved(index)](const Node& node, const Tensor& grad) -> Pair {
    return {grad, node.needs(1) ? grad.gather(dim, index.get(node)) : Tensor()};
  };
}

// A number as a source for every position of the index.
Tensor everywhere(const Tensor& x, const Tensor& index, Scalar value) {
  return full({}, value, x.dtype()).expand(index.sizes());
}

}  // namespace

Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  const Along at = along("scatter", *this, dim, index);
  return ops::record_scatter("scatter", Scatter::copy, *this, fitted("scatter", *this, source, index), at,
                             scatter_backward(at.dim, index));
}

Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Along at = along("scatter_", *this, dim, index);
  return ops::record_scatter_in_place("scatter_", Scatter::copy, *this,
                                      fitted("scatter_", *this, source, index), at,
                                      scatter_backward(at.dim, index));
}

Tensor Tensor::scatter(std::int64_t dim, const Tensor& index, Scalar value) const {
  return scatter(dim, index, everywhere(*this, index, value));
}

Tensor& Tensor::scatter_(std::int64_t dim, const Tensor& index, Scalar value) {
  return scatter_(dim, index, everywhere(*this, index, value));
}

Tensor Tensor::scatter_add(std::int64_t dim, const Tensor& index, const Tensor& source) const {
  const Along at = along("scatter_add", *this, dim, index);
  return ops::record_scatter("scatter_add", Scatter::add, *this, fitted("scatter_add", *this, source, index),
                             at, scatter_add_backward(at.dim, index));
}

Tensor& Tensor::scatter_add_(std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Along at = along("scatter_add_", *this, dim, index);
  return ops::record_scatter_in_place("scatter_add_", Scatter::add, *this,
                                      fitted("scatter_add_", *this, source, index), at,
                                      scatter_add_backward(at.dim, index));
}

Tensor Tensor::take_along_dim(const Tensor& index, std::int64_t dim) const {
  const int d = wrap_dim(dim, sizes().size(), "take_along_dim");
  if (rank_of(index) != rank_of(*this)) {
    throw Error("take_along_dim",
                fmt::format("an index of shape {} for a tensor of shape {}", to_string(index.sizes()),
                            to_string(sizes())),
                "it needs the same number of dimensions");
  }
  if (sizes().empty() || index.sizes().empty()) return gather(d, index);
  Shape own = sizes();
  Shape wanted = index.sizes();
  own[d] = wanted[d] = 1;
  own = wanted = broadcast_shapes(own, wanted, "take_along_dim");
  own[d] = sizes()[d];
  wanted[d] = index.sizes()[d];
  return expand(own).gather(d, index.expand(wanted));
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, std::optional<std::int64_t> dim) {
  return dim ? x.take_along_dim(index, *dim) : x.flatten().gather(0, index.flatten());
}

Tensor take(const Tensor& x, const Tensor& index) {
  const Tensor line = x.flatten();
  const Tensor at = ops::checked_index("take", index, Negative::from_the_end, line.numel(), 0);
  return line.gather(0, at.expand(index.sizes()).flatten()).reshape(index.sizes());
}

}  // namespace mica
